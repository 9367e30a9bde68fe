//! AWS Bedrock: writes Converse requests that keep its rules; reads responses and streams, tolerating unknown content.
//!
//! Shapes, names and limits follow the service model of `bedrock-runtime` (version 2023-09-30).

mod asked_schema;
mod document_names;
mod reasoning;
mod request_writer;
mod response_reader;
mod stop_reason;
mod stream_event;
mod stream_reader;
mod tool_names;

pub use asked_schema::AskedSchema;
pub use document_names::{document_format, image_format};
pub use reasoning::{ReasoningPlan, ReasoningRequest};
pub use request_writer::{
    AdditionalField, Block, CachePoint, Conversation, ConverseRequest, DocumentSource, Inference,
    JsonSchema, Role, ToolChoice, ToolResult, ToolSpec,
};
pub use response_reader::{ConverseResponse, ReceivedBlock, ReceivedUsage};
pub use stop_reason::{Stop, StopReason};
pub use stream_event::{ConverseEvent, read_event};
pub use stream_reader::{ConverseSink, ConverseStream};
pub use tool_names::{ToolNames, tool_use_id};

use crate::error::{self, ProviderError, RequestError};
use crate::headers::HeaderSlice;
use crate::translator::Attempt;
use crate::upstream_path;
use catalog::Provider;

/// The operation called on a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A complete response.
    Converse,
    /// A streamed response.
    ConverseStream,
    /// The model's own protocol.
    InvokeModel,
}

/// The path of `operation` on the attempt's model. The model's id or ARN is one segment.
///
/// # Errors
/// The id cannot be a path segment, see [`upstream_path::segment`].
pub fn path(attempt: &Attempt, operation: Operation) -> Result<String, RequestError> {
    let operation = match operation {
        Operation::Converse => "converse",
        Operation::ConverseStream => "converse-stream",
        Operation::InvokeModel => "invoke",
    };
    let model = upstream_path::segment(&attempt.model)?;
    Ok(format!("{}/model/{model}/{operation}", attempt.base_path))
}

/// Classifies an error of Bedrock. The exception class becomes the client's `error.code` only if the client's protocol
/// has no code for this error, because clients compare codes.
pub fn read_error(
    provider: Provider,
    status: u16,
    headers: &HeaderSlice<'_>,
    body: &[u8],
) -> ProviderError {
    let error = error::classify(provider, status, headers, body);
    ProviderError {
        code: error
            .code
            .filter(|_| error::openai_code(error.kind).is_none()),
        ..error
    }
}

#[cfg(test)]
mod tests;
