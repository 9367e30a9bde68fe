//! The configuration: reads every dialect of `policy-config.yaml` into one model, and lints it.
#![forbid(unsafe_code)]

mod base_url;
pub mod cluster;
mod content_category;
pub mod deployments_path;
mod dialect;
mod draft;
mod finding;
mod forward_headers;
mod lint;
mod load;
pub mod model;
pub mod order;
mod resolve;
mod section;
mod source;
mod suggest;
mod target;
mod telemetry;
mod value;
mod yaml;

pub use base_url::InvalidBaseUrl;
pub use content_category::{CONTENT_CATEGORIES, ContentCategory};
pub use finding::{Code, Finding, LintReport, Severity};
pub use load::{
    KnownPrice, LoadOptions, Loaded, Lookup, ModelCheck, ModelWarning, json_schema, load, load_with,
};
pub use model::*;
pub use source::Source;
pub use telemetry::{HeaderValue, MetricLabel, MetricLabels, OtlpEndpoint, Prometheus, Telemetry};
pub use yaml::MAX_BYTES as MAX_DOCUMENT_BYTES;
pub use yaml::to_json as yaml_to_json;
