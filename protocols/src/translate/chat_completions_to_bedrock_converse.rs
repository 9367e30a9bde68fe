//! Chat Completions clients, Bedrock Converse upstreams.

mod dropped_params;
mod request;
mod response;
mod stream;

pub use dropped_params::DROPPED_PARAMS;

use crate::error::{ProviderError, RequestError};
use crate::translate::to_bedrock_converse::{ConverseClient, ToConverseTranslator};
use crate::translator::Attempt;
use crate::usage::Usage;
pub use request::ResponseHints;
pub use stream::ChatSink;

/// Translates one attempt. Drops only what [`DROPPED_PARAMS`] lists; everything else that Converse cannot express is
/// refused.
pub type ChatCompletionsToBedrockConverse = ToConverseTranslator<ChatClient>;

/// Clients of Chat Completions.
#[derive(Debug)]
pub struct ChatClient;

impl ConverseClient for ChatClient {
    type RequestState = ResponseHints;
    type Sink = ChatSink;

    fn sink(attempt: &Attempt) -> ChatSink {
        ChatSink::new(attempt)
    }

    fn request(attempt: &Attempt, body: &[u8]) -> Result<(Vec<u8>, ResponseHints), RequestError> {
        request::translate(attempt, body)
    }

    fn set_request_state(sink: &mut ChatSink, hints: &ResponseHints) {
        sink.expect(hints);
    }

    fn response(
        attempt: &Attempt,
        hints: &ResponseHints,
        body: &[u8],
    ) -> Result<(Vec<u8>, Option<Usage>), ProviderError> {
        response::translate(attempt, hints, body)
    }
}
