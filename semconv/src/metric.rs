//! Every metric: its names, its unit, and which numbers of which series it shows.

use crate::histogram::Bounds;

/// Series that share their labels and what is counted of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Family {
    /// Requests, as their clients saw them.
    Request = 0,
    /// Answers of providers: tokens, cost, speed.
    Usage = 1,
    /// Attempts at targets.
    Attempt = 2,
    /// First choices that did not serve.
    Failover = 3,
    /// Content policies that ran.
    Policy = 4,
}

/// How labels are named in Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As OpenTelemetry names them, with `_` for `.`: metrics of the conventions.
    OpenTelemetry,
    /// `provider`, `model`, …: metrics of our own.
    Short,
}

/// Which number of a series a metric shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A counter, by its place.
    Counter(usize),
    /// A histogram, by its place.
    Histogram(usize, Bounds),
}

/// One metric. Two rows of one name differ in `extra`.
#[derive(Debug)]
pub struct Metric {
    /// Whose series it shows.
    pub family: Family,
    /// What of them.
    pub kind: MetricKind,
    /// OpenTelemetry's name.
    pub name: &'static str,
    /// UCUM.
    pub unit: &'static str,
    /// Name for Prometheus.
    pub prometheus: &'static str,
    /// How labels are named there.
    pub style: Style,
    /// A label of the metric's own: attribute, label, value.
    pub extra: Option<(&'static str, &'static str, &'static str)>,
    /// So many of what is counted are one of the unit.
    pub per_unit: f64,
    /// One sentence.
    pub help: &'static str,
}

/// Places of numbers in series of [`Family::Request`].
pub(crate) mod request {
    pub(crate) const REQUESTS: usize = 0;
    pub(crate) const DURATION: usize = 0;
    pub(crate) const VENDOR_DURATION: usize = 1;
}

/// Places of numbers in series of [`Family::Usage`].
pub(crate) mod usage {
    pub(crate) const INPUT: usize = 0;
    pub(crate) const OUTPUT: usize = 1;
    pub(crate) const CACHED: usize = 2;
    pub(crate) const REASONING: usize = 3;
    pub(crate) const COST: usize = 4;
    pub(crate) const INPUT_PER_CALL: usize = 0;
    pub(crate) const OUTPUT_PER_CALL: usize = 1;
    pub(crate) const FIRST_TOKEN: usize = 2;
    pub(crate) const PER_TOKEN: usize = 3;
}

/// The second histogram of [`Family::Attempt`]; the first one is [`ONLY`].
pub(crate) const VENDOR_ATTEMPT_DURATION: usize = 1;

/// The only counter of the other families, and their only histogram.
pub(crate) const ONLY: usize = 0;

/// Milliseconds; the conventions' bounds for durations of operations.
pub(crate) const DURATION_MS: Bounds = &[
    10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120, 10_240, 20_480, 40_960, 81_920,
];
/// Milliseconds; with the bound at which the alert on latency looks.
pub(crate) const VENDOR_DURATION_MS: Bounds = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000,
];
/// Tokens; the conventions' bounds.
pub(crate) const TOKENS: Bounds = &[
    1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
    67_108_864,
];
/// Milliseconds; the conventions' bounds for the time to the first token.
pub(crate) const FIRST_TOKEN_MS: Bounds = &[
    1, 5, 10, 20, 40, 60, 80, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
];
/// Microseconds; the conventions' bounds for the time per output token.
pub(crate) const PER_TOKEN_US: Bounds = &[
    10_000, 25_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 400_000, 500_000, 750_000,
    1_000_000, 2_500_000,
];

const MS_PER_S: f64 = 1e3;
const US_PER_S: f64 = 1e6;

/// Every metric that is counted from events.
pub static METRICS: &[Metric] = &[
    Metric {
        family: Family::Attempt,
        kind: MetricKind::Histogram(ONLY, DURATION_MS),
        name: "gen_ai.client.operation.duration",
        unit: "s",
        prometheus: "gen_ai_client_operation_duration_seconds",
        style: Style::OpenTelemetry,
        extra: None,
        per_unit: MS_PER_S,
        help: "Duration of attempts at providers.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Histogram(usage::INPUT_PER_CALL, TOKENS),
        name: "gen_ai.client.token.usage",
        unit: "{token}",
        prometheus: "gen_ai_client_token_usage",
        style: Style::OpenTelemetry,
        extra: Some(("gen_ai.token.type", "token_type", "input")),
        per_unit: 1.0,
        help: "Tokens used by an operation.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Histogram(usage::OUTPUT_PER_CALL, TOKENS),
        name: "gen_ai.client.token.usage",
        unit: "{token}",
        prometheus: "gen_ai_client_token_usage",
        style: Style::OpenTelemetry,
        extra: Some(("gen_ai.token.type", "token_type", "output")),
        per_unit: 1.0,
        help: "Tokens used by an operation.",
    },
    Metric {
        family: Family::Request,
        kind: MetricKind::Histogram(request::DURATION, DURATION_MS),
        name: "gen_ai.server.request.duration",
        unit: "s",
        prometheus: "gen_ai_server_request_duration_seconds",
        style: Style::OpenTelemetry,
        extra: None,
        per_unit: MS_PER_S,
        help: "Duration of requests, to the last byte of the answer.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Histogram(usage::FIRST_TOKEN, FIRST_TOKEN_MS),
        name: "gen_ai.server.time_to_first_token",
        unit: "s",
        prometheus: "gen_ai_server_time_to_first_token_seconds",
        style: Style::OpenTelemetry,
        extra: None,
        per_unit: MS_PER_S,
        help: "Time to the first content of streams, failed attempts included.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Histogram(usage::PER_TOKEN, PER_TOKEN_US),
        name: "gen_ai.server.time_per_output_token",
        unit: "s",
        prometheus: "gen_ai_server_time_per_output_token_seconds",
        style: Style::OpenTelemetry,
        extra: None,
        per_unit: US_PER_S,
        help: "Time per token after the first one, of streams.",
    },
    Metric {
        family: Family::Request,
        kind: MetricKind::Counter(request::REQUESTS),
        name: "keeptrusts.gateway.requests",
        unit: "{request}",
        prometheus: "keeptrusts_gateway_requests_total",
        style: Style::Short,
        extra: None,
        per_unit: 1.0,
        help: "Requests to models, however they ended; status 0 is a client that left before an answer.",
    },
    Metric {
        family: Family::Request,
        kind: MetricKind::Histogram(request::VENDOR_DURATION, VENDOR_DURATION_MS),
        name: "keeptrusts.gateway.request.duration",
        unit: "s",
        prometheus: "keeptrusts_gateway_request_duration_seconds",
        style: Style::Short,
        extra: None,
        per_unit: MS_PER_S,
        help: "Duration of requests, to the last byte of the answer.",
    },
    Metric {
        family: Family::Policy,
        kind: MetricKind::Counter(ONLY),
        name: "keeptrusts.gateway.policy_evaluations",
        unit: "{evaluation}",
        prometheus: "keeptrusts_gateway_policy_evaluations_total",
        style: Style::Short,
        extra: None,
        per_unit: 1.0,
        help: "Content policies that ran, by what they said.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Counter(usage::INPUT),
        name: "keeptrusts.gateway.tokens",
        unit: "{token}",
        prometheus: "keeptrusts_gateway_tokens_total",
        style: Style::Short,
        extra: Some(("keeptrusts.direction", "direction", "input")),
        per_unit: 1.0,
        help: "Billed tokens.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Counter(usage::OUTPUT),
        name: "keeptrusts.gateway.tokens",
        unit: "{token}",
        prometheus: "keeptrusts_gateway_tokens_total",
        style: Style::Short,
        extra: Some(("keeptrusts.direction", "direction", "output")),
        per_unit: 1.0,
        help: "Billed tokens.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Counter(usage::CACHED),
        name: "keeptrusts.gateway.cached_tokens",
        unit: "{token}",
        prometheus: "keeptrusts_gateway_cached_tokens_total",
        style: Style::Short,
        extra: None,
        per_unit: 1.0,
        help: "Input tokens that came from providers' caches.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Counter(usage::REASONING),
        name: "keeptrusts.gateway.reasoning_tokens",
        unit: "{token}",
        prometheus: "keeptrusts_gateway_reasoning_tokens_total",
        style: Style::Short,
        extra: None,
        per_unit: 1.0,
        help: "Output tokens that were spent on reasoning.",
    },
    Metric {
        family: Family::Usage,
        kind: MetricKind::Counter(usage::COST),
        name: "keeptrusts.gateway.cost",
        unit: "{USD}",
        prometheus: "keeptrusts_gateway_cost_usd_total",
        style: Style::Short,
        extra: None,
        per_unit: events::NANOS_PER_USD,
        help: "US dollars of answers whose price is known.",
    },
    Metric {
        family: Family::Attempt,
        kind: MetricKind::Counter(ONLY),
        name: "keeptrusts.gateway.attempts",
        unit: "{attempt}",
        prometheus: "keeptrusts_gateway_attempts_total",
        style: Style::Short,
        extra: None,
        per_unit: 1.0,
        help: "Attempts at targets; status 0 is one without an answer.",
    },
    Metric {
        family: Family::Attempt,
        kind: MetricKind::Histogram(VENDOR_ATTEMPT_DURATION, VENDOR_DURATION_MS),
        name: "keeptrusts.gateway.attempt.duration",
        unit: "s",
        prometheus: "keeptrusts_gateway_attempt_duration_seconds",
        style: Style::Short,
        extra: None,
        per_unit: MS_PER_S,
        help: "Duration of attempts at targets, with the bound at which the alert on latency looks.",
    },
    Metric {
        family: Family::Failover,
        kind: MetricKind::Counter(ONLY),
        name: "keeptrusts.gateway.failovers",
        unit: "{request}",
        prometheus: "keeptrusts_gateway_failovers_total",
        style: Style::Short,
        extra: None,
        per_unit: 1.0,
        help: "Requests that another than the first choice served, by the first choice and its reason.",
    },
];
