//! Anthropic Messages clients, Chat Completions upstreams: OpenAI, Azure, Ollama and everything compatible with them.

mod dropped_params;
mod request;
mod response;
mod stop_reason;
mod stream;

pub(super) use response::marked_thoughts;

pub use dropped_params::{DROPPED_PARAMS, DROPPED_TOOL_PARAMS};
pub use stop_reason::StopSequences;
pub use stream::Stream;

use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::format::ClientFormat;
use crate::translate::{Translate, TranslatedResponse, TranslatorFor};
use crate::translator::{Attempt, OutgoingRequest};
use crate::upstream_path;

/// Translates one attempt. Drops only what [`DROPPED_PARAMS`] lists; everything else that cannot be expressed is
/// refused.
///
/// `count_tokens` is refused: these upstreams have no endpoint that counts tokens, and clients would take an estimate
/// for a count.
pub type AnthropicMessagesToChatCompletions = TranslatorFor<MessagesOverChat>;

/// Clients of Anthropic Messages, upstreams that speak Chat Completions.
#[derive(Debug)]
pub struct MessagesOverChat;

impl Translate for MessagesOverChat {
    /// The client's stop sequences, to tell which one ended a response.
    type RequestState = StopSequences;
    type Stream = Stream;

    fn stream(_attempt: &Attempt) -> Stream {
        Stream::default()
    }

    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(OutgoingRequest, StopSequences), RequestError> {
        if attempt.client == ClientFormat::AnthropicCountTokens {
            return Err(RequestError {
                code: Some("unsupported_endpoint"),
                ..RequestError::new(
                    "count_tokens: the target of this request cannot count tokens, only Anthropic's own API does",
                )
            });
        }
        let (body, stop_sequences) = request::translate(attempt, body)?;
        let outgoing = OutgoingRequest {
            path: upstream_path::openai(attempt, "chat/completions")?,
            headers: Vec::new(),
            body: BodyEdit::Replace(body),
        };
        Ok((outgoing, stop_sequences))
    }

    fn response(
        attempt: &Attempt,
        stop_sequences: &StopSequences,
        body: &[u8],
    ) -> Result<TranslatedResponse, ProviderError> {
        response::translate(attempt, stop_sequences, body)
    }
}
