//! Writes a complete Anthropic message.

use std::borrow::Cow;

use crate::formats::anthropic_messages::StopReason;
use crate::json::{Text, Writer};
use crate::usage::Usage;

/// A `message` object.
#[derive(Debug, Clone)]
pub struct MessageResponse<'a> {
    /// The provider's id of the response, or a generated one.
    pub id: Text<'a>,
    /// The model that responded.
    pub model: Text<'a>,
    /// The content blocks, in order.
    pub content: Vec<MessageBlock<'a>>,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// The stop sequence that was matched, with [`StopReason::StopSequence`].
    pub stop_sequence: Option<Text<'a>>,
    /// Token counts. Zero if the provider did not report them, because the field is required.
    pub usage: Usage,
}

/// One content block.
#[derive(Debug, Clone)]
pub enum MessageBlock<'a> {
    /// Pieces of text, concatenated.
    Text(Vec<Text<'a>>),
    /// The model's reasoning.
    Thinking {
        /// Pieces, concatenated.
        thinking: Vec<Text<'a>>,
        /// Required to replay the thinking; written as `""` if absent, because the field is required.
        signature: Option<Text<'a>>,
    },
    /// Reasoning that only the provider can decrypt.
    RedactedThinking {
        /// Opaque.
        data: Text<'a>,
    },
    /// A tool call.
    ToolUse {
        /// Identifies the call; its result refers to it.
        id: Text<'a>,
        /// The tool's name.
        name: Text<'a>,
        /// A JSON object. Anything else would break clients' types.
        input: Cow<'a, str>,
    },
}

impl MessageResponse<'_> {
    /// Appends the response to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        Writer::new(out).object(|w| {
            w.field("id").text(self.id);
            w.field("type").string("message");
            w.field("role").string("assistant");
            w.field("model").text(self.model);
            w.field("content").array(|w| {
                for block in &self.content {
                    w.object(|w| block.write_fields(w));
                }
            });
            w.field("stop_reason").string(self.stop_reason.as_str());
            match self.stop_sequence {
                Some(sequence) => w.field("stop_sequence").text(sequence),
                None => w.field("stop_sequence").null(),
            }
            write_usage(w.field("usage"), &self.usage);
        });
    }
}

impl MessageBlock<'_> {
    fn write_fields(&self, w: &mut Writer<'_>) {
        match self {
            Self::Text(pieces) => {
                w.field("type").string("text");
                w.field("text").joined(pieces.iter().copied());
            }
            Self::Thinking {
                thinking,
                signature,
            } => {
                w.field("type").string("thinking");
                w.field("thinking").joined(thinking.iter().copied());
                w.field("signature")
                    .text(signature.unwrap_or(Text::Plain("")));
            }
            Self::RedactedThinking { data } => {
                w.field("type").string("redacted_thinking");
                w.field("data").text(*data);
            }
            Self::ToolUse { id, name, input } => {
                w.field("type").string("tool_use");
                w.field("id").text(*id);
                w.field("name").text(*name);
                w.field("input").verbatim(input);
            }
        }
    }
}

/// Writes Anthropic's `usage` object. Unlike [`Usage::prompt`], `input_tokens` excludes tokens read from or written to
/// a cache; the cache counters are written if they are not zero.
pub fn write_usage(w: &mut Writer<'_>, usage: &Usage) {
    w.object(|w| {
        let uncached = usage
            .prompt
            .saturating_sub(usage.cached)
            .saturating_sub(usage.cache_written);
        w.field("input_tokens").number(uncached);
        if usage.cache_written > 0 {
            w.field("cache_creation_input_tokens")
                .number(usage.cache_written);
        }
        if usage.cached > 0 {
            w.field("cache_read_input_tokens").number(usage.cached);
        }
        w.field("output_tokens").number(usage.completion);
    });
}

#[cfg(test)]
mod tests;
