//! What a store sums up about a group of decision events: enough to compute the metrics asked for, and to merge.

use crate::histogram::Histogram;
use crate::query::Metric;

/// One group of a report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// Its value of each dimension; `None` for events without one.
    pub key: Vec<Option<String>>,
    /// Its sums.
    pub totals: Totals,
}

/// Sums over decision events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Events.
    pub requests: u64,
    /// Answers of 400 and above to requests that were not blocked.
    pub errors: u64,
    /// Decision `blocked`.
    pub blocked: u64,
    /// Another than the first choice served.
    pub failovers: u64,
    /// Tokens, input.
    pub prompt_tokens: u64,
    /// Tokens, output.
    pub completion_tokens: u64,
    /// Tokens, input from the cache.
    pub cached_tokens: u64,
    /// Tokens, all.
    pub total_tokens: u64,
    /// Nano US dollars.
    pub cost_nanos: u64,
    /// Sum of squares of nano US dollars of each event.
    pub cost_nanos_squared: f64,
    /// Milliseconds of requests that were answered with 200 to 399.
    pub latency: Histogram,
    /// Sum of squares of these milliseconds.
    pub latency_ms_squared: f64,
    /// Milliseconds to the first token.
    pub ttft: Histogram,
}

/// A number of an event. Reading fewer of them makes reports over many events faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// What the client got.
    Status,
    /// Whether the request was blocked, as 0 or 1.
    Blocked,
    /// Whether another than the first choice served, as 0 or 1.
    Failover,
    /// Tokens, input.
    PromptTokens,
    /// Tokens, output.
    CompletionTokens,
    /// Tokens, input from the cache.
    CachedTokens,
    /// Tokens, all.
    TotalTokens,
    /// Nano US dollars.
    Cost,
    /// Milliseconds.
    Latency,
    /// Milliseconds to the first token.
    Ttft,
}

impl Measure {
    /// All that any of `metrics` is computed from.
    pub(crate) fn of(metrics: &[Metric]) -> Vec<Self> {
        let mut all = Vec::new();
        for measure in metrics.iter().flat_map(|&metric| Self::of_metric(metric)) {
            if !all.contains(measure) {
                all.push(*measure);
            }
        }
        all
    }

    fn of_metric(metric: Metric) -> &'static [Self] {
        match metric {
            Metric::RequestCount => &[],
            Metric::ErrorCount | Metric::ErrorRate => &[Self::Status, Self::Blocked],
            Metric::BlockedCount => &[Self::Blocked],
            Metric::FailoverCount | Metric::FailoverRate => &[Self::Failover],
            Metric::LatencyP50 | Metric::LatencyP99 | Metric::LatencyAverage => {
                &[Self::Status, Self::Latency]
            }
            Metric::TtftP50 | Metric::TtftP99 => &[Self::Ttft],
            Metric::TotalInputTokens => &[Self::PromptTokens],
            Metric::TotalOutputTokens => &[Self::CompletionTokens],
            Metric::TotalCachedTokens => &[Self::CachedTokens],
            Metric::TotalTokens => &[Self::TotalTokens],
            Metric::CacheShare => &[Self::CachedTokens, Self::PromptTokens],
            Metric::TotalCost | Metric::Cost | Metric::CostPerRequest => &[Self::Cost],
            Metric::CostPerMillionTokens => &[Self::Cost, Self::TotalTokens],
        }
    }
}

impl Totals {
    /// Adds an event's cost.
    pub(crate) fn add_cost(&mut self, nanos: u64) {
        self.cost_nanos = self.cost_nanos.saturating_add(nanos);
        self.cost_nanos_squared += count(nanos) * count(nanos);
    }

    /// Adds the latency of a request that was answered with less than 400.
    pub(crate) fn add_latency(&mut self, ms: u64) {
        self.latency.record(ms);
        self.latency_ms_squared += count(ms) * count(ms);
    }

    /// Adds another group's sums.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            requests,
            errors,
            blocked,
            failovers,
            prompt_tokens,
            completion_tokens,
            cached_tokens,
            total_tokens,
            cost_nanos,
            cost_nanos_squared,
            latency,
            latency_ms_squared,
            ttft,
        } = other;
        self.requests += requests;
        self.errors += errors;
        self.blocked += blocked;
        self.failovers += failovers;
        self.prompt_tokens += prompt_tokens;
        self.completion_tokens += completion_tokens;
        self.cached_tokens += cached_tokens;
        self.total_tokens += total_tokens;
        self.cost_nanos = self.cost_nanos.saturating_add(*cost_nanos);
        self.cost_nanos_squared += cost_nanos_squared;
        self.latency.merge(latency);
        self.latency_ms_squared += latency_ms_squared;
        self.ttft.merge(ttft);
    }

    /// The value of a metric; `None` where there is nothing to compute it from.
    pub fn metric(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::RequestCount => Some(count(self.requests)),
            Metric::ErrorCount => Some(count(self.errors)),
            Metric::ErrorRate => ratio(self.errors, self.requests),
            Metric::BlockedCount => Some(count(self.blocked)),
            Metric::FailoverCount => Some(count(self.failovers)),
            Metric::FailoverRate => ratio(self.failovers, self.requests),
            Metric::LatencyP50 => self.latency.percentile(50).map(count),
            Metric::LatencyP99 => self.latency.percentile(99).map(count),
            Metric::LatencyAverage => ratio(self.latency.sum(), self.latency.count()),
            Metric::TtftP50 => self.ttft.percentile(50).map(count),
            Metric::TtftP99 => self.ttft.percentile(99).map(count),
            Metric::TotalInputTokens => Some(count(self.prompt_tokens)),
            Metric::TotalOutputTokens => Some(count(self.completion_tokens)),
            Metric::TotalCachedTokens => Some(count(self.cached_tokens)),
            Metric::TotalTokens => Some(count(self.total_tokens)),
            Metric::CacheShare => ratio(self.cached_tokens, self.prompt_tokens),
            Metric::TotalCost | Metric::Cost => Some(events::usd(self.cost_nanos)),
            Metric::CostPerRequest => {
                (self.requests > 0).then(|| events::usd(self.cost_nanos) / count(self.requests))
            }
            Metric::CostPerMillionTokens => (self.total_tokens > 0)
                .then(|| events::usd(self.cost_nanos) / count(self.total_tokens) * 1e6),
        }
    }
}

/// Exact below 2^53.
#[allow(clippy::cast_precision_loss)]
fn count(number: u64) -> f64 {
    number as f64
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| count(part) / count(whole))
}
