//! The interface between an exchange and one pair of formats.

use std::ops::Range;

use crate::body_edit::{BodyEdit, BodyPrefix};
use crate::error::{ProviderError, RequestError};
use crate::format::{ClientFormat, UpstreamFormat};
use crate::headers::HeaderSlice;
use crate::usage::Usage;

/// Everything a translator may know of the attempt it was made for.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The shape the client sent and is owed.
    pub client: ClientFormat,
    /// The protocol of this upstream.
    pub upstream: UpstreamFormat,
    /// Path prefix of the target's base URL: empty, or begins with `/` and does not end with one.
    pub base_path: String,
    /// Azure's `api-version`; `None` selects the v1 path.
    pub api_version: Option<String>,
    /// The model name that this upstream knows.
    pub model: String,
    /// The client asked for a stream.
    pub stream: bool,
    /// The client asked for a usage chunk at the end of its stream (`stream_options.include_usage`).
    pub include_usage: bool,
    /// The upstream counts tokens at the end of a stream when it is asked to; the client's request has no
    /// `stream_options`, so that the upstream can be asked in its place.
    pub ask_for_usage: bool,
    /// The upstream serves OpenAI's Responses API itself (OpenAI and Azure's v1 path do); if not, such requests are
    /// translated to Chat Completions.
    pub native_responses: bool,
    /// Bytes of the `model` value in the client's body, quotes included.
    pub model_span: Range<usize>,
    /// Sent where the upstream requires a limit and the client gave none. At least 1.
    pub default_max_tokens: u32,
    /// For ids that an upstream does not supply. URL-safe characters only.
    pub request_id: String,
    /// Unix seconds, for `created` fields that an upstream does not supply.
    pub created: u64,
    /// The client's own `anthropic-version` and `anthropic-beta`, for Anthropic upstreams.
    pub anthropic_version: Option<String>,
    /// See [`Attempt::anthropic_version`].
    pub anthropic_beta: Option<String>,
    /// A JSON object that JSON answers carry as `keeptrusts_metadata`.
    pub metadata: Option<String>,
    /// Context-length errors may be cured by another target.
    pub fail_over_on_context_length: bool,
    /// Refusals by the provider's content filter may be cured by another target.
    pub fail_over_on_content_policy: bool,
}

impl Attempt {
    /// The request asks for usage though the client does not: what comes of it is not for the client.
    pub(crate) fn injects_usage_request(&self) -> bool {
        let has_usage_chunks = matches!(
            self.client,
            ClientFormat::ChatCompletions | ClientFormat::Completions
        );
        self.stream && self.ask_for_usage && !self.include_usage && has_usage_chunks
    }
}

/// What goes to the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingRequest {
    /// Path and query.
    pub path: String,
    /// Headers to set beside `content-type: application/json`, lower-case names.
    pub headers: Vec<(&'static str, String)>,
    /// How the body changes.
    pub body: BodyEdit,
}

/// How far a streamed answer has come.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamState {
    /// Nothing that a user could see: pings, role-only chunks, `message_start`.
    BeforeContent,
    /// Content, a tool call, reasoning or a refusal has come, or a finish reason that explains why there is none
    /// (`length`, `content_filter`).
    Content,
    /// The upstream said that it is finished, after content. A stream that ends without any stays [`Self::BeforeContent`]:
    /// the exchange then tries another target.
    Complete,
    /// The upstream reported an error inside the stream, sent something that is not its protocol, or broke off.
    /// Once content went out the translator has already written the client's own form of an error event.
    Failed(ProviderError),
}

/// One client format spoken to one upstream format, for one attempt. Created anew for each attempt.
///
/// A pure state machine: bytes in, bytes out. Feeding a stream whole, event by event or byte by byte gives the same output.
pub trait Translator {
    /// Turns the client's body into the upstream's request.
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError>;

    /// [`Translator::request`], of a body that is not at hand as a whole. `None` where that is not enough.
    fn request_from_prefix(
        &mut self,
        _prefix: BodyPrefix<'_>,
    ) -> Option<Result<OutgoingRequest, RequestError>> {
        None
    }

    /// [`Translator::request_from_prefix`] will be enough, unless there is nothing but white space at the body's start.
    fn needs_only_prefix(&self) -> bool {
        false
    }

    /// Nothing changes in the client's body but the model's name: [`Translator::request_from_prefix`] gives a splice of
    /// [`Attempt::model_span`] at most, and needs no more than that.
    fn changes_only_the_model(&self) -> bool {
        false
    }

    /// Turns a whole successful JSON answer into the client's shape. An answer that cannot be read is the
    /// provider's failure. `Ok(None)` passes the bytes on as they are.
    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError>;

    /// JSON answers need no translation and may go on piece by piece: [`Translator::observe_json`] then sees each piece, and
    /// [`Translator::response`] is not called. [`Translator::stream_state`] tells when the answer is complete.
    fn forwards_json(&self) -> bool {
        false
    }

    /// Sees the next bytes of a JSON answer that passes, to read usage and model from it.
    fn observe_json(&mut self, _chunk: &[u8]) {}

    /// Takes the next bytes of a streamed answer and appends what the client gets to `out`, without waiting for more
    /// than the translation needs. Returns `true` where the bytes may pass as they are; nothing was appended then.
    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool;

    /// The upstream closed the stream. Appends what is still owed to the client; a stream that broke off gets the
    /// client format's error event and never looks complete.
    fn stream_end(&mut self, out: &mut Vec<u8>);

    /// How far the stream has come.
    fn stream_state(&self) -> &StreamState;

    /// Reads a provider's error answer. `headers` have lower-case names.
    fn error(&self, status: u16, headers: &HeaderSlice<'_>, body: &[u8]) -> ProviderError;

    /// Tokens billed so far; `None` when the provider has not said.
    fn usage(&self) -> Option<Usage>;

    /// Bytes of text, reasoning and arguments in the stream so far: what usage is estimated from where there is none.
    fn text_bytes(&self) -> u64;

    /// The model that the provider says has answered.
    fn served_model(&self) -> Option<&str>;
}

#[cfg(test)]
mod testing;

#[cfg(test)]
pub(crate) use testing::{Streamed, assert_linear, stream_every_way, test_attempt};
