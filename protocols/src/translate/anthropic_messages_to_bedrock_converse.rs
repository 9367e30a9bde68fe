//! Anthropic Messages clients, Bedrock Converse upstreams.

mod dropped_params;
mod request;
mod response;
mod stream;

pub use dropped_params::{DROPPED_PARAMS, DROPPED_TOOL_PARAMS};

use crate::error::{ProviderError, RequestError};
use crate::formats::bedrock_converse::ToolNames;
use crate::translate::to_bedrock_converse::{ConverseClient, ToConverseTranslator};
use crate::translator::Attempt;
use crate::usage::Usage;
pub use stream::MessageSink;

/// Translates one attempt. Drops only what [`DROPPED_PARAMS`] and [`DROPPED_TOOL_PARAMS`] list; everything else that
/// Converse cannot express is refused.
pub type AnthropicMessagesToBedrockConverse = ToConverseTranslator<MessagesClient>;

/// Clients of Anthropic Messages.
#[derive(Debug)]
pub struct MessagesClient;

impl ConverseClient for MessagesClient {
    /// The client's tool names.
    type RequestState = ToolNames;
    type Sink = MessageSink;

    fn sink(attempt: &Attempt) -> MessageSink {
        MessageSink::new(attempt)
    }

    fn request(attempt: &Attempt, body: &[u8]) -> Result<(Vec<u8>, ToolNames), RequestError> {
        request::translate(attempt, body)
    }

    fn set_request_state(sink: &mut MessageSink, tool_names: &ToolNames) {
        sink.call_tools(tool_names.clone());
    }

    fn response(
        attempt: &Attempt,
        tool_names: &ToolNames,
        body: &[u8],
    ) -> Result<(Vec<u8>, Option<Usage>), ProviderError> {
        response::translate(attempt, tool_names, body)
    }
}
