//! One attempt's conversation with an upstream, around a [`Translator`].
//!
//! What is the same for all pairs of formats is here: an answer is held back until it shows content, failures that
//! another target may cure are told from those that are the client's own, and the client gets its own shapes and a
//! clean list of headers.

mod body_sniff;
mod exhausted;
mod failover;
mod headers;
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
/// What a JSON answer says beside its text, in bytes; about.
const JSON_ENVELOPE_BYTES: u64 = 300;
/// Longest JSON answer that is gathered for translation, in bytes.
const MAX_JSON_BYTES: usize = 32 * 1024 * 1024;

/// Decision on an upstream's answer, given on its head and on each piece of its body.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseAction {
    /// Not decided: nothing may reach the router. Output gathers in `out`.
    Buffer,
    /// The piece goes on as it is; nothing was appended to `out`. After [`ResponseAction::Buffer`] the head goes first, as
    /// [`Exchange::response_headers`] gives it.
    Forward,
    /// What was appended to `out` goes on, in place of the piece. After [`ResponseAction::Buffer`] the head goes first, as above.
    Replace,
    /// Another target may do better; `out` is empty. On the last attempt [`Exchange::error_response`] is the client's.
    Failover(FailoverReason),
}

/// Headers for the client, some of them the provider's.
pub type ResponseHeaders<'a> = Vec<(&'a str, Cow<'a, [u8]>)>;

/// One attempt. Made by [`Exchange::new`], fed by the target filter:
///
/// 1. [`Exchange::request`] once;
/// 2. [`Exchange::response_head`] once: `Buffer` or `Failover` where a body follows;
/// 3. [`Exchange::response_body`] with each new piece and one `out` that is emptied only when it was passed on; the last
///    call has `end`;
/// 4. or [`Exchange::on_reset`] where the upstream breaks off.
///
/// After `Failover` nothing more is asked of it but [`Exchange::error_response`] and [`Exchange::report`].
pub struct Exchange {
    attempt: Rc<Attempt>,
    translator: Box<dyn Translator>,
    stage: Stage,
    /// The upstream's, or the one of the error that the client gets.
    status: u16,
    /// Of the client's answer, where it is known.
    content_length: Option<u64>,
    /// The client's answer is a stream.
    is_stream: bool,
    error: Option<ProviderError>,
    content_sent: bool,
    complete: bool,
    /// Of a JSON answer.
    json_bytes: u64,
    /// Nobody else is to be asked, so a stream is not held back for its content.
    is_last_attempt: bool,
}

/// How far the upstream's answer has come.
enum Stage {
    /// No head yet.
    Waiting,
    /// An error, which is read to its end before it is judged.
    Error { headers: Headers, body: Vec<u8> },
    /// JSON in answer to a request for a stream: an error, or a provider that cannot stream.
    JsonForStream { body: Vec<u8> },
    /// JSON that is to pass and has not shown that it is no error.
    JsonBuffering {
        /// Without white space before it.
        buffered: Vec<u8>,
        /// Bytes that are still to come, where the provider said how many there are.
        remaining: Option<u64>,
    },
    /// JSON that passes.
    JsonForwarding,
    /// JSON that is to be translated.
    JsonCollecting { body: Vec<u8> },
    /// A stream that has not shown content.
    StreamBuffering,
    /// A stream that passes.
    StreamForwarding,
    /// The client's answer is complete, or will never be.
    Finished,
}

/// What an exchange has to report when it is over, and on the way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Billed tokens, when the provider said.
    pub usage: Option<Usage>,
    /// Bytes of text, reasoning and arguments that came: what usage is estimated from where there is none.
    pub text_bytes: u64,
    /// The model that the provider says has answered.
    pub served_model: Option<String>,
    /// The provider's error, when it sent one, before or inside a stream.
    pub error: Option<ProviderError>,
    /// Content reached the client.
    pub content_sent: bool,
    /// The answer came to its proper end.
    pub complete: bool,
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
    /// Picks the translator for the attempt's pair of formats.
    ///
    /// # Errors
    /// The upstream cannot serve this endpoint at all.
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
        })
    }

    /// For a plan without another target: a stream goes to the client as soon as it begins with anything but an error,
    /// as if the client had asked the provider itself.
    #[must_use]
    pub fn without_failover(self) -> Self {
        Self {
            is_last_attempt: true,
            ..self
        }
    }

    /// The upstream's request for the client's body. Compressed answers are not asked for, because they are not read.
    ///
    /// # Errors
    /// The client's request cannot be said in the upstream's protocol.
    pub fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        self.translator.request(body).map(uncompressed)
    }

    /// [`Exchange::request`], of a body that is not at hand as a whole. `None` where that is not enough.
    ///
    /// # Errors
    /// As there.
    pub fn request_from_prefix(
        &mut self,
        prefix: BodyPrefix<'_>,
    ) -> Option<Result<OutgoingRequest, RequestError>> {
        let request = self.translator.request_from_prefix(prefix)?;
        Some(request.map(uncompressed))
    }

    /// [`Exchange::request_from_prefix`] will be enough, unless there is nothing but white space at the body's start.
    pub fn needs_only_prefix(&self) -> bool {
        self.translator.needs_only_prefix()
    }

    /// [`Exchange::request_from_prefix`] changes nothing in the body but the model's name, and needs no more than that.
    pub fn changes_only_the_model(&self) -> bool {
        self.translator.changes_only_the_model()
    }

    /// The upstream's status and headers. `Buffer`, or `Failover` where no body can make it an answer. With
    /// `end_of_stream` there is no body, and Envoy lets none be added: `Replace` or `Failover` at once.
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
            // Some servers label their streams as plain text or not at all.
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

    /// The next piece of the upstream's body. What the client gets is appended to `out`, which keeps what was appended
    /// while the verdict was `Buffer`.
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
            StreamState::BeforeContent | StreamState::Failed(_) => false,
        }
    }

    /// The client's answer is complete, or will never be: nothing that may still come changes it.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Finished)
    }

    /// The upstream broke off. Before anything was passed on this is a failover; after that what is appended to `out` is
    /// the end of the client's stream. A JSON answer of which a part went out cannot be mended.
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

    /// Status and complete header list for the client, from the upstream's list. Asked for at the first verdict that
    /// passes something.
    pub fn response_headers<'a>(&self, upstream: &HeaderSlice<'a>) -> (u16, ResponseHeaders<'a>) {
        let kept = headers::kept(upstream, self.attempt.client, self.attempt.created);
        (
            self.status,
            headers::with_content(kept, self.is_stream, self.content_length),
        )
    }

    /// After `Failover` because of an answer: that answer in the client's shape, for a last attempt.
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
        }
    }

    /// In JSON, the envelope is taken off as a whole: close enough for an estimate, and nothing is read for it.
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

    /// An answer of success that is none.
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
        let mut error = self.translator.error(self.status, headers, body);
        // The translator knows no clock; a date without the provider's own date needs one.
        let now = Some(self.attempt.created);
        error.retry_after_ms = error
            .retry_after_ms
            .or_else(|| retry_after::explicit_ms(headers, now));
        self.respond_with_error(error, out)
    }

    /// A failover, or the client's own fault in its own shape.
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

/// Appends what fits. `true` where `limit` was reached.
fn append_up_to(body: &mut Vec<u8>, chunk: &[u8], limit: usize) -> bool {
    let room = limit.saturating_sub(body.len());
    body.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
    chunk.len() > room
}

#[cfg(test)]
mod tests;
