//! One endpoint that takes OTLP over HTTP, in protobuf.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use std::time::Duration;

use prost::Message;
use ureq::Agent;

use super::OtlpTarget;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Of an answer that says why, in bytes.
const MAX_REASON_BYTES: u64 = 4_096;

/// Sends requests of one signal.
pub(super) struct OtlpClient {
    target: OtlpTarget,
    agent: Agent,
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    /// Sending it again may help.
    #[error("{0}")]
    Unavailable(String),
    /// The receiver will never take it.
    #[error("{0}")]
    Refused(String),
}

impl OtlpClient {
    pub(super) fn new(target: &OtlpTarget) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            // Its headers are for this receiver and nobody it points at.
            .max_redirects(0)
            .build();
        Self {
            target: target.clone(),
            agent: config.into(),
        }
    }

    /// The receiver, as logs name it: its path may hold a secret.
    pub(super) fn receiver(&self) -> &str {
        let url = &self.target.url;
        let end = url
            .find("://")
            .and_then(|at| url[at + 3..].find('/').map(|end| at + 3 + end));
        end.map_or(url.as_str(), |end| &url[..end])
    }

    pub(super) fn send(&self, message: &impl Message) -> Result<(), ExportError> {
        let mut request = self
            .agent
            .post(&self.target.url)
            .header("content-type", "application/x-protobuf");
        for (name, value) in &self.target.headers {
            request = request.header(name, value);
        }
        let unavailable = |error: ureq::Error| ExportError::Unavailable(error.to_string());
        let mut answer = request
            .send(message.encode_to_vec().as_slice())
            .map_err(unavailable)?;
        let status = answer.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let body = answer
            .body_mut()
            .with_config()
            .limit(MAX_REASON_BYTES)
            .read_to_vec();
        let said = readable(&body.unwrap_or_default());
        let why = format!("status {status}{said}");
        // The statuses that the protocol calls retryable, and those that say whose the request is: credentials and paths are
        // mended while events wait.
        Err(match status {
            401 | 403 | 404 | 408 | 429 | 502 | 503 | 504 => ExportError::Unavailable(why),
            _ => ExportError::Refused(why),
        })
    }
}

/// What of an answer people can read: protobuf answers hold their message as it is.
fn readable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let printable: String = text
        .chars()
        .filter(|c| !c.is_control() && *c != '\u{fffd}')
        .take(200)
        .collect();
    if printable.is_empty() {
        printable
    } else {
        format!(": {printable}")
    }
}
