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
    /// The connection broke after content.
    StreamBroken,
    /// After content the provider was silent for too long.
    StreamIdle,
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
            Self::StreamBroken => "stream_broken",
            Self::StreamIdle => "stream_idle",
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
        ErrorKind::UnsupportedField | ErrorKind::Refused | ErrorKind::EndpointNotFound => {
            Some(FailoverReason::UpstreamRefused)
        }
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
mod tests;
