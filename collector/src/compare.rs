//! How the arms of an experiment differ, and whether the difference is more than chance.

use serde::{Deserialize, Serialize};

/// The arms, the one with most requests first: it is what the others are compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What tells the arms apart.
    pub by: Vec<String>,
    /// Each arm's numbers.
    pub arms: Vec<Arm>,
    /// Each arm but the first against the first, for each number that is compared.
    pub differences: Vec<Difference>,
    /// What it comes to, in a sentence or a few.
    pub verdict: String,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Its values of `by`, with `/` between them.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// Share of errors, with its Wilson interval.
    pub error_rate: Estimate,
    /// Mean milliseconds of requests without error, with its interval by Student's t.
    pub latency_mean_ms: Option<Estimate>,
    /// Median milliseconds.
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile.
    pub latency_p99_ms: Option<f64>,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// US dollars.
    pub total_cost_usd: f64,
    /// Mean US dollars for each request, with its interval by Student's t.
    pub cost_per_request_usd: Option<Estimate>,
}

/// A number, and between which bounds the true one lies with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// As measured.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// An arm against the first one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The arm.
    pub arm: String,
    /// The arm it is compared with.
    pub baseline: String,
    /// Which number.
    pub measure: Measure,
    /// The arm's value less the baseline's, with its 95 % interval.
    pub difference: Estimate,
    /// The interval does not hold 0.
    pub proved: bool,
}

/// The numbers that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Share of errors.
    ErrorRate,
    /// Mean milliseconds.
    Latency,
    /// Mean US dollars for each request.
    CostPerRequest,
}
