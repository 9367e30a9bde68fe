//! The configuration: reads every dialect of `policy-config.yaml` into one model, and lints it.
#![forbid(unsafe_code)]

pub mod cluster;
pub mod model;
pub mod vendor;

pub use model::*;
pub use vendor::{AuthHeader, Vendor, Wire};
