//! Chat Completions clients, Anthropic Messages upstreams.

mod dropped_params;
mod finish_reason;
mod request;
mod response;
mod stream;

pub use dropped_params::IGNORED_FIELDS;
pub use request::Answer;
pub use stream::Stream;

use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::translate::{Pair, Translation, WholeAnswer};
use crate::translator::{Attempt, OutgoingRequest};
use crate::upstream_path;

/// The dialect that this translator writes. Later ones refuse `temperature`, `top_p` and `top_k`.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Translates one attempt. See [`IGNORED_FIELDS`] for what it leaves out; everything else that cannot be said is refused.
pub type ChatCompletionsToAnthropicMessages = Translation<ChatOverMessages>;

/// Clients of Chat Completions, upstreams that speak Anthropic Messages.
#[derive(Debug)]
pub struct ChatOverMessages;

impl Pair for ChatOverMessages {
    type Agreed = Answer;
    type Stream = Stream;

    fn stream(attempt: &Attempt) -> Stream {
        Stream::new(attempt)
    }

    fn agree(stream: &mut Stream, answer: &Answer) {
        stream.expect(answer);
    }

    fn request(attempt: &Attempt, body: &[u8]) -> Result<(OutgoingRequest, Answer), RequestError> {
        let (body, answer) = request::translate(attempt, body)?;
        let mut headers = vec![("anthropic-version", String::from(ANTHROPIC_VERSION))];
        if let Some(beta) = &attempt.anthropic_beta {
            headers.push(("anthropic-beta", beta.clone()));
        }
        let outgoing = OutgoingRequest {
            path: upstream_path::anthropic(&attempt.base_path, "messages"),
            headers,
            body: BodyEdit::Replace(body),
        };
        Ok((outgoing, answer))
    }

    fn response(
        attempt: &Attempt,
        answer: &Answer,
        body: &[u8],
    ) -> Result<WholeAnswer, ProviderError> {
        response::translate(attempt, answer, body)
    }
}
