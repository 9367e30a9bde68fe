//! Anthropic Messages clients, Bedrock Converse upstreams.

mod dropped_params;
mod request;
mod response;
mod stream;

pub use dropped_params::{IGNORED_FIELDS, IGNORED_TOOL_FIELDS};

use crate::error::{ProviderError, RequestError};
use crate::formats::bedrock_converse::ToolNames;
use crate::translate::to_bedrock_converse::{ConverseClient, ToConverse};
use crate::translator::Attempt;
use crate::usage::Usage;
pub use stream::MessageSink;

/// Translates one attempt. See [`IGNORED_FIELDS`] and [`IGNORED_TOOL_FIELDS`] for what it leaves out; everything else that
/// cannot be said is refused.
pub type AnthropicMessagesToBedrockConverse = ToConverse<MessagesClient>;

/// Clients of Anthropic Messages.
#[derive(Debug)]
pub struct MessagesClient;

impl ConverseClient for MessagesClient {
    /// What tools are called at the client.
    type Agreed = ToolNames;
    type Sink = MessageSink;

    fn sink(attempt: &Attempt) -> MessageSink {
        MessageSink::new(attempt)
    }

    fn request(attempt: &Attempt, body: &[u8]) -> Result<(Vec<u8>, ToolNames), RequestError> {
        request::translate(attempt, body)
    }

    fn agree(sink: &mut MessageSink, tool_names: &ToolNames) {
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
