//! Reads an event of a ConverseStream response.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{self, ProviderError};
use crate::event_stream::Frame;
use crate::formats::bedrock_converse::response_reader::{ReasoningContent, ToolUse};
use crate::formats::bedrock_converse::{ReceivedUsage, Stop};
use crate::json;
use crate::json::{Text, lenient};
use crate::usage::Usage;

/// One event. `block` is Bedrock's index of the content block.
#[derive(Debug)]
pub enum ConverseEvent<'a> {
    /// The response starts. Not every model sends it.
    Start,
    /// A call of a client's tool starts.
    ToolStart {
        /// Index of the block.
        block: u64,
        /// Identifies the call; its result refers to it.
        id: Text<'a>,
        /// The tool's name as sent to the provider.
        name: Text<'a>,
    },
    /// A block starts that is not for the client: a tool of the provider, its result, an image.
    SkippedStart {
        /// Index of the block.
        block: u64,
    },
    /// A piece of text. No start precedes it.
    Text {
        /// Index of the block.
        block: u64,
        /// The piece.
        text: Text<'a>,
    },
    /// A piece of reasoning.
    Reasoning {
        /// Index of the block.
        block: u64,
        /// The piece.
        text: Text<'a>,
    },
    /// A piece of the signature of the preceding reasoning.
    Signature {
        /// Index of the block.
        block: u64,
        /// The piece.
        signature: Text<'a>,
    },
    /// Reasoning that only the provider can decrypt.
    Redacted {
        /// Index of the block.
        block: u64,
        /// Base64.
        data: Text<'a>,
    },
    /// A fragment of a call's input: JSON text of an object.
    ToolInput {
        /// Index of the block.
        block: u64,
        /// The fragment.
        fragment: Text<'a>,
    },
    /// A block is complete. Not every model sends it.
    BlockStop {
        /// Index of the block.
        block: u64,
    },
    /// The response is complete.
    Stop(Stop),
    /// Token counts, before or after [`ConverseEvent::Stop`].
    Metadata(Option<Usage>),
    /// Not for the client, or newer than this code.
    Other,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Payload<'a> {
    #[serde(default, deserialize_with = "lenient")]
    content_block_index: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    start: Option<BlockStart<'a>>,
    #[serde(default, deserialize_with = "lenient")]
    delta: Option<Delta<'a>>,
    #[serde(default, deserialize_with = "Text::lenient")]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    additional_model_response_fields: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<ReceivedUsage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct BlockStart<'a> {
    #[serde(default, deserialize_with = "lenient")]
    tool_use: Option<ToolUse<'a>>,
    #[serde(borrow, default)]
    tool_result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    image: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct Delta<'a> {
    #[serde(default, deserialize_with = "Text::lenient")]
    text: Option<Text<'a>>,
    #[serde(default, deserialize_with = "lenient")]
    tool_use: Option<ToolInput<'a>>,
    #[serde(default, deserialize_with = "lenient")]
    reasoning_content: Option<ReasoningContent<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct ToolInput<'a> {
    #[serde(default, deserialize_with = "Text::lenient")]
    input: Option<Text<'a>>,
}

/// Parses a frame.
///
/// # Errors
/// The frame is an exception or error of the provider, or an event with a malformed payload.
pub fn read_event<'a>(frame: &Frame<'a>) -> Result<ConverseEvent<'a>, ProviderError> {
    // Some recordings lack the message type; the event type then identifies it as an event.
    match frame.text(":message-type") {
        Some("exception") => {
            let name = frame.text(":exception-type").unwrap_or_default();
            return Err(error::classify_in_stream(name, frame.payload));
        }
        Some("error") => {
            let name = frame.text(":error-code").unwrap_or_default();
            let message = frame.text(":error-message").unwrap_or_default();
            return Err(error::classify_in_stream(name, message.as_bytes()));
        }
        Some("event") | None => {}
        Some(_) => return Ok(ConverseEvent::Other),
    }
    let Some(name) = frame.text(":event-type") else {
        return Ok(ConverseEvent::Other);
    };
    let read = || -> Result<Payload<'a>, ProviderError> {
        json::parse(frame.payload).map_err(ProviderError::invalid_response)
    };
    match name {
        "messageStart" => Ok(ConverseEvent::Start),
        "contentBlockStart" => block_start(&read()?),
        "contentBlockDelta" => Ok(block_delta(read()?)),
        "contentBlockStop" => Ok(ConverseEvent::BlockStop {
            block: read()?.content_block_index.unwrap_or(0),
        }),
        "messageStop" => {
            let payload = read()?;
            let fields = payload.additional_model_response_fields;
            Ok(ConverseEvent::Stop(Stop::read(payload.stop_reason, fields)))
        }
        "metadata" => {
            let usage = read()?.usage;
            Ok(ConverseEvent::Metadata(usage.map(|usage| usage.total())))
        }
        _ => Ok(ConverseEvent::Other),
    }
}

fn block_start<'a>(payload: &Payload<'a>) -> Result<ConverseEvent<'a>, ProviderError> {
    let block = payload.content_block_index.unwrap_or(0);
    let Some(start) = &payload.start else {
        return Ok(ConverseEvent::Other);
    };
    match &start.tool_use {
        Some(call) if call.is_servers() => Ok(ConverseEvent::SkippedStart { block }),
        Some(call) => match (call.tool_use_id, call.name) {
            (Some(id), Some(name)) => Ok(ConverseEvent::ToolStart { block, id, name }),
            _ => Err(ProviderError::invalid_response(
                "toolUse without toolUseId or name",
            )),
        },
        None if start.tool_result.is_some() || start.image.is_some() => {
            Ok(ConverseEvent::SkippedStart { block })
        }
        // The start of a text block.
        None => Ok(ConverseEvent::Other),
    }
}

fn block_delta(payload: Payload<'_>) -> ConverseEvent<'_> {
    let block = payload.content_block_index.unwrap_or(0);
    let delta = payload.delta.unwrap_or_default();
    if let Some(text) = delta.text {
        return ConverseEvent::Text { block, text };
    }
    if let Some(call) = delta.tool_use {
        let fragment = call.input.unwrap_or_default();
        return ConverseEvent::ToolInput { block, fragment };
    }
    let Some(reasoning) = delta.reasoning_content else {
        return ConverseEvent::Other;
    };
    match (
        reasoning.text,
        reasoning.signature,
        reasoning.redacted_content,
    ) {
        (Some(text), ..) => ConverseEvent::Reasoning { block, text },
        (None, Some(signature), _) => ConverseEvent::Signature { block, signature },
        (None, None, Some(data)) => ConverseEvent::Redacted { block, data },
        (None, None, None) => ConverseEvent::Other,
    }
}
