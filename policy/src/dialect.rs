//! The dialects: which keys each adds to which section, and how they are read into the draft.
//!
//! A new dialect is one file with tables of keys, and one entry in each row of `sections` that it extends. The JSON
//! Schema in `policy/schema` has a definition for each section; a test keeps the two alike.

mod gateway;
mod groups;
mod pack;
mod policies;
mod quirks;
mod reference;
pub(crate) mod sections;
mod strategy;
mod telemetry;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
mod tutorial;

pub(crate) use policies::{kind_name, policy_kind};
