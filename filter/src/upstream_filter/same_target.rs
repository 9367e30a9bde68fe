//! Whether a target that failed is asked once more before anybody else.

use protocols::exchange::FailoverReason;

use crate::request_context::RequestContext;

/// Longest wait that a provider may ask for, in milliseconds, for it to be asked again instead of the next one.
pub(super) const MAX_WAIT_MS: u64 = 1_000;

/// The connection of attempt `index` broke before a byte of an answer came: mostly a kept-alive one that the provider had
/// closed already. It is asked once more, on another connection, and nobody is blamed.
pub(super) fn repeats_connection(
    context: &RequestContext,
    index: usize,
    reason: FailoverReason,
) -> bool {
    let Some(attempt) = context.attempts.get(index) else {
        return false;
    };
    reason == FailoverReason::UpstreamReset
        && attempt.status.is_none()
        && context.hedge_after_ms().is_none()
        && (context.attempts.iter())
            .all(|other| other.entry != attempt.entry || !other.connection_repeated)
}

/// Attempt `index` was answered with a failure that often is over at once (`failover.retry.same_target`).
pub(super) fn repeats_request(
    context: &mut RequestContext,
    index: usize,
    reason: FailoverReason,
) -> bool {
    let allowed = context.same_target_retries();
    let Some(attempt) = context.attempts.get(index) else {
        return false;
    };
    let (entry, status) = (attempt.entry, attempt.status);
    let answered = (context.attempts.iter())
        .filter(|other| other.entry == entry && other.status.is_some())
        .count();
    if answered > allowed || context.hedge_after_ms().is_some() {
        return false;
    }
    match (status, reason) {
        (Some(500 | 502 | 503), FailoverReason::Upstream5xx) => true,
        (Some(429), FailoverReason::UpstreamRateLimited) => {
            wait_ms(context, index).is_some_and(|wait_ms| wait_ms <= MAX_WAIT_MS)
        }
        _ => false,
    }
}

/// How long the provider of attempt `index` asks to wait, in milliseconds, if it says so.
pub(super) fn wait_ms(context: &mut RequestContext, index: usize) -> Option<u64> {
    context.exchange(index)?.error()?.retry_after_ms
}
