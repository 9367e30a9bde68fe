//! OpenAI Responses clients, upstreams that only speak Chat Completions. By [`crate::translate::composed`] also Anthropic and Bedrock.
//!
//! Nothing is stored: a conversation comes with each request in `input`, and `previous_response_id` is refused.

mod dropped_params;
mod request;
mod response;
mod stream;

pub use dropped_params::{DROPPED_ITEM_PARAMS, DROPPED_PARAMS};
pub use stream::Stream;

use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::formats::responses::EchoedFields;
use crate::translate::{Translate, TranslatedResponse, TranslatorFor};
use crate::translator::{Attempt, OutgoingRequest};
use crate::upstream_path;

/// Translates one attempt. See [`DROPPED_PARAMS`] for what it leaves out; everything else that cannot be said is refused.
pub type ResponsesToChatCompletions = TranslatorFor<ResponsesOverChat>;

/// Clients of OpenAI Responses, upstreams that speak Chat Completions.
#[derive(Debug)]
pub struct ResponsesOverChat;

impl Translate for ResponsesOverChat {
    /// What the answer repeats of the request.
    type RequestState = EchoedFields;
    type Stream = Stream;

    fn stream(_attempt: &Attempt) -> Stream {
        Stream::default()
    }

    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(OutgoingRequest, EchoedFields), RequestError> {
        let (body, echo) = request::translate(attempt, body)?;
        let outgoing = OutgoingRequest {
            path: upstream_path::openai(attempt, "chat/completions")?,
            headers: Vec::new(),
            body: BodyEdit::Replace(body),
        };
        Ok((outgoing, echo))
    }

    fn response(
        attempt: &Attempt,
        echo: &EchoedFields,
        body: &[u8],
    ) -> Result<TranslatedResponse, ProviderError> {
        response::translate(attempt, echo, body)
    }
}
