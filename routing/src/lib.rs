//! Pure routing decisions: which target serves a request, with which model, and which targets follow when it fails.
//!
//! The crate has no clock, random source, host or wire format: time and randomness are arguments, and state is a
//! [`StateSnapshot`].
#![forbid(unsafe_code)]

pub mod affinity;
pub mod budget;
pub mod cost;
mod hash;
pub mod health;
pub mod index;
pub mod latency;
mod model_mapper;
pub mod plan;
pub mod plan_error;
pub mod price;
pub mod probe;
pub mod random;
pub mod rate;
pub mod request;
pub mod resolve;
mod semantic;
pub mod state;
mod strategy;
pub mod tokens;
mod vendor_models;

#[cfg(test)]
mod testing;

pub use index::PolicyIndex;
pub use plan::{Excluded, Plan, PlannedAttempt};
pub use plan_error::{ExclusionReason, PlanError};
pub use random::Random;
pub use request::Request;
pub use resolve::Resolution;
pub use state::{Budgeted, StateSnapshot, StrategyState};
