//! The error for the client when every attempt has failed (contract §4).

use super::FailoverReason;

/// One failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// Why it failed, if known.
    pub reason: Option<FailoverReason>,
    /// The provider responded, with any status.
    pub answered: bool,
    /// Milliseconds that the provider asked to wait.
    pub retry_after_ms: Option<u64>,
}

/// The error that represents all attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// HTTP status.
    pub status: u16,
    /// `error.type`
    pub kind: &'static str,
    /// `error.code`
    pub code: &'static str,
    /// Milliseconds for `retry-after`.
    pub retry_after_ms: Option<u64>,
}

/// Milliseconds for `retry-after` if no provider asked for any.
const DEFAULT_RETRY_AFTER_MS: u64 = 1000;

impl Exhausted {
    /// 429 if all were rate limited, 502 if one responded with an error, else 503.
    pub fn of(attempts: impl Iterator<Item = FailedAttempt> + Clone) -> Self {
        let soonest = attempts.clone().filter_map(|one| one.retry_after_ms).min();
        let is_rate_limited =
            |one: FailedAttempt| one.reason == Some(FailoverReason::UpstreamRateLimited);
        let any = attempts.clone().next().is_some();
        if any && attempts.clone().all(is_rate_limited) {
            Self {
                status: 429,
                kind: "rate_limit",
                code: "rate_limit_exceeded",
                retry_after_ms: soonest.or(Some(DEFAULT_RETRY_AFTER_MS)),
            }
        } else if attempts.clone().any(|one| one.answered) {
            Self {
                status: 502,
                kind: "upstream_error",
                code: "upstream_failed",
                retry_after_ms: soonest,
            }
        } else {
            Self {
                status: 503,
                kind: "upstream_error",
                code: "all_providers_unavailable",
                retry_after_ms: soonest.or(Some(DEFAULT_RETRY_AFTER_MS)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
