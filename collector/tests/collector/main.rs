//! The collector as its users meet it: real sockets, real files.

mod aggregates;
mod audit;
mod bad_input;
mod budgets;
mod clickhouse;
mod console;
mod delivery;
mod documents;
mod feedback;
mod keys;
mod login;
mod loss;
mod model;
mod otlp;
mod reports;
mod resources;
mod support;
mod webhooks;
