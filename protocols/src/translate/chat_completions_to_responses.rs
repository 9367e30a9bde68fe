//! Chat Completions clients, upstreams that speak OpenAI's Responses API. With [`crate::translate::composed`] also
//! Anthropic's clients.
//!
//! For models that Chat Completions refuses (`responses_only`), or refuses tools while they think
//! (`tools_over_responses`). Nothing is stored upstream unless the client asks for it; reasoning travels encrypted in what
//! clients send back.

mod dropped_params;
mod items;
mod request;
mod response;
mod stream;

pub use dropped_params::DROPPED_PARAMS;
pub use stream::Stream;

use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::translate::{Translate, TranslatedResponse, TranslatorFor};
use crate::translator::{Attempt, OutgoingRequest};
use crate::upstream_path;

/// Translates one attempt. Drops only what [`DROPPED_PARAMS`] lists; everything else that cannot be expressed is
/// refused.
pub type ChatCompletionsToResponses = TranslatorFor<ChatOverResponses>;

/// Clients of Chat Completions, upstreams that speak Responses.
#[derive(Debug)]
pub struct ChatOverResponses;

impl Translate for ChatOverResponses {
    type RequestState = ();
    type Stream = Stream;

    fn stream(_attempt: &Attempt) -> Stream {
        Stream::default()
    }

    fn request(attempt: &Attempt, body: &[u8]) -> Result<(OutgoingRequest, ()), RequestError> {
        let outgoing = OutgoingRequest {
            path: upstream_path::openai(attempt, "responses")?,
            headers: Vec::new(),
            body: BodyEdit::Replace(request::translate(attempt, body)?),
        };
        Ok((outgoing, ()))
    }

    fn response(
        attempt: &Attempt,
        (): &(),
        body: &[u8],
    ) -> Result<TranslatedResponse, ProviderError> {
        response::translate(attempt, body)
    }
}

#[cfg(test)]
mod tests;
