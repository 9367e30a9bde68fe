//! A Converse answer as Bedrock sends it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{Text, lenient};
use crate::usage::Usage;

/// The answer's body. Fields that nobody reads are skipped; a field of an unexpected type is as if it were absent.
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
    /// What the model says beside the answer.
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

/// A content block: a union, of which one member is there. Kinds that no client of ours knows (images, results of the
/// provider's own tools) have none of these.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ReceivedBlock<'a> {
    /// Text.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub text: Option<Text<'a>>,
    /// A call of a tool.
    #[serde(default, deserialize_with = "lenient")]
    pub tool_use: Option<ToolUse<'a>>,
    /// Reasoning.
    #[serde(default, deserialize_with = "lenient")]
    pub reasoning_content: Option<ReasoningContent<'a>>,
    /// Text with its sources.
    #[serde(default, deserialize_with = "lenient")]
    pub citations_content: Option<CitationsContent<'a>>,
}

/// A call of a tool.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ToolUse<'a> {
    /// Ties the result to the call.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub tool_use_id: Option<Text<'a>>,
    /// The tool, in the name that was sent.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub name: Option<Text<'a>>,
    /// An object; absent at the start of a streamed call.
    #[serde(borrow, default)]
    pub input: Option<&'a RawValue>,
    /// `server_tool_use`: the provider runs it, not the client.
    #[serde(rename = "type", default, deserialize_with = "Text::lenient")]
    pub kind: Option<Text<'a>>,
}

/// Reasoning; in streams `text`, `signature` and `redactedContent` stand here directly.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub struct ReasoningContent<'a> {
    /// Readable reasoning of a whole answer.
    #[serde(default, deserialize_with = "lenient")]
    pub reasoning_text: Option<ReasoningText<'a>>,
    /// Reasoning that only the provider can read, in base64.
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
    /// What a later request needs to replay it.
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

/// Token counts as Bedrock sends them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedUsage {
    /// Input that was neither read from nor written to a cache.
    #[serde(default, deserialize_with = "lenient")]
    pub input_tokens: Option<u64>,
    /// Output, reasoning included.
    #[serde(default, deserialize_with = "lenient")]
    pub output_tokens: Option<u64>,
    /// Input read from a cache; not part of `input_tokens`.
    #[serde(default, deserialize_with = "lenient")]
    pub cache_read_input_tokens: Option<u64>,
    /// Input written to a cache; not part of `input_tokens`.
    #[serde(default, deserialize_with = "lenient")]
    pub cache_write_input_tokens: Option<u64>,
}

impl<'a> ConverseResponse<'a> {
    /// The blocks of the answer; `None` where the body is no answer.
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
    /// The same in neutral terms: the prompt is the sum of uncached, read and written input. `totalTokens` is not asked:
    /// models differ in whether it counts the cache.
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
