//! Which failures are retried on another target.

use crate::error::{ErrorKind, ProviderError};
use crate::translator::Attempt;

/// Why an attempt failed over; the values of `failover.reason` in events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailoverReason {
    /// No response, or no content, in time.
    UpstreamTimeout,
    /// No connection could be made.
    UpstreamConnect,
    /// The connection was reset before content arrived.
    UpstreamReset,
    /// Status 429.
    UpstreamRateLimited,
    /// 5xx, an error body that reports overload or exhausted quota, or an invalid response.
    Upstream5xx,
    /// The gateway's credential is wrong, expired, disabled or lacks a permission.
    UpstreamAuth,
    /// The provider refuses without blaming credential or request, or does not serve this endpoint.
    UpstreamRefused,
    /// The model is unknown, retired, or not available to this account.
    ModelNotFound,
    /// The prompt exceeds the model's context window.
    ContextLength,
    /// Refused by the provider's content filter.
    ContentPolicy,
    /// A stream started with an error.
    ErrorInStream,
    /// A stream ended before any content.
    EmptyStream,
    /// Excluded from the plan.
    Unhealthy,
    /// A hedged request to the next target responded first.
    Hedged,
}

/// An attempt without a response that lasted this percentage of its timeout counts as timed out.
const TIMEOUT_SHARE_PERCENT: u64 = 97;

impl FailoverReason {
    /// Why no response arrived, judged from outside: by the attempt's age, else by whether it was connected.
    pub fn classify_no_response(
        waited_ms: u64,
        timeout_ms: u64,
        is_connected: impl FnOnce() -> bool,
    ) -> Self {
        if waited_ms.saturating_mul(100) >= timeout_ms.saturating_mul(TIMEOUT_SHARE_PERCENT) {
            Self::UpstreamTimeout
        } else if is_connected() {
            Self::UpstreamReset
        } else {
            Self::UpstreamConnect
        }
    }

    /// The value in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamConnect => "upstream_connect",
            Self::UpstreamReset => "upstream_reset",
            Self::UpstreamRateLimited => "upstream_rate_limited",
            Self::Upstream5xx => "upstream_5xx",
            Self::UpstreamAuth => "upstream_auth",
            Self::UpstreamRefused => "upstream_refused",
            Self::ModelNotFound => "model_not_found",
            Self::ContextLength => "context_length",
            Self::ContentPolicy => "content_policy",
            Self::ErrorInStream => "error_in_stream",
            Self::EmptyStream => "empty_stream",
            Self::Unhealthy => "unhealthy",
            Self::Hedged => "hedged",
        }
    }
}

/// Why this error is retried on another target; `None` if the client is at fault.
///
/// The meaning of the error decides, not its status: a 400 that says "credit balance is too low" is the gateway's
/// problem.
pub(super) fn reason(error: &ProviderError, attempt: &Attempt) -> Option<FailoverReason> {
    match error.kind {
        ErrorKind::InvalidRequest | ErrorKind::NotFound | ErrorKind::RequestTooLarge => None,
        ErrorKind::ContextLength => attempt
            .fail_over_on_context_length
            .then_some(FailoverReason::ContextLength),
        ErrorKind::ContentPolicy => attempt
            .fail_over_on_content_policy
            .then_some(FailoverReason::ContentPolicy),
        ErrorKind::Authentication | ErrorKind::Permission => Some(FailoverReason::UpstreamAuth),
        ErrorKind::Refused | ErrorKind::EndpointNotFound => Some(FailoverReason::UpstreamRefused),
        ErrorKind::ModelNotFound => Some(FailoverReason::ModelNotFound),
        ErrorKind::RateLimited => Some(FailoverReason::UpstreamRateLimited),
        ErrorKind::QuotaExhausted | ErrorKind::Overloaded if error.status == 429 => {
            Some(FailoverReason::UpstreamRateLimited)
        }
        ErrorKind::Timeout if error.status < 500 => Some(FailoverReason::UpstreamTimeout),
        ErrorKind::QuotaExhausted
        | ErrorKind::Overloaded
        | ErrorKind::Timeout
        | ErrorKind::Server => Some(FailoverReason::Upstream5xx),
    }
}

/// The same for an error inside a stream of which nothing was sent: it always fails over.
pub(super) fn reason_in_stream(error: &ProviderError, attempt: &Attempt) -> FailoverReason {
    match (error.kind, reason(error, attempt)) {
        (ErrorKind::ContextLength | ErrorKind::ContentPolicy, Some(reason)) => reason,
        _ => FailoverReason::ErrorInStream,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use catalog::Provider;

    use super::*;
    use crate::format::ClientFormat;
    use crate::translator::test_attempt;

    #[test]
    fn silence_is_a_timeout_by_its_age_else_a_matter_of_the_connection() {
        let table = [
            (1000, 1000, true, FailoverReason::UpstreamTimeout),
            (970, 1000, false, FailoverReason::UpstreamTimeout),
            (969, 1000, true, FailoverReason::UpstreamReset),
            (0, 1000, false, FailoverReason::UpstreamConnect),
            (u64::MAX, u64::MAX, false, FailoverReason::UpstreamTimeout),
        ];
        for (waited_ms, timeout_ms, connected, expected) in table {
            let reason = FailoverReason::classify_no_response(waited_ms, timeout_ms, || connected);
            assert_eq!(reason, expected, "{waited_ms} of {timeout_ms} ms");
        }
    }

    #[test]
    fn the_providers_fault_fails_over_and_the_clients_does_not() {
        use FailoverReason::{
            ContentPolicy, ContextLength, ModelNotFound, Upstream5xx, UpstreamAuth,
            UpstreamRateLimited, UpstreamRefused, UpstreamTimeout,
        };
        let table = [
            (ErrorKind::InvalidRequest, 400, None),
            (ErrorKind::InvalidRequest, 422, None),
            (ErrorKind::NotFound, 404, None),
            (ErrorKind::RequestTooLarge, 413, None),
            (ErrorKind::ContextLength, 400, None),
            (ErrorKind::ContentPolicy, 400, None),
            (ErrorKind::Authentication, 401, Some(UpstreamAuth)),
            (ErrorKind::Permission, 403, Some(UpstreamAuth)),
            (ErrorKind::Refused, 403, Some(UpstreamRefused)),
            (ErrorKind::Refused, 451, Some(UpstreamRefused)),
            (ErrorKind::EndpointNotFound, 404, Some(UpstreamRefused)),
            (ErrorKind::EndpointNotFound, 405, Some(UpstreamRefused)),
            (ErrorKind::ModelNotFound, 404, Some(ModelNotFound)),
            (ErrorKind::Timeout, 408, Some(UpstreamTimeout)),
            (ErrorKind::RateLimited, 429, Some(UpstreamRateLimited)),
            (ErrorKind::QuotaExhausted, 429, Some(UpstreamRateLimited)),
            (ErrorKind::QuotaExhausted, 400, Some(Upstream5xx)),
            (ErrorKind::Overloaded, 400, Some(Upstream5xx)),
            (ErrorKind::Overloaded, 503, Some(Upstream5xx)),
            (ErrorKind::Timeout, 504, Some(Upstream5xx)),
            (ErrorKind::Server, 424, Some(Upstream5xx)),
            (ErrorKind::Server, 500, Some(Upstream5xx)),
        ];
        let attempt = test_attempt(ClientFormat::ChatCompletions, Provider::COMPATIBLE);
        for (kind, status, expected) in table {
            let error = ProviderError {
                status,
                ..ProviderError::new(kind, "x")
            };
            assert_eq!(reason(&error, &attempt), expected, "{kind:?} {status}");
        }
        let asked = Attempt {
            fail_over_on_context_length: true,
            fail_over_on_content_policy: true,
            ..attempt
        };
        for (kind, expected) in [
            (ErrorKind::ContextLength, ContextLength),
            (ErrorKind::ContentPolicy, ContentPolicy),
        ] {
            assert_eq!(
                reason(&ProviderError::new(kind, "x"), &asked),
                Some(expected)
            );
        }
    }
}
