//! Decision events in OpenTelemetry's language: the attribute of every field, and the metrics that are counted from events.
//!
//! The filter and the collector count with the same [`Registry`], so that `/metrics` of a gateway and what a collector
//! exports say the same of the same events. Names follow the GenAI semantic conventions; `registry/` holds the names that
//! were published, and a test compares.
#![forbid(unsafe_code)]

mod codec;
mod exposition;
pub mod fields;
mod histogram;
mod label;
mod metric;
mod operation;
mod record;
mod registry;

pub use exposition::{PrometheusText, escape_label};
pub use histogram::{Bounds, Histogram};
pub use label::{Label, LabelChoice};
pub use metric::{Family, METRICS, Metric, MetricKind, Style};
pub use operation::{operation_name, provider_name};
pub use registry::{MAX_SERIES, Point, Registry, Value};
