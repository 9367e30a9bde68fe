//! Writes a complete Chat Completions response.

use crate::formats::chat_completions::FinishReason;
use crate::json::{Text, Writer};
use crate::usage::Usage;

/// A `chat.completion` object with one choice.
#[derive(Debug, Clone)]
pub struct ChatResponse<'a> {
    /// The provider's id of the response, or a generated one.
    pub id: Text<'a>,
    /// Unix seconds.
    pub created: u64,
    /// The model that responded.
    pub model: Text<'a>,
    /// Pieces of text, concatenated. No pieces, or only empty ones beside tool calls, become `null`.
    pub content: Vec<Text<'a>>,
    /// Pieces of reasoning, concatenated: `message.reasoning_content`, omitted if empty.
    pub reasoning: Vec<Text<'a>>,
    /// Required to replay the reasoning: `message.reasoning_signature`.
    pub reasoning_signature: Option<Text<'a>>,
    /// Tool calls in order.
    pub tool_calls: Vec<ToolCall<'a>>,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Usage, if the provider reported it.
    pub usage: Option<Usage>,
}

/// One call of a function tool.
#[derive(Debug, Clone, Copy)]
pub struct ToolCall<'a> {
    /// Identifies the call; its result refers to it.
    pub id: Text<'a>,
    /// The function's name.
    pub name: Text<'a>,
    /// JSON text of an object: `Text::Plain(r#"{"a":1}"#)`.
    pub arguments: Text<'a>,
}

impl ChatResponse<'_> {
    /// Appends the response to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        Writer::new(out).object(|w| {
            w.field("id").text(self.id);
            w.field("object").string("chat.completion");
            w.field("created").number(self.created);
            w.field("model").text(self.model);
            w.field("choices").array(|w| {
                w.object(|w| {
                    w.field("index").number(0);
                    w.field("message").object(|w| self.write_message(w));
                    w.field("logprobs").null();
                    w.field("finish_reason").string(self.finish_reason.as_str());
                });
            });
            if let Some(usage) = &self.usage {
                write_usage(w.field("usage"), usage);
            }
        });
    }

    fn write_message(&self, w: &mut Writer<'_>) {
        w.field("role").string("assistant");
        let empty = self.content.iter().all(|piece| piece.is_empty());
        if self.content.is_empty() || (empty && !self.tool_calls.is_empty()) {
            w.field("content").null();
        } else {
            w.field("content").joined(self.content.iter().copied());
        }
        w.field("refusal").null();
        if !self.reasoning.is_empty() {
            w.field("reasoning_content")
                .joined(self.reasoning.iter().copied());
        }
        if let Some(signature) = self.reasoning_signature {
            w.field("reasoning_signature").text(signature);
        }
        if !self.tool_calls.is_empty() {
            w.field("tool_calls").array(|w| {
                for call in &self.tool_calls {
                    w.object(|w| {
                        w.field("id").text(call.id);
                        w.field("type").string("function");
                        w.field("function").object(|w| {
                            w.field("name").text(call.name);
                            w.field("arguments").text(call.arguments);
                        });
                    });
                }
            });
        }
    }
}

/// Writes OpenAI's `usage` object. Counters that are part of another one are written to the details.
pub fn write_usage(w: &mut Writer<'_>, usage: &Usage) {
    w.object(|w| {
        w.field("prompt_tokens").number(usage.prompt);
        w.field("completion_tokens").number(usage.completion);
        w.field("total_tokens").number(usage.total());
        w.field("prompt_tokens_details").object(|w| {
            w.field("cached_tokens").number(usage.cached);
            if usage.cache_written > 0 {
                w.field("cache_write_tokens").number(usage.cache_written);
            }
        });
        if usage.reasoning > 0 {
            w.field("completion_tokens_details")
                .object(|w| w.field("reasoning_tokens").number(usage.reasoning));
        }
    });
}

#[cfg(test)]
mod tests;
