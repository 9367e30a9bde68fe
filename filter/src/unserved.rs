//! What the client is told when nobody could serve.

use protocols::exchange::{Exhausted, FailedAttempt};

use crate::answers::{self, Answer, ErrorAnswer};
use crate::journey::Journey;

/// The plan is used up.
pub(crate) fn answer(journey: &Journey) -> Answer {
    let verdict = Exhausted::of(journey.attempts.iter().map(|attempt| FailedAttempt {
        reason: attempt.failure,
        answered: attempt.status.is_some(),
        retry_after_ms: attempt.retry_after_ms,
    }));
    let tried: Vec<String> = journey
        .attempts
        .iter()
        .enumerate()
        .map(|(index, attempt)| {
            let target = journey.target_id(index);
            let cluster = || journey.attempt_cluster(index).unwrap_or_default();
            match attempt.failure {
                _ if attempt.has_no_cluster => {
                    format!("{target}: Envoy has no cluster {}", cluster())
                }
                Some(reason) => format!("{target}: {}", reason.as_str()),
                None => format!("{target}: no answer"),
            }
        })
        .collect();
    let message = format!(
        "no provider could serve {:?} ({})",
        journey.requested_model,
        tried.join(", ")
    );
    let error = ErrorAnswer {
        status: verdict.status,
        kind: verdict.kind,
        code: Some(verdict.code),
        message: &message,
        param: None,
    };
    let answer = error
        .in_shape_of(journey.client)
        .with_header("x-keeptrusts-request-id", journey.request_id.clone());
    match verdict.retry_after_ms {
        Some(milliseconds) => answer.with_header("retry-after", answers::retry_after(milliseconds)),
        None => answer,
    }
}
