//! Pure routing decisions: which target serves a request, with which model, and who follows when it fails.
//!
//! Nothing here knows a clock, a random source, a host or a wire format: time and randomness are arguments, and state
//! comes in as a [`View`].
#![forbid(unsafe_code)]

pub mod affinity;
pub mod budget;
pub mod cost;
mod hash;
pub mod health;
pub mod index;
pub mod latency;
mod naming;
pub mod plan;
pub mod price;
pub mod probe;
pub mod random;
pub mod rate;
pub mod refusal;
pub mod request;
pub mod resolve;
mod semantic;
mod strategy;
pub mod tokens;
mod vendor_models;
pub mod view;

#[cfg(test)]
mod testing;

pub use index::PolicyIndex;
pub use plan::{Entry, Excluded, Plan};
pub use random::Random;
pub use refusal::{ExclusionReason, Refusal};
pub use request::Request;
pub use resolve::Resolution;
pub use view::{View, WorkerState};
