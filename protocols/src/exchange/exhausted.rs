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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn attempts_are_summed_up_as_the_contract_says() {
        let limited = |retry_after_ms| FailedAttempt {
            reason: Some(FailoverReason::UpstreamRateLimited),
            answered: true,
            retry_after_ms,
        };
        let answered = FailedAttempt {
            reason: Some(FailoverReason::Upstream5xx),
            answered: true,
            retry_after_ms: None,
        };
        let silent = FailedAttempt {
            reason: Some(FailoverReason::UpstreamTimeout),
            answered: false,
            retry_after_ms: None,
        };
        let table: [(&[FailedAttempt], u16, Option<u64>); 8] = [
            (&[], 503, Some(1000)),
            (&[silent], 503, Some(1000)),
            (&[silent, silent], 503, Some(1000)),
            (&[answered], 502, None),
            (&[silent, answered], 502, None),
            (&[limited(None)], 429, Some(1000)),
            (
                &[limited(Some(9000)), limited(Some(4000)), limited(None)],
                429,
                Some(4000),
            ),
            (&[limited(Some(9000)), silent], 502, Some(9000)),
        ];
        for (attempts, status, retry_after_ms) in table {
            let sum = Exhausted::of(attempts.iter().copied());
            assert_eq!(
                (sum.status, sum.retry_after_ms),
                (status, retry_after_ms),
                "{attempts:?}"
            );
        }
    }
}
