//! Chat Completions clients, Bedrock Converse upstreams.

mod dropped_params;
mod request;
mod response;
mod stream;

pub use dropped_params::IGNORED_FIELDS;

use crate::error::{ProviderError, RequestError};
use crate::translate::to_bedrock_converse::{ConverseClient, ToConverse};
use crate::translator::Attempt;
use crate::usage::Usage;
pub use request::Answer;
pub use stream::ChatSink;

/// Translates one attempt. See [`IGNORED_FIELDS`] for what it leaves out; everything else that cannot be said is refused.
pub type ChatCompletionsToBedrockConverse = ToConverse<ChatClient>;

/// Clients of Chat Completions.
#[derive(Debug)]
pub struct ChatClient;

impl ConverseClient for ChatClient {
    type Agreed = Answer;
    type Sink = ChatSink;

    fn sink(attempt: &Attempt) -> ChatSink {
        ChatSink::new(attempt)
    }

    fn request(attempt: &Attempt, body: &[u8]) -> Result<(Vec<u8>, Answer), RequestError> {
        request::translate(attempt, body)
    }

    fn agree(sink: &mut ChatSink, answer: &Answer) {
        sink.expect(answer);
    }

    fn response(
        attempt: &Attempt,
        answer: &Answer,
        body: &[u8],
    ) -> Result<(Vec<u8>, Option<Usage>), ProviderError> {
        response::translate(attempt, answer, body)
    }
}
