//! The interface between an exchange and one pair of formats.

use std::ops::Range;

use catalog::{Dialect, DialectPatch, Provider};

use crate::body_edit::{BodyEdit, BodyPrefix};
use crate::error::{ProviderError, RequestError};
use crate::format::{ClientFormat, UpstreamFormat};
use crate::headers::HeaderSlice;
use crate::request_info::RequestTraits;
use crate::usage::Usage;

/// Everything that a translator may know of its attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The format that the client sent and expects back.
    pub client: ClientFormat,
    /// The provider that runs the upstream: its protocol and dialect.
    pub provider: Provider,
    /// Where this upstream differs from its provider.
    pub quirks: DialectPatch,
    /// Path prefix of the target's base URL: empty, or with a leading `/` and no trailing one.
    pub base_path: String,
    /// `api-version` of paths with deployments; `None` selects the v1 path.
    pub api_version: Option<String>,
    /// The upstream's name for the model.
    pub model: String,
    /// The client asked for a stream.
    pub stream: bool,
    /// The client asked for a usage chunk at the end of its stream (`stream_options.include_usage`).
    pub include_usage: bool,
    /// The upstream reports usage at the end of a stream on request, and the client's request has no `stream_options`,
    /// so the gateway can ask for it.
    pub ask_for_usage: bool,
    /// The upstream serves OpenAI's Responses API itself; otherwise such requests are translated to Chat Completions.
    pub native_responses: bool,
    /// Range of the `model` value in the client's body, including quotes.
    pub model_span: Range<usize>,
    /// What the client's body holds that some provider wants otherwise.
    pub traits: RequestTraits,
    /// Sent if the upstream requires a limit and the client gave none. At least 1.
    pub default_max_tokens: u32,
    /// For ids that an upstream does not supply. URL-safe characters only.
    pub request_id: String,
    /// Unix seconds, for `created` fields that an upstream does not supply.
    pub created: u64,
    /// The client's own `anthropic-version` and `anthropic-beta`, for Anthropic upstreams.
    pub anthropic_version: Option<String>,
    /// See [`Attempt::anthropic_version`].
    pub anthropic_beta: Option<String>,
    /// A JSON object added to JSON responses as `keeptrusts_metadata`.
    pub metadata: Option<String>,
    /// Context-length errors fail over.
    pub fail_over_on_context_length: bool,
    /// Refusals by the provider's content filter fail over.
    pub fail_over_on_content_policy: bool,
}

impl Attempt {
    /// The protocol of this upstream.
    pub fn upstream(&self) -> UpstreamFormat {
        self.provider.format()
    }

    /// What requests to this upstream and its model may hold. Resolved anew with each call.
    pub fn dialect(&self) -> Dialect {
        let known = self
            .provider
            .dialect(self.api_version.as_deref(), &self.model);
        known.with(&self.quirks)
    }

    /// The upstream is asked over OpenAI's Responses API, because Chat Completions refuses the model, or refuses what is
    /// asked of it. `dialect` is this attempt's.
    pub(crate) fn goes_over_responses(&self, dialect: &Dialect) -> bool {
        let is_served = self.native_responses && self.upstream() == UpstreamFormat::OpenAi;
        let has = |field: &str| self.traits.fields.contains(field).unwrap_or(true);
        // Nothing is known of what other clients send.
        let thinks_with_tools =
            || has("tools") && (has("reasoning_effort") || dialect.thinks_unasked);
        is_served
            && match self.client {
                ClientFormat::ChatCompletions => {
                    dialect.responses_only || (dialect.tools_need_responses && thinks_with_tools())
                }
                ClientFormat::AnthropicMessages => {
                    dialect.responses_only || dialect.tools_need_responses
                }
                ClientFormat::Completions
                | ClientFormat::Embeddings
                | ClientFormat::Responses
                | ClientFormat::AnthropicCountTokens => false,
            }
    }

    /// The gateway asks for usage although the client does not, so it must remove the usage chunk.
    pub(crate) fn injects_usage_request(&self) -> bool {
        let has_usage_chunks = matches!(
            self.client,
            ClientFormat::ChatCompletions | ClientFormat::Completions
        );
        self.stream && self.ask_for_usage && !self.include_usage && has_usage_chunks
    }
}

/// The request to the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingRequest {
    /// Path and query.
    pub path: String,
    /// Headers to set in addition to `content-type: application/json`; lower-case names.
    pub headers: Vec<(&'static str, String)>,
    /// The change of the body.
    pub body: BodyEdit,
}

/// The state of a streamed response.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamState {
    /// Nothing visible to a user: pings, role-only chunks, `message_start`.
    BeforeContent,
    /// Content, a tool call, reasoning or a refusal has arrived, or a finish reason that explains its absence
    /// (`length`, `content_filter`).
    Content,
    /// The upstream finished after content.
    Complete,
    /// The upstream finished properly and had nothing to say. One that is cut off stays [`Self::BeforeContent`].
    Empty,
    /// The upstream reported an error inside the stream, violated its protocol, or was truncated. If content was sent,
    /// the translator has already written the client's error event.
    Failed(ProviderError),
}

/// Translates between one client format and one upstream format, for one attempt.
///
/// A pure state machine: bytes in, bytes out. The output does not depend on how a stream is split.
pub trait Translator {
    /// Builds the upstream's request from the client's body.
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError>;

    /// [`Translator::request`] for a body that has not arrived completely. `None` if the prefix is not enough.
    fn request_from_prefix(
        &mut self,
        _prefix: BodyPrefix<'_>,
    ) -> Option<Result<OutgoingRequest, RequestError>> {
        None
    }

    /// [`Translator::request_from_prefix`] will succeed, unless the body starts with nothing but white space.
    fn needs_only_prefix(&self) -> bool {
        false
    }

    /// Only the model's name changes in the client's body: [`Translator::request_from_prefix`] returns at most a splice
    /// of [`Attempt::model_span`] and needs nothing else.
    fn changes_only_the_model(&self) -> bool {
        false
    }

    /// Translates a complete success response. An invalid response is the provider's failure. `Ok(None)` forwards the
    /// bytes unchanged.
    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError>;

    /// JSON responses need no translation and are forwarded chunk by chunk: [`Translator::observe_json`] sees each
    /// chunk, and [`Translator::response`] is not called. [`Translator::stream_state`] tells when the response is
    /// complete.
    fn forwards_json(&self) -> bool {
        false
    }

    /// Observes the next bytes of a forwarded JSON response, to read usage and model from it.
    fn observe_json(&mut self, _chunk: &[u8]) {}

    /// Handles the next bytes of a streamed response and appends the client's bytes to `out`, without more delay than
    /// the translation needs. Returns `true` if the bytes can be forwarded unchanged; nothing was appended then.
    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool;

    /// Handles the end of the upstream's stream. Appends what the client is still owed; a truncated stream ends with
    /// the client format's error event and never looks complete.
    fn stream_end(&mut self, out: &mut Vec<u8>);

    /// The state of the stream.
    fn stream_state(&self) -> &StreamState;

    /// Classifies a provider's error response. `headers` have lower-case names.
    fn error(
        &self,
        provider: Provider,
        status: u16,
        headers: &HeaderSlice<'_>,
        body: &[u8],
    ) -> ProviderError;

    /// Events of the stream that were left out because they are no JSON.
    fn skipped_events(&self) -> u32 {
        0
    }

    /// Usage reported so far.
    fn usage(&self) -> Option<Usage>;

    /// Bytes of text, reasoning and arguments so far; the basis for estimating usage if none is reported.
    fn text_bytes(&self) -> u64;

    /// The model that the provider reports.
    fn served_model(&self) -> Option<&str>;
}

#[cfg(test)]
mod testing;

#[cfg(test)]
pub(crate) use testing::{Streamed, assert_linear, stream_every_way, test_attempt};
