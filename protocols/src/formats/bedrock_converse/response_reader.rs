//! Reads a Converse response.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Text, lenient};
use crate::usage::Usage;

/// The response's body. Unused fields are skipped; a field of an unexpected type counts as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ConverseResponse<'a> {
    #[serde(default, deserialize_with = "lenient")]
    output: Option<Output<'a>>,
    /// Why it ended.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub stop_reason: Option<Text<'a>>,
    /// Tokens.
    #[serde(default, deserialize_with = "lenient")]
    pub usage: Option<ReceivedUsage>,
    /// Vendor-specific fields of the response.
    #[serde(borrow, default)]
    pub additional_model_response_fields: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Output<'a> {
    #[serde(default, deserialize_with = "lenient")]
    message: Option<Message<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Message<'a> {
    #[serde(default, deserialize_with = "lenient")]
    content: Option<Vec<ReceivedBlock<'a>>>,
}

/// A content block: a union with one member set. Kinds that no client supports (images, results of the provider's own
/// tools) set none of these.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ReceivedBlock<'a> {
    /// Text.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub text: Option<Text<'a>>,
    /// A tool call.
    #[serde(default, deserialize_with = "lenient")]
    pub tool_use: Option<ToolUse<'a>>,
    /// Reasoning.
    #[serde(default, deserialize_with = "lenient")]
    pub reasoning_content: Option<ReasoningContent<'a>>,
    /// Text with its sources.
    #[serde(default, deserialize_with = "lenient")]
    pub citations_content: Option<CitationsContent<'a>>,
}

/// A tool call.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ToolUse<'a> {
    /// Identifies the call; its result refers to it.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub tool_use_id: Option<Text<'a>>,
    /// The tool's name as sent to the provider.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub name: Option<Text<'a>>,
    /// An object; absent at the start of a streamed call.
    #[serde(borrow, default)]
    pub input: Option<&'a RawValue>,
    /// `server_tool_use` if the provider runs the tool, not the client.
    #[serde(rename = "type", default, deserialize_with = "Text::lenient")]
    pub kind: Option<Text<'a>>,
}

/// Reasoning. In streams `text`, `signature` and `redactedContent` are direct members.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ReasoningContent<'a> {
    /// Readable reasoning of a complete response.
    #[serde(default, deserialize_with = "lenient")]
    pub reasoning_text: Option<ReasoningText<'a>>,
    /// Reasoning that only the provider can decrypt, in base64.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub redacted_content: Option<Text<'a>>,
    /// A piece of it, in a stream.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub text: Option<Text<'a>>,
    /// A piece of the signature, in a stream.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub signature: Option<Text<'a>>,
}

/// Readable reasoning.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ReasoningText<'a> {
    /// The reasoning.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub text: Option<Text<'a>>,
    /// Required to replay it.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub signature: Option<Text<'a>>,
}

/// Text with its sources.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct CitationsContent<'a> {
    #[serde(default, deserialize_with = "lenient")]
    content: Option<Vec<CitedText<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct CitedText<'a> {
    #[serde(default, deserialize_with = "Text::lenient")]
    text: Option<Text<'a>>,
}

/// Bedrock's token counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedUsage {
    /// Input neither read from nor written to a cache.
    #[serde(default, deserialize_with = "lenient")]
    pub input_tokens: Option<u64>,
    /// Output, including reasoning.
    #[serde(default, deserialize_with = "lenient")]
    pub output_tokens: Option<u64>,
    /// Input read from a cache; not included in `input_tokens`.
    #[serde(default, deserialize_with = "lenient")]
    pub cache_read_input_tokens: Option<u64>,
    /// Input written to a cache; not included in `input_tokens`.
    #[serde(default, deserialize_with = "lenient")]
    pub cache_write_input_tokens: Option<u64>,
}

impl<'a> ConverseResponse<'a> {
    /// The content blocks; `None` if the body is not a response.
    pub fn content(&self) -> Option<&[ReceivedBlock<'a>]> {
        self.output.as_ref()?.message.as_ref()?.content.as_deref()
    }
}

impl ToolUse<'_> {
    /// The provider runs the tool, not the client.
    pub fn is_servers(&self) -> bool {
        self.kind == Some(Text::Plain("server_tool_use"))
    }
}

impl<'a> CitationsContent<'a> {
    /// The text, without its sources.
    pub fn texts(&self) -> impl Iterator<Item = Text<'a>> {
        let pieces = self.content.iter().flatten();
        pieces.filter_map(|piece| piece.text)
    }
}

impl ReceivedUsage {
    /// The counts in neutral terms: the prompt is the sum of uncached, read and written input. `totalTokens` is
    /// ignored, because models differ in whether it includes the cache.
    pub fn total(&self) -> Usage {
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let cache_written = self.cache_write_input_tokens.unwrap_or(0);
        Usage {
            prompt: self
                .input_tokens
                .unwrap_or(0)
                .saturating_add(cached)
                .saturating_add(cache_written),
            completion: self.output_tokens.unwrap_or(0),
            cached,
            cache_written,
            reasoning: 0,
        }
    }
}
