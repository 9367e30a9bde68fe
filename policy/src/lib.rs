//! The configuration: reads every dialect of `policy-config.yaml` into one model, and lints it.
#![forbid(unsafe_code)]

pub mod azure;
pub mod cluster;
mod finding;
mod load;
pub mod model;
pub mod vendor;

pub use finding::{Code, Finding, LintReport, Severity};
pub use load::{LoadOptions, Loaded, json_schema, load, load_with};
pub use model::*;
pub use vendor::{AuthHeader, Profile, Vendor, Wire};
