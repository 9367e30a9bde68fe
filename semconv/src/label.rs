//! Labels of metrics: few, and of values that a policy bounds.

/// A label, which OpenTelemetry calls an attribute of a data point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Label {
    /// What was asked for: `chat`, `embeddings`, …
    Operation = 0,
    /// The vendor, by the conventions' name.
    Vendor = 1,
    /// Id of the target.
    Provider = 2,
    /// The model group, or the model where no group was asked for.
    RequestModel = 3,
    /// The model that served.
    Model = 4,
    /// The model group.
    Group = 5,
    /// The gateway key's name.
    Key = 6,
    /// Its team.
    Team = 7,
    /// HTTP status.
    Status = 8,
    /// Why it failed.
    ErrorType = 9,
    /// Why another target was asked.
    Reason = 10,
    /// A content policy.
    Policy = 11,
    /// What it said.
    Result = 12,
    /// The series stands for all that came after too many others.
    Overflow = 13,
}

/// Name in OpenTelemetry, and in Prometheus for metrics of our own.
type Names = (&'static str, &'static str);

impl Label {
    /// All of them, by their numbers.
    pub const ALL: [Self; 14] = [
        Self::Operation,
        Self::Vendor,
        Self::Provider,
        Self::RequestModel,
        Self::Model,
        Self::Group,
        Self::Key,
        Self::Team,
        Self::Status,
        Self::ErrorType,
        Self::Reason,
        Self::Policy,
        Self::Result,
        Self::Overflow,
    ];

    fn names(self) -> Names {
        match self {
            Self::Operation => ("gen_ai.operation.name", "operation"),
            Self::Vendor => ("gen_ai.provider.name", "vendor"),
            Self::Provider => ("keeptrusts.provider", "provider"),
            Self::RequestModel => ("gen_ai.request.model", "requested_model"),
            Self::Model => ("gen_ai.response.model", "model"),
            Self::Group => ("keeptrusts.model_group", "model_group"),
            Self::Key => ("keeptrusts.key_name", "key_name"),
            Self::Team => ("keeptrusts.team", "team"),
            Self::Status => ("http.response.status_code", "status"),
            Self::ErrorType => ("error.type", "error_type"),
            Self::Reason => ("keeptrusts.failover.reason", "reason"),
            Self::Policy => ("keeptrusts.policy", "policy"),
            Self::Result => ("keeptrusts.policy.result", "result"),
            Self::Overflow => ("otel.metric.overflow", "overflow"),
        }
    }

    /// Attribute of a data point.
    pub fn attribute(self) -> &'static str {
        self.names().0
    }

    /// Label of metrics that are named by us.
    pub fn short(self) -> &'static str {
        self.names().1
    }

    /// By its number.
    pub(crate) fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Which labels a policy wants (`telemetry.labels`). Each one multiplies the number of series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelChoice {
    /// Target and vendor.
    pub provider: bool,
    /// The model asked for and the one that served.
    pub model: bool,
    /// The model group.
    pub group: bool,
    /// The gateway key's name.
    pub key: bool,
    /// The gateway key's team.
    pub team: bool,
}

impl Default for LabelChoice {
    fn default() -> Self {
        Self {
            provider: true,
            model: true,
            group: true,
            key: false,
            team: false,
        }
    }
}
