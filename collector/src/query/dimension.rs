//! What rows of a report can be grouped by.

use events::Timestamp;

/// One row for each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Target that served.
    Provider,
    /// Its vendor.
    Vendor,
    /// As asked for.
    Model,
    /// That served.
    ResolvedModel,
    /// As asked for.
    ModelGroup,
    /// Arm of an experiment.
    Tag,
    /// Where the target is.
    Region,
    /// What picked the plan's head.
    Strategy,
    /// What the client got.
    StatusCode,
    /// allowed, blocked, flagged.
    Decision,
    /// Gateway key.
    KeyName,
    /// Its team.
    Team,
    /// The gateway.
    GatewayId,
    /// Hour of the event in UTC, `2026-11-21T13:00:00Z`.
    Hour,
    /// Day of the event in UTC, `2026-11-21`.
    Day,
    /// Minute of the event in UTC, `2026-11-21T13:37:00Z`.
    Minute,
    /// Month of the event in UTC, `2026-11`.
    Month,
    /// Target of an attempt: rows count attempts, not requests.
    AttemptProvider,
    /// Model of an attempt: rows count attempts, not requests.
    AttemptModel,
}

/// What a store reads a [`Dimension`] from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// The column of this name.
    Named(&'static str),
    /// How many whole periods of this many microseconds lie between 1970 and the event's time.
    PeriodOf(u64),
    /// Year and month of the event's time.
    Month,
}

impl Dimension {
    /// All there are.
    pub const ALL: [Self; 19] = [
        Self::Provider,
        Self::Vendor,
        Self::Model,
        Self::ResolvedModel,
        Self::ModelGroup,
        Self::Tag,
        Self::Region,
        Self::Strategy,
        Self::StatusCode,
        Self::Decision,
        Self::KeyName,
        Self::Team,
        Self::GatewayId,
        Self::Hour,
        Self::Day,
        Self::Minute,
        Self::Month,
        Self::AttemptProvider,
        Self::AttemptModel,
    ];

    /// As `group_by` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Vendor => "vendor",
            Self::Model => "model",
            Self::ResolvedModel => "resolved_model",
            Self::ModelGroup => "model_group",
            Self::Tag => "tag",
            Self::Region => "region",
            Self::Strategy => "strategy",
            Self::StatusCode => "status_code",
            Self::Decision => "decision",
            Self::KeyName => "key_name",
            Self::Team => "team",
            Self::GatewayId => "gateway_id",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Minute => "minute",
            Self::Month => "month",
            Self::AttemptProvider => "attempts.provider",
            Self::AttemptModel => "attempts.model",
        }
    }

    /// Where stores find it.
    pub(crate) fn column(self) -> Column {
        match self {
            Self::Hour => Column::PeriodOf(3_600_000_000),
            Self::Day => Column::PeriodOf(86_400_000_000),
            Self::Minute => Column::PeriodOf(60_000_000),
            Self::Month => Column::Month,
            Self::AttemptProvider => Column::Named("attempt_provider"),
            Self::AttemptModel => Column::Named("attempt_model"),
            Self::Provider
            | Self::Vendor
            | Self::Model
            | Self::ResolvedModel
            | Self::ModelGroup
            | Self::Tag
            | Self::Region
            | Self::Strategy
            | Self::StatusCode
            | Self::Decision
            | Self::KeyName
            | Self::Team
            | Self::GatewayId => Column::Named(self.name()),
        }
    }

    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|dimension| dimension.name() == name)
    }

    /// A value that is a number in stores: a status code, or hours or days since 1970.
    pub(crate) fn text_of_number(self, number: u64) -> String {
        let time = |seconds: u64| {
            Timestamp::from_millis(number.saturating_mul(seconds).saturating_mul(1_000)).to_string()
        };
        match self {
            Self::Hour => format!("{}:00:00Z", time(3_600).get(..13).unwrap_or_default()),
            Self::Day => time(86_400).get(..10).unwrap_or_default().to_owned(),
            Self::Minute => format!("{}:00Z", time(60).get(..16).unwrap_or_default()),
            Self::Provider
            | Self::Vendor
            | Self::Model
            | Self::ResolvedModel
            | Self::ModelGroup
            | Self::Tag
            | Self::Region
            | Self::Strategy
            | Self::StatusCode
            | Self::Decision
            | Self::KeyName
            | Self::Team
            | Self::Month
            | Self::AttemptProvider
            | Self::AttemptModel
            | Self::GatewayId => number.to_string(),
        }
    }

    /// Rows count attempts: those that another target's answer rescued as well.
    pub fn is_of_attempts(self) -> bool {
        matches!(self, Self::AttemptProvider | Self::AttemptModel)
    }

    /// Rows come by time, not by size.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Minute | Self::Hour | Self::Day | Self::Month)
    }
}
