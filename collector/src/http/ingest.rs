//! `POST /v1/events`: batches from gateways.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use events::{Acknowledgement, Rejection};
use http_body_util::BodyExt as _;

use super::Shared;
use super::answer::{Refusal, blocking};
use crate::api::ApiError;
use crate::store::NewEvent;

/// A gateway that sends its batch slower than this is not worth the place that it holds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Times the limit that is read of a batch that is over it.
const READ_ON: usize = 16;
/// What the error of a rejected line may say, in bytes: the gateway logs it.
const LONGEST_REASON: usize = 300;

pub(super) async fn receive(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Acknowledgement>, Refusal> {
    let limit = shared.max_batch_bytes;
    if headers.contains_key(header::CONTENT_ENCODING) {
        let message = "expected a batch without content-encoding";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(status, "unsupported_encoding", message));
    }
    // Before the body is read: those that wait hold no memory.
    let place = shared.batches.clone().acquire_owned().await;
    let Ok(batch) = tokio::time::timeout(PATIENCE, read(body, limit)).await else {
        let message = format!("the batch did not come within {} s", PATIENCE.as_secs());
        return Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            message,
        ));
    };
    let batch = batch?;
    blocking(move || {
        let acknowledgement = store(&shared, &batch);
        drop(place);
        acknowledgement
    })
    .await
    .map(Json)
}

/// The whole body, if it is within the limit. One that is not is read to its end nevertheless, within reason: who still
/// writes does not read the answer.
async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut batch = Vec::new();
    let mut received: usize = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let message = format!("the batch ended early: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, "incomplete_batch", message)
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        received = received.saturating_add(data.len());
        if received <= limit {
            batch.extend_from_slice(&data);
        } else {
            batch = Vec::new();
        }
        if received > limit.saturating_mul(READ_ON) {
            break;
        }
    }
    if received > limit {
        let message = format!("expected a batch of at most {limit} bytes");
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "batch_too_large",
            message,
        ));
    }
    Ok(batch)
}

fn store(shared: &Shared, batch: &[u8]) -> Result<Acknowledgement, ApiError> {
    let mut acknowledgement = Acknowledgement::default();
    let mut good = Vec::new();
    for line in events::lines(batch) {
        match NewEvent::read(line.bytes) {
            Ok(event) => good.push(event),
            Err(error) => acknowledgement.rejected.push(Rejection {
                line: line.number,
                error: shortened(error.to_string()),
            }),
        }
    }
    if good.is_empty() {
        return Ok(acknowledgement);
    }
    let notifications = shared.webhooks.notifications(&good);
    let inserted = shared.api.store.insert(good)?;
    for new in &inserted.new {
        *if *new {
            &mut acknowledgement.accepted
        } else {
            &mut acknowledgement.repeated
        } += 1;
    }
    shared.webhooks.dispatch(notifications, &inserted);
    Ok(acknowledgement)
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_REASON {
        let end = (0..=LONGEST_REASON)
            .rev()
            .find(|&end| text.is_char_boundary(end))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
