//! Behaviour of the gateway through a real Envoy, as users and providers see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod aws_signing;
mod bad_input;
mod bodies;
mod broken_streams;
mod budgets;
mod client_headers;
mod conformance;
mod console;
mod console_live;
mod content_policies;
mod credentials;
mod docs;
mod events;
mod events_under_load;
mod evidence_commands;
mod examples;
mod failover;
mod failover_reasons;
mod four_providers;
mod health;
mod health_blame;
mod health_capacity;
mod health_faults;
mod health_outage;
mod health_rate_limits;
mod health_trap;
mod hedging;
mod image;
mod import;
#[path = "../../../kt/tests/common/inert_module.rs"]
mod inert_module;
mod istio;
mod kept_alive;
mod keys;
mod large_answers;
mod openapi;
mod outside_strings;
mod pass_through;
mod profile;
mod sdk;
mod setup;
mod stalled_streams;
mod strategies;
mod strict_providers;
mod support;
mod telemetry;
mod timeouts;
mod translation;
mod tutorial;
