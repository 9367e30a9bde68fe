//! OpenAI Responses clients, upstreams that only speak Chat Completions. With [`crate::translate::composed`] also
//! Anthropic and Bedrock.
//!
//! Nothing is stored: each request carries its conversation in `input`, and `previous_response_id` is refused.

mod dropped_params;
mod request;
mod response;
mod stream;

pub(super) use request::limit_name;

pub use dropped_params::{DROPPED_ITEM_PARAMS, DROPPED_PARAMS};
pub use stream::Stream;

use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::formats::responses::RequestState;
use crate::translate::{Translate, TranslatedResponse, TranslatorFor};
use crate::translator::{Attempt, OutgoingRequest};
use crate::upstream_path;

/// Translates one attempt. Drops only what [`DROPPED_PARAMS`] lists; everything else that cannot be expressed is
/// refused.
pub type ResponsesToChatCompletions = TranslatorFor<ResponsesOverChat>;

/// Clients of OpenAI Responses, upstreams that speak Chat Completions.
#[derive(Debug)]
pub struct ResponsesOverChat;

impl Translate for ResponsesOverChat {
    /// The fields that the response echoes, and the tools that it calls.
    type RequestState = RequestState;
    type Stream = Stream;

    fn stream(_attempt: &Attempt) -> Stream {
        Stream::default()
    }

    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(OutgoingRequest, RequestState), RequestError> {
        let (body, state) = request::translate(attempt, body)?;
        let outgoing = OutgoingRequest {
            path: upstream_path::openai(attempt, "chat/completions")?,
            headers: Vec::new(),
            body: BodyEdit::Replace(body),
        };
        Ok((outgoing, state))
    }

    fn response(
        attempt: &Attempt,
        state: &RequestState,
        body: &[u8],
    ) -> Result<TranslatedResponse, ProviderError> {
        response::translate(attempt, state, body)
    }
}
