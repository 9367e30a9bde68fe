//! What a store sums up about a group of decision events: enough to compute the metrics asked for, and to merge.

mod codec;

use crate::histogram::Histogram;
use crate::query::Metric;
use crate::store::{AttemptColumns, Columns};

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
    /// Answers of 400 and above to requests that were not blocked, and answers that broke on their way.
    pub errors: u64,
    /// Decision `blocked`.
    pub blocked: u64,
    /// Requests or attempts that were answered with 200 to 399.
    pub successes: u64,
    /// Answers of 429.
    pub rate_limited: u64,
    /// Answers of 400 to 499.
    pub client_errors: u64,
    /// Answers of 500 and above, and attempts without an answer.
    pub server_errors: u64,
    /// Attempts that failed; `None` where requests are counted.
    pub failed_attempts: Option<u64>,
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
    /// Events whose cost is known.
    pub priced: u64,
    /// Of these, those that were answered with 200 to 399.
    pub priced_successes: u64,
    /// Of these, all tokens.
    pub priced_tokens: u64,
    /// Events with tokens and without a known cost.
    pub unpriced: u64,
    /// Nano US dollars, of those whose cost is known.
    pub cost_nanos: u64,
    /// Sum of squares of nano US dollars of each event.
    pub cost_nanos_squared: f64,
    /// Milliseconds of requests that were answered with 200 to 399.
    pub latency: Histogram,
    /// Sum of squares of these milliseconds.
    pub latency_ms_squared: f64,
    /// Milliseconds to the first token.
    pub ttft: Histogram,
    /// Events with feedback.
    pub scored: u64,
    /// Sum of their scores, in millionths.
    pub score_millionths: u64,
    /// Sum of squares of these.
    pub score_millionths_squared: f64,
}

/// What is known of an end beside its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Of a request: whether its answer began well and failed on its way.
    OfRequest { is_broken: bool },
    /// Of an attempt: whether it has a reason to have failed.
    OfAttempt { is_failed: bool },
}

/// Scores are stored as whole millionths.
pub(crate) const MILLIONTHS: u64 = 1_000_000;

/// A number of an event. Reading fewer of them makes reports over many events faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// What the client got.
    Status,
    /// Whether the request was blocked, as 0 or 1.
    Blocked,
    /// Whether the attempt failed, or the request's answer broke on its way, as 0 or 1.
    Failed,
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
    /// Mean score of the feedback on it, in millionths.
    Score,
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
            Metric::RequestCount => &[Self::Failed],
            Metric::ErrorCount | Metric::ErrorRate => &[Self::Status, Self::Blocked, Self::Failed],
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
            Metric::TotalCost
            | Metric::Cost
            | Metric::UnpricedCount
            | Metric::CostPerMillionTokens => &[Self::Cost, Self::TotalTokens],
            Metric::CostPerRequest => &[Self::Cost],
            Metric::CostPerSuccess => &[Self::Cost, Self::Status, Self::Failed],
            Metric::AttemptCount
            | Metric::SuccessCount
            | Metric::FailureCount
            | Metric::Availability
            | Metric::RateLimitedCount
            | Metric::ClientErrorCount
            | Metric::ServerErrorCount => &[Self::Status, Self::Blocked, Self::Failed],
            Metric::QualityScore | Metric::FeedbackCount => &[Self::Score],
        }
    }
}

impl Totals {
    /// Adds an event's cost; `None`: it is not known, which is not the same as nothing.
    pub(crate) fn add_cost(&mut self, nanos: Option<u64>, tokens: u64, is_success: bool) {
        let Some(nanos) = nanos else {
            self.unpriced += u64::from(tokens > 0);
            return;
        };
        self.priced += 1;
        self.priced_successes += u64::from(is_success);
        self.priced_tokens += tokens;
        self.cost_nanos = self.cost_nanos.saturating_add(nanos);
        self.cost_nanos_squared += count(nanos) * count(nanos);
    }

    /// Adds the latency of a request that was answered with less than 400.
    pub(crate) fn add_latency(&mut self, ms: u64) {
        self.latency.record(ms);
        self.latency_ms_squared += count(ms) * count(ms);
    }

    /// Counts a request.
    pub(crate) fn count_request(&mut self, columns: &Columns) {
        let status = columns.status_code.map_or(0, u64::from);
        let is_success = (200..400).contains(&status);
        let is_blocked = columns.decision.as_deref() == Some("blocked");
        let is_success = is_success && !columns.is_broken;
        self.add_status(
            status,
            is_blocked,
            Ending::OfRequest {
                is_broken: columns.is_broken,
            },
        );
        self.add_served(columns, is_success);
        if let Some(latency) = columns.latency_ms.filter(|_| is_success) {
            self.add_latency(latency);
        }
    }

    /// Counts an attempt. Tokens and cost are those of the request, and belong to the attempt that served.
    pub(crate) fn count_attempt(&mut self, columns: &Columns, attempt: &AttemptColumns) {
        let status = attempt.status_code.map_or(0, u64::from);
        let is_success = (200..400).contains(&status) && !attempt.is_failed;
        self.add_status(
            status,
            false,
            Ending::OfAttempt {
                is_failed: attempt.is_failed,
            },
        );
        if !attempt.has_served {
            return;
        }
        self.add_served(columns, is_success);
        if let Some(latency) = attempt.latency_ms.filter(|_| is_success) {
            self.add_latency(latency);
        }
    }

    fn add_served(&mut self, columns: &Columns, is_success: bool) {
        self.failovers += u64::from(columns.failover);
        self.prompt_tokens += columns.prompt_tokens;
        self.completion_tokens += columns.completion_tokens;
        self.cached_tokens += columns.cached_tokens;
        self.total_tokens += columns.total_tokens;
        self.add_cost(columns.cost_nanos, columns.total_tokens, is_success);
        if let Some(ttft) = columns.ttft_ms {
            self.ttft.record(ttft);
        }
    }

    /// Adds the score of a request that has feedback.
    pub(crate) fn add_score(&mut self, millionths: u64) {
        self.scored += 1;
        self.score_millionths += millionths;
        self.score_millionths_squared += count(millionths) * count(millionths);
    }

    /// Adds another group's sums.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            requests,
            errors,
            blocked,
            successes,
            rate_limited,
            client_errors,
            server_errors,
            failed_attempts,
            failovers,
            prompt_tokens,
            completion_tokens,
            cached_tokens,
            total_tokens,
            priced,
            priced_successes,
            priced_tokens,
            unpriced,
            cost_nanos,
            cost_nanos_squared,
            latency,
            latency_ms_squared,
            ttft,
            scored,
            score_millionths,
            score_millionths_squared,
        } = other;
        self.requests += requests;
        self.errors += errors;
        self.blocked += blocked;
        self.successes += successes;
        self.rate_limited += rate_limited;
        self.client_errors += client_errors;
        self.server_errors += server_errors;
        self.failed_attempts = match (self.failed_attempts, failed_attempts) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or(0) + other.unwrap_or(0)),
        };
        self.failovers += failovers;
        self.prompt_tokens += prompt_tokens;
        self.completion_tokens += completion_tokens;
        self.cached_tokens += cached_tokens;
        self.total_tokens += total_tokens;
        self.priced += priced;
        self.priced_successes += priced_successes;
        self.priced_tokens += priced_tokens;
        self.unpriced += unpriced;
        self.cost_nanos = self.cost_nanos.saturating_add(*cost_nanos);
        self.cost_nanos_squared += cost_nanos_squared;
        self.latency.merge(latency);
        self.latency_ms_squared += latency_ms_squared;
        self.ttft.merge(ttft);
        self.scored += scored;
        self.score_millionths += score_millionths;
        self.score_millionths_squared += score_millionths_squared;
    }

    /// Counts what an answer's status says. An attempt without an answer has status 0.
    pub(crate) fn add_status(&mut self, status: u64, is_blocked: bool, ending: Ending) {
        let (is_attempt, has_failed) = match ending {
            Ending::OfRequest { is_broken } => (false, is_broken),
            Ending::OfAttempt { is_failed } => (true, is_failed),
        };
        self.requests += 1;
        self.blocked += u64::from(is_blocked);
        self.successes += u64::from((200..400).contains(&status) && !has_failed);
        self.rate_limited += u64::from(status == 429 && !is_blocked);
        self.client_errors += u64::from((400..500).contains(&status) && !is_blocked);
        let is_unanswered = status == 0 && is_attempt && has_failed;
        self.server_errors += u64::from((status >= 500 || is_unanswered) && !is_blocked);
        self.errors += u64::from((status >= 400 || has_failed) && !is_blocked);
        if is_attempt {
            *self.failed_attempts.get_or_insert(0) += u64::from(has_failed);
        }
    }

    fn failures(&self) -> u64 {
        self.failed_attempts.unwrap_or(self.errors)
    }

    /// The value of a metric; `None` where there is nothing to compute it from.
    pub fn metric(&self, metric: Metric) -> Option<f64> {
        match metric {
            // Of attempts: what this target served.
            Metric::RequestCount => Some(count(match self.failed_attempts {
                Some(failed) => self.requests.saturating_sub(failed),
                None => self.requests,
            })),
            Metric::ErrorCount => Some(count(self.errors)),
            Metric::ErrorRate => ratio(self.errors, self.requests),
            Metric::AttemptCount => self.failed_attempts.map(|_| count(self.requests)),
            Metric::SuccessCount => Some(count(self.successes)),
            Metric::FailureCount => Some(count(self.failures())),
            Metric::Availability => {
                ratio(self.requests.saturating_sub(self.failures()), self.requests)
            }
            Metric::RateLimitedCount => Some(count(self.rate_limited)),
            Metric::ClientErrorCount => Some(count(self.client_errors)),
            Metric::ServerErrorCount => Some(count(self.server_errors)),
            Metric::CostPerSuccess => self.cost_by(self.priced_successes),
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
            Metric::TotalCost | Metric::Cost => self.total_cost_usd(),
            Metric::UnpricedCount => Some(count(self.unpriced)),
            Metric::CostPerRequest => self.cost_by(self.priced),
            Metric::QualityScore => ratio(self.score_millionths, self.scored * MILLIONTHS),
            Metric::FeedbackCount => Some(count(self.scored)),
            Metric::CostPerMillionTokens => self.cost_by(self.priced_tokens).map(|one| one * 1e6),
        }
    }

    /// US dollars; `None` where tokens were used and no cost is known.
    pub(crate) fn total_cost_usd(&self) -> Option<f64> {
        (self.priced > 0 || self.unpriced == 0).then(|| events::usd(self.cost_nanos))
    }

    /// The mean cost of what is counted of the events whose cost is known.
    fn cost_by(&self, counted: u64) -> Option<f64> {
        (counted > 0).then(|| events::usd(self.cost_nanos) / count(counted))
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
