//! One attempt's HTTP exchange with an upstream, on top of a [`Translator`].
//!
//! Contains what is common to all pairs of formats: buffers a response until it shows content, decides which failures
//! are retried on another target and which are the client's own, and gives the client its own error shape and a clean
//! list of headers.

mod body_sniff;
mod exhausted;
mod failover;
mod headers;
pub(crate) mod in_dialect;
mod json_response;
mod stream_response;
mod translators;

pub use crate::headers::HeaderSlice;
pub use exhausted::{Exhausted, FailedAttempt};
pub use failover::FailoverReason;

use std::borrow::Cow;
use std::rc::Rc;

use crate::body_edit::BodyPrefix;
use crate::error::{self, ProviderError, RequestError, retry_after};
use crate::format::ClientFormat;
use crate::headers::{Headers, as_slices};
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;
use body_sniff::BodySniff;

/// Longest error body that is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Approximate size of a JSON response apart from its text, in bytes.
const JSON_ENVELOPE_BYTES: u64 = 300;
/// Longest JSON response that is collected for translation, in bytes.
const MAX_JSON_BYTES: usize = 32 * 1024 * 1024;

/// What to do with an upstream's response, decided on its headers and on each chunk of its body.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseAction {
    /// Undecided: send nothing downstream. Output accumulates in `out`.
    Buffer,
    /// Forward the chunk unchanged; nothing was appended to `out`. After [`ResponseAction::Buffer`], first send the
    /// headers from [`Exchange::response_headers`].
    Forward,
    /// Send `out` instead of the chunk. After [`ResponseAction::Buffer`], first send the headers, as above.
    Replace,
    /// Retry on another target; `out` is empty. On the last attempt the client gets [`Exchange::error_response`].
    Failover(FailoverReason),
}

/// Headers for the client; some borrow from the provider's.
pub type ResponseHeaders<'a> = Vec<(&'a str, Cow<'a, [u8]>)>;

/// One attempt. Created by [`Exchange::new`] and driven by the upstream filter:
///
/// 1. [`Exchange::request`] once;
/// 2. [`Exchange::response_head`] once: `Buffer` or `Failover` if a body follows;
/// 3. [`Exchange::response_body`] with each new chunk and one `out`, which the caller empties only after sending it;
///    the last call has `end`;
/// 4. or [`Exchange::on_reset`] if the upstream resets the stream, or [`Exchange::abort`] if the gateway gives it up.
///
/// After `Failover` only [`Exchange::error_response`] and [`Exchange::report`] may be called.
pub struct Exchange {
    attempt: Rc<Attempt>,
    translator: Box<dyn Translator>,
    stage: Stage,
    /// The upstream's status, or that of the error sent to the client.
    status: u16,
    /// Of the client's response, if known.
    content_length: Option<u64>,
    /// The client's response is a stream.
    is_stream: bool,
    error: Option<ProviderError>,
    content_sent: bool,
    complete: bool,
    /// Of a JSON response.
    json_bytes: u64,
    /// No other target is left, so a stream that ends properly without content is the answer.
    is_last_attempt: bool,
    /// There never was another target, so a stream is not buffered until it shows content.
    commits_at_once: bool,
}

/// Progress of the upstream's response.
enum Stage {
    /// No headers yet.
    Waiting,
    /// An error, which is read completely before it is classified.
    Error { headers: Headers, body: Vec<u8> },
    /// JSON in response to a streaming request: an error, or a provider that cannot stream.
    JsonForStream { body: Vec<u8> },
    /// JSON that will be forwarded once it is known not to be an error.
    JsonBuffering {
        /// Without leading white space.
        buffered: Vec<u8>,
        /// Bytes still to come, if the provider sent `content-length`.
        remaining: Option<u64>,
    },
    /// JSON that is being forwarded.
    JsonForwarding,
    /// JSON that is collected for translation.
    JsonCollecting { body: Vec<u8> },
    /// A stream that has not shown content yet.
    StreamBuffering,
    /// A stream that is being forwarded.
    StreamForwarding,
    /// The client's response is complete, or never will be.
    Finished,
}

/// The outcome of an exchange; may be read at any time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Billed tokens, if the provider reported them.
    pub usage: Option<Usage>,
    /// Bytes of text, reasoning and arguments received; the basis for estimating usage if none was reported.
    pub text_bytes: u64,
    /// The model that the provider reports.
    pub served_model: Option<String>,
    /// The provider's error, before or inside a stream.
    pub error: Option<ProviderError>,
    /// Content reached the client.
    pub content_sent: bool,
    /// The response ended properly; with [`FailoverReason::EmptyStream`] it had nothing to say.
    pub complete: bool,
    /// Events of a stream that were left out because they are no JSON.
    pub skipped_events: u32,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Exchange")
            .field("attempt", &self.attempt)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    /// Selects the translator for the attempt's pair of formats.
    ///
    /// # Errors
    /// The upstream does not serve this endpoint.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Result<Self, RequestError> {
        let attempt = attempt.into();
        Ok(Self {
            translator: translators::translator(&attempt)?,
            attempt,
            stage: Stage::Waiting,
            status: 0,
            content_length: None,
            is_stream: false,
            error: None,
            content_sent: false,
            complete: false,
            json_bytes: 0,
            is_last_attempt: false,
            commits_at_once: false,
        })
    }

    /// For a plan without another target: a stream is committed as soon as it starts with anything but an error, as if
    /// the client had called the provider directly.
    #[must_use]
    pub fn without_failover(self) -> Self {
        Self {
            is_last_attempt: true,
            commits_at_once: true,
            ..self
        }
    }

    /// For the last entry of a plan.
    #[must_use]
    pub fn as_last_attempt(self) -> Self {
        Self {
            is_last_attempt: true,
            ..self
        }
    }

    /// Builds the upstream's request from the client's body. Asks for an uncompressed response, because compressed ones
    /// are not decoded.
    ///
    /// # Errors
    /// The client's request cannot be expressed in the upstream's protocol.
    pub fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        self.translator.request(body).map(uncompressed)
    }

    /// [`Exchange::request`] for a body that has not arrived completely. `None` if the prefix is not enough.
    ///
    /// # Errors
    /// As [`Exchange::request`].
    pub fn request_from_prefix(
        &mut self,
        prefix: BodyPrefix<'_>,
    ) -> Option<Result<OutgoingRequest, RequestError>> {
        let request = self.translator.request_from_prefix(prefix)?;
        Some(request.map(uncompressed))
    }

    /// [`Exchange::request_from_prefix`] will succeed, unless the body starts with nothing but white space.
    pub fn needs_only_prefix(&self) -> bool {
        self.translator.needs_only_prefix()
    }

    /// [`Exchange::request_from_prefix`] changes only the model's name and needs nothing else.
    pub fn changes_only_the_model(&self) -> bool {
        self.translator.changes_only_the_model()
    }

    /// Handles the upstream's status and headers: `Buffer`, or `Failover` if no body can make it a valid response. With
    /// `end_of_stream` there is no body, and Envoy does not let the filter add one, so the result is `Replace` or
    /// `Failover`.
    pub fn response_head(
        &mut self,
        status: u16,
        upstream: &HeaderSlice<'_>,
        end_of_stream: bool,
    ) -> ResponseAction {
        self.status = status;
        match self.stage_after_head(upstream) {
            Ok(stage) => self.stage = stage,
            Err(action) => return action,
        }
        if !end_of_stream {
            return ResponseAction::Buffer;
        }
        let action = self.response_body(&[], true, &mut Vec::new());
        self.content_length = Some(0);
        action
    }

    fn stage_after_head(&mut self, upstream: &HeaderSlice<'_>) -> Result<Stage, ResponseAction> {
        if !(200..300).contains(&self.status) {
            return Ok(Stage::Error {
                headers: (upstream.iter())
                    .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
                    .collect(),
                body: Vec::new(),
            });
        }
        if let Some(encoding) = headers::content_encoding(upstream) {
            return Err(self.invalid_response(format_args!(
                "expected no content-encoding, found {encoding}"
            )));
        }
        let content_type = headers::media_type(upstream);
        if content_type == "text/html" {
            return Err(self.invalid_response("expected an answer, found an HTML page"));
        }
        let stream_expected = self.attempt.stream && self.attempt.client.can_stream();
        match (stream_expected, &*content_type) {
            (true, "application/json") => Ok(Stage::JsonForStream { body: Vec::new() }),
            // Some servers send their streams as plain text or without a content type.
            (true, _) => Ok(Stage::StreamBuffering),
            (false, "text/event-stream") => {
                Err(self.invalid_response("expected JSON, found a stream of events"))
            }
            (false, _) if self.translator.forwards_json() => Ok(Stage::JsonBuffering {
                buffered: Vec::new(),
                remaining: headers::content_length(upstream),
            }),
            (false, _) => Ok(Stage::JsonCollecting { body: Vec::new() }),
        }
    }

    /// Handles the next chunk of the upstream's body. Appends the client's bytes to `out`, which still holds what was
    /// appended while the action was `Buffer`.
    pub fn response_body(&mut self, chunk: &[u8], end: bool, out: &mut Vec<u8>) -> ResponseAction {
        let action = match std::mem::replace(&mut self.stage, Stage::Finished) {
            Stage::Waiting => {
                self.stage = Stage::Waiting;
                ResponseAction::Buffer
            }
            Stage::Error { headers, mut body } => {
                let is_full = append_up_to(&mut body, chunk, MAX_ERROR_BYTES);
                if end || is_full {
                    self.classify_error(&as_slices(&headers), &body, out)
                } else {
                    self.stage = Stage::Error { headers, body };
                    ResponseAction::Buffer
                }
            }
            Stage::JsonForStream { mut body } => {
                let is_full = append_up_to(&mut body, chunk, MAX_ERROR_BYTES);
                if !(end || is_full) {
                    self.stage = Stage::JsonForStream { body };
                    ResponseAction::Buffer
                } else if body_sniff::sniff(&body) == BodySniff::Error {
                    self.error = Some(error::classify_in_stream("", &body));
                    ResponseAction::Failover(FailoverReason::ErrorInStream)
                } else {
                    self.invalid_response("expected a stream, found JSON")
                }
            }
            Stage::JsonBuffering {
                buffered,
                remaining,
            } => self.buffer_json(buffered, remaining, chunk, end, out),
            Stage::JsonForwarding => {
                self.forward_json(chunk, end);
                ResponseAction::Forward
            }
            Stage::JsonCollecting { mut body } => {
                if append_up_to(&mut body, chunk, MAX_JSON_BYTES) {
                    self.invalid_response(format_args!(
                        "expected at most {MAX_JSON_BYTES} bytes, found more"
                    ))
                } else if end {
                    self.translate_json(&body, out)
                } else {
                    self.stage = Stage::JsonCollecting { body };
                    ResponseAction::Buffer
                }
            }
            Stage::StreamBuffering => self.buffer_stream(chunk, end, out),
            Stage::StreamForwarding => self.forward_stream(chunk, end, out),
            Stage::Finished => ResponseAction::Replace,
        };
        if matches!(action, ResponseAction::Failover(_)) {
            out.clear();
        }
        action
    }

    /// Of a stream: content has come, or the reason why there is none. A stream without alternative passes before that.
    pub fn has_shown_content(&self) -> bool {
        match self.translator.stream_state() {
            StreamState::Content | StreamState::Complete => true,
            StreamState::BeforeContent | StreamState::Empty | StreamState::Failed(_) => false,
        }
    }

    /// A stream goes to the client although it has shown no content yet: the provider is alive, and whoever stands
    /// between must see that. Appends nothing to `out`. `false` if there is no stream to let through.
    pub fn commit(&mut self) -> bool {
        let is_waiting = matches!(self.stage, Stage::StreamBuffering);
        if is_waiting {
            self.commit_stream(ResponseAction::Replace);
        }
        is_waiting
    }

    /// The gateway gives up a stream of which something was sent: appends the client's error event. Appends nothing where
    /// the stream has come to its proper end already.
    pub fn abort(&mut self, error: ProviderError, out: &mut Vec<u8>) {
        self.stage = Stage::Finished;
        if self.complete || self.error.is_some() {
            return;
        }
        error::write_stream_error(out, self.attempt.client, &error);
        self.error = Some(error);
    }

    /// The upstream's error, before or inside a stream.
    pub fn error(&self) -> Option<&ProviderError> {
        self.error.as_ref()
    }

    /// The client's response is complete.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The client's response is complete, or never will be; further input changes nothing.
    pub fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished)
    }

    /// Handles a reset by the upstream. Before anything was sent this is a failover; afterwards the end of the client's
    /// stream is appended to `out`. A partly sent JSON response cannot be repaired.
    pub fn on_reset(&mut self, out: &mut Vec<u8>) -> ResponseAction {
        match std::mem::replace(&mut self.stage, Stage::Finished) {
            Stage::Error { headers, body } => {
                let action = self.classify_error(&as_slices(&headers), &body, out);
                if matches!(action, ResponseAction::Failover(_)) {
                    out.clear();
                }
                action
            }
            Stage::Waiting
            | Stage::JsonForStream { .. }
            | Stage::JsonBuffering { .. }
            | Stage::JsonCollecting { .. }
            | Stage::StreamBuffering => {
                out.clear();
                ResponseAction::Failover(FailoverReason::UpstreamReset)
            }
            Stage::StreamForwarding => {
                self.end_stream(out);
                self.record_stream_state();
                ResponseAction::Replace
            }
            Stage::JsonForwarding | Stage::Finished => ResponseAction::Replace,
        }
    }

    /// The client's status and complete headers, built from the upstream's. Read at the first action that sends
    /// something.
    pub fn response_headers<'a>(&self, upstream: &HeaderSlice<'a>) -> (u16, ResponseHeaders<'a>) {
        let kept = headers::kept(upstream, self.attempt.client, self.attempt.created);
        (
            self.status,
            headers::with_content(kept, self.is_stream, self.content_length),
        )
    }

    /// After a `Failover` caused by a response: that response in the client's shape, for the last attempt.
    pub fn error_response(&self) -> Option<(u16, ResponseHeaders<'static>, Vec<u8>)> {
        let error = self.error.as_ref()?;
        let body = error::provider_error_body(self.attempt.client, error);
        let mut list = ResponseHeaders::new();
        if let Some(delay) = error.retry_after_ms {
            let seconds = delay.div_ceil(1000).to_string();
            list.push(("retry-after", seconds.into_bytes().into()));
        }
        let length = u64::try_from(body.len()).ok();
        Some((
            error.status,
            headers::with_content(list, false, length),
            body,
        ))
    }

    /// What is known so far.
    pub fn report(&self) -> Report {
        Report {
            usage: self.translator.usage(),
            text_bytes: self.text_bytes(),
            served_model: self.translator.served_model().map(str::to_owned),
            error: self.error.clone(),
            content_sent: self.content_sent,
            complete: self.complete,
            skipped_events: self.translator.skipped_events(),
        }
    }

    /// For JSON a constant is subtracted for the envelope: close enough for an estimate, and nothing has to be parsed.
    fn text_bytes(&self) -> u64 {
        match self.attempt.client {
            ClientFormat::ChatCompletions
            | ClientFormat::Completions
            | ClientFormat::Responses
            | ClientFormat::AnthropicMessages => {}
            ClientFormat::Embeddings | ClientFormat::AnthropicCountTokens => return 0,
        }
        if self.is_stream {
            self.translator.text_bytes()
        } else {
            self.json_bytes.saturating_sub(JSON_ENVELOPE_BYTES)
        }
    }

    /// Fails over because a success response is invalid.
    fn invalid_response(&mut self, found: impl std::fmt::Display) -> ResponseAction {
        self.stage = Stage::Finished;
        self.error = Some(ProviderError::invalid_response(found));
        ResponseAction::Failover(FailoverReason::Upstream5xx)
    }

    fn classify_error(
        &mut self,
        headers: &HeaderSlice<'_>,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> ResponseAction {
        let body = if headers::content_encoding(headers).is_some() {
            &[]
        } else {
            body
        };
        let mut error = self
            .translator
            .error(self.attempt.provider, self.status, headers, body);
        // The translator has no clock; a date without the provider's own `date` header needs one.
        let now = Some(self.attempt.created);
        error.retry_after_ms = error
            .retry_after_ms
            .or_else(|| retry_after::explicit_ms(headers, now));
        self.respond_with_error(error, out)
    }

    /// Fails over, or returns the client's own error in its own shape.
    fn respond_with_error(&mut self, error: ProviderError, out: &mut Vec<u8>) -> ResponseAction {
        self.status = error.status;
        let reason = failover::reason(&error, &self.attempt);
        if reason.is_none() {
            let body = error::provider_error_body(self.attempt.client, &error);
            self.content_length = Some(length(&body));
            out.extend_from_slice(&body);
        }
        self.error = Some(error);
        reason.map_or(ResponseAction::Replace, ResponseAction::Failover)
    }
}

fn uncompressed(mut request: OutgoingRequest) -> OutgoingRequest {
    let headers = &mut request.headers;
    headers.push(("accept-encoding", String::from("identity")));
    request
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Appends what fits. Returns `true` if `limit` was reached.
fn append_up_to(body: &mut Vec<u8>, chunk: &[u8], limit: usize) -> bool {
    let room = limit.saturating_sub(body.len());
    body.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
    chunk.len() > room
}

#[cfg(test)]
mod tests;
