//! AWS Bedrock: writes Converse requests that keep its rules; reads responses and streams, tolerating unknown content.
//!
//! Shapes, names and limits follow the service model of `bedrock-runtime` (version 2023-09-30).

mod document_names;
mod reasoning;
mod request_writer;
mod response_reader;
mod stop_reason;
mod stream_event;
mod stream_reader;
mod tool_names;

pub use document_names::{document_format, image_format};
pub use reasoning::{ReasoningPlan, ReasoningRequest};
pub use request_writer::{
    AdditionalField, Block, CachePoint, Conversation, ConverseRequest, DocumentSource, Inference,
    JsonSchema, Role, ToolChoice, ToolResult, ToolSpec,
};
pub use response_reader::{ConverseResponse, ReceivedBlock, ReceivedUsage};
pub use stop_reason::{Stop, StopReason};
pub use stream_event::{ConverseEvent, read_event};
pub use stream_reader::{ConverseSink, ConverseStream, ReasoningSignature};
pub use tool_names::{ToolNames, tool_use_id};

use crate::error::{self, ProviderError, RequestError};
use crate::headers::HeaderSlice;
use crate::translator::Attempt;
use crate::upstream_path;

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
pub fn read_error(status: u16, headers: &HeaderSlice<'_>, body: &[u8]) -> ProviderError {
    let error = error::classify(status, headers, body);
    ProviderError {
        code: error.code.filter(|_| error.kind.openai_code().is_none()),
        ..error
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use catalog::providers;

    use super::*;
    use crate::ClientFormat;
    use crate::translator::test_attempt;

    #[test]
    fn a_model_is_one_segment_whatever_its_id() {
        let mut attempt = test_attempt(ClientFormat::ChatCompletions, providers::BEDROCK);
        for (base, model, operation, expected) in [
            (
                "",
                "anthropic.claude-3-haiku-20240307-v1:0",
                Operation::Converse,
                "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
            ),
            (
                "/aws",
                "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/x.y-v1:0",
                Operation::ConverseStream,
                "/aws/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Fx.y-v1%3A0/converse-stream",
            ),
            (
                "",
                "../a?b#c",
                Operation::InvokeModel,
                "/model/..%2Fa%3Fb%23c/invoke",
            ),
        ] {
            attempt.base_path = base.to_owned();
            attempt.model = model.to_owned();
            assert_eq!(path(&attempt, operation).as_deref(), Ok(expected));
        }
        attempt.model = "..".to_owned();
        let error = path(&attempt, Operation::Converse).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("model"));
    }
}
