//! `POST /v1/playground`: one request through the gateway beside this collector, for a page that may ask nobody else.

use std::io::Read as _;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use http_body_util::StreamBody;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::Shared;
use super::answer::{Refusal, blocking};
use crate::api::ApiError;

/// How long a whole answer may take. Whoever plays does not wait longer.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks that wait for the page; a slow page slows the gateway down.
const MAX_WAITING: usize = 8;
/// Sessions that play at the same time: each holds a thread.
pub(crate) const MAX_AT_ONCE: usize = 4;

/// Base URL of the gateway, once it is known.
#[derive(Clone, Default)]
pub(crate) struct GatewayUrl(Arc<RwLock<Option<String>>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Play {
    /// A Chat Completions request.
    request: Box<RawValue>,
    /// A gateway key, where keys are required.
    #[serde(default)]
    key: Option<String>,
}

impl GatewayUrl {
    pub(crate) fn set(&self, url: String) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    fn get(&self) -> Option<String> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub(super) async fn play(State(shared): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    let Some(base) = shared.gateway_url.get() else {
        let message = "this collector knows no gateway: `kt gateway run` tells its own, `kt collector run` takes --gateway-url";
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_gateway",
            message,
        ));
    };
    let Ok(place) = shared.players.clone().try_acquire_owned() else {
        let message = format!("{MAX_AT_ONCE} requests are being played already");
        return Err(Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            message,
        ));
    };
    let play: Play =
        serde_json::from_slice(&body).map_err(|error| ApiError::Invalid(error.to_string()))?;
    let answer = blocking(move || send(&base, &play)).await?;
    let (head, gateway_body) = answer.into_parts();
    let (chunks, waiting) = mpsc::channel(MAX_WAITING);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut reader = gateway_body.into_reader();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let frame = match reader.read(&mut chunk) {
                Ok(0) => return,
                Ok(length) => Ok(Bytes::copy_from_slice(
                    chunk.get(..length).unwrap_or_default(),
                )),
                Err(error) => Err(error),
            };
            let is_over = frame.is_err();
            // The page may have gone.
            if chunks.blocking_send(frame).is_err() || is_over {
                return;
            }
        }
    });
    let frames = futures_util::stream::unfold(waiting, |mut waiting| async move {
        let frame = waiting.recv().await?;
        Some((frame.map(http_body::Frame::data), waiting))
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    *response.status_mut() = head.status;
    for (name, value) in &head.headers {
        if name.as_str().starts_with("x-keeptrusts-")
            || name == "content-type"
            || name == "retry-after"
        {
            let copy = (
                HeaderName::from_bytes(name.as_ref()),
                HeaderValue::from_bytes(value.as_bytes()),
            );
            if let (Ok(name), Ok(value)) = copy {
                response.headers_mut().insert(name, value);
            }
        }
    }
    Ok(response)
}

fn send(base: &str, play: &Play) -> Result<ureq::http::Response<ureq::Body>, ApiError> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let url = format!("{base}/v1/chat/completions");
    let mut request = agent.post(&url).header("content-type", "application/json");
    if let Some(key) = &play.key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    request
        .send(play.request.get())
        .map_err(|error| ApiError::Unreachable {
            url,
            reason: error.to_string(),
        })
}
