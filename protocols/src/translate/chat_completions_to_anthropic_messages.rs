//! Chat Completions clients, Anthropic Messages upstreams.

mod dropped_params;
mod finish_reason;
mod request;
mod response;
mod stream;

pub use dropped_params::DROPPED_PARAMS;
pub use request::ResponseHints;
pub use stream::Stream;

use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::translate::{Translate, TranslatedResponse, TranslatorFor};
use crate::translator::{Attempt, OutgoingRequest};
use crate::upstream_path;

/// The API version that this translator writes. Later ones refuse `temperature`, `top_p` and `top_k`.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Translates one attempt. Drops only what [`DROPPED_PARAMS`] lists; everything else that cannot be expressed is
/// refused.
pub type ChatCompletionsToAnthropicMessages = TranslatorFor<ChatOverMessages>;

/// Clients of Chat Completions, upstreams that speak Anthropic Messages.
#[derive(Debug)]
pub struct ChatOverMessages;

impl Translate for ChatOverMessages {
    type RequestState = ResponseHints;
    type Stream = Stream;

    fn stream(attempt: &Attempt) -> Stream {
        Stream::new(attempt)
    }

    fn set_request_state(stream: &mut Stream, hints: &ResponseHints) {
        stream.expect(hints);
    }

    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(OutgoingRequest, ResponseHints), RequestError> {
        let (body, hints) = request::translate(attempt, body)?;
        let mut headers = vec![("anthropic-version", String::from(ANTHROPIC_VERSION))];
        if let Some(beta) = &attempt.anthropic_beta {
            headers.push(("anthropic-beta", beta.clone()));
        }
        let outgoing = OutgoingRequest {
            path: upstream_path::anthropic(&attempt.base_path, "messages"),
            headers,
            body: BodyEdit::Replace(body),
        };
        Ok((outgoing, hints))
    }

    fn response(
        attempt: &Attempt,
        hints: &ResponseHints,
        body: &[u8],
    ) -> Result<TranslatedResponse, ProviderError> {
        response::translate(attempt, hints, body)
    }
}
