//! What the client is told when nobody could serve.

use protocols::exchange::{Exhausted, FailedAttempt, FailoverReason};

use crate::local_reply::{self, Answer, ErrorAnswer};
use crate::request_context::RequestContext;

/// The plan is used up.
pub(crate) fn answer(context: &RequestContext) -> Answer {
    let verdict = Exhausted::of(context.attempts.iter().map(|attempt| FailedAttempt {
        reason: attempt.failure,
        // One that showed a head and then nothing has not answered.
        answered: attempt.status.is_some()
            && attempt.failure != Some(FailoverReason::UpstreamTimeout),
        retry_after_ms: attempt.retry_after_ms,
    }));
    let tried: Vec<String> = context
        .attempts
        .iter()
        .enumerate()
        .map(|(index, attempt)| {
            let target = context.target_id(index);
            let cluster = || context.attempt_cluster(index).unwrap_or_default();
            match attempt.failure {
                _ if attempt.has_no_cluster => {
                    format!("{target}: Envoy has no cluster {}", cluster())
                }
                Some(reason) => match &attempt.transport_failure {
                    Some(why) => format!("{target}: {}, {why}", reason.as_str()),
                    None => format!("{target}: {}", reason.as_str()),
                },
                None => format!("{target}: no answer"),
            }
        })
        .collect();
    let left_out = (context.plan.excluded.iter()).filter_map(|one| {
        let target = context.config.policy.target(one.target)?;
        Some(format!("{}: {}", target.id, one.reason))
    });
    let everybody: Vec<String> = tried.into_iter().chain(left_out).collect();
    let message = format!(
        "no provider could serve {:?} ({})",
        context.requested_model,
        everybody.join(", ")
    );
    let error = ErrorAnswer {
        status: verdict.status,
        kind: verdict.kind,
        code: Some(verdict.code),
        message: &message,
        param: None,
    };
    let answer = error
        .in_shape_of(context.client)
        .with_header("x-keeptrusts-request-id", context.request_id.clone());
    match verdict.retry_after_ms {
        Some(milliseconds) => {
            answer.with_header("retry-after", local_reply::retry_after(milliseconds))
        }
        None => answer,
    }
}
