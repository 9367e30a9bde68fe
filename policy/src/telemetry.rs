//! The model of `telemetry`: what is told to OpenTelemetry and Prometheus, and where.

use crate::model::{BaseUrl, Credential};

/// What is exported where.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// `service.name` of all signals.
    pub service_name: String,
    /// Spans; `None` exports none, and then requests carry their clients' trace context on as it came.
    pub traces: Option<OtlpEndpoint>,
    /// Metrics.
    pub metrics: Option<OtlpEndpoint>,
    /// Events as log records.
    pub logs: Option<OtlpEndpoint>,
    /// Share of the traces that begin at this gateway, from 0 to 1.
    pub sampling: f64,
    /// Labels of metrics.
    pub labels: MetricLabels,
    /// Milliseconds between exports of metrics.
    pub interval_ms: u64,
    /// `/metrics`
    pub prometheus: Prometheus,
}

/// Where one signal goes by OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpEndpoint {
    /// The whole URL.
    pub url: BaseUrl,
    /// By lower-case names, each once.
    pub headers: Vec<(String, HeaderValue)>,
}

/// The value of a header of OTLP requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// Itself.
    Text(String),
    /// Behind `prefix`, from a variable or file.
    Secret {
        /// Such as `Bearer `.
        prefix: String,
        /// Where it is.
        credential: Credential,
    },
}

/// One of the labels that multiply series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricLabel {
    /// Target and vendor.
    Provider,
    /// The model that was asked for and the one that served.
    Model,
    /// The model group.
    Group,
    /// The gateway key's name.
    Key,
    /// The gateway key's team.
    Team,
}

/// Which labels metrics have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricLabels {
    /// Target and vendor.
    pub provider: bool,
    /// The model that was asked for and the one that served.
    pub model: bool,
    /// The model group.
    pub group: bool,
    /// The gateway key's name.
    pub key: bool,
    /// The gateway key's team.
    pub team: bool,
}

/// `/metrics`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prometheus {
    /// Requests are counted.
    pub enabled: bool,
    /// A port of its own; `None` is the gateway's.
    pub port: Option<u16>,
    /// Only with a gateway key.
    pub require_key: bool,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            service_name: "keeptrusts-gateway".to_owned(),
            traces: None,
            metrics: None,
            logs: None,
            sampling: 1.0,
            labels: MetricLabels::default(),
            interval_ms: 15_000,
            prometheus: Prometheus {
                enabled: true,
                port: None,
                require_key: false,
            },
        }
    }
}

impl MetricLabels {
    /// Those that are listed.
    pub(crate) fn of(labels: &[MetricLabel]) -> Self {
        let has = |label| labels.contains(&label);
        Self {
            provider: has(MetricLabel::Provider),
            model: has(MetricLabel::Model),
            group: has(MetricLabel::Group),
            key: has(MetricLabel::Key),
            team: has(MetricLabel::Team),
        }
    }
}

impl Default for MetricLabels {
    fn default() -> Self {
        Self::of(&[
            MetricLabel::Provider,
            MetricLabel::Model,
            MetricLabel::Group,
        ])
    }
}
