//! How a choice of a Chat Completions response ended, in any dialect.

use serde_json::value::RawValue;

use crate::error::{ErrorKind, ProviderError};
use crate::formats::chat_completions::FinishReason;
use crate::json::{Object, Text};

/// The end of a choice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finish<'a> {
    /// The reason.
    pub(super) reason: FinishReason,
    /// The stop sequence that was matched: vLLM's `stop_reason`, SGLang's `matched_stop`.
    pub(super) stop_sequence: Option<Text<'a>>,
}

impl<'a> Finish<'a> {
    /// Reads the end from a choice; `None` if the choice has not ended.
    ///
    /// # Errors
    /// The provider reports that the choice ended with an error.
    pub(super) fn read(choice: &Object<'a>) -> Result<Option<Self>, ProviderError> {
        let Some(word) = choice.get("finish_reason").and_then(Text::of) else {
            return Ok(None);
        };
        let reason = match word.decode().as_deref().unwrap_or_default() {
            "" => return Ok(None),
            "length" | "max_tokens" => FinishReason::Length,
            "tool_calls" | "function_call" => FinishReason::ToolCalls,
            "content_filter" => FinishReason::ContentFilter,
            // OpenRouter, for a provider that failed.
            "error" => {
                return Err(ProviderError::new(
                    ErrorKind::Server,
                    "the provider ended its answer with an error",
                ));
            }
            // `stop`, and undocumented values.
            _ => FinishReason::Stop,
        };
        let stop_sequence = ["stop_reason", "matched_stop"]
            .into_iter()
            .filter_map(|name| choice.get(name))
            .find_map(stop_sequence);
        Ok(Some(Self {
            reason,
            stop_sequence: stop_sequence.filter(|_| reason == FinishReason::Stop),
        }))
    }
}

impl Finish<'_> {
    /// Some providers send `stop` with tool calls, which clients would then not run, and some send `tool_calls` without
    /// any, for which clients would wait.
    pub(super) fn reason_with_tools(reason: FinishReason, has_tool_calls: bool) -> FinishReason {
        match reason {
            FinishReason::Stop if has_tool_calls => FinishReason::ToolCalls,
            FinishReason::ToolCalls if !has_tool_calls => FinishReason::Stop,
            FinishReason::Stop
            | FinishReason::Length
            | FinishReason::ToolCalls
            | FinishReason::ContentFilter => reason,
        }
    }
}

/// A number is a token id, not a sequence.
fn stop_sequence(raw: &RawValue) -> Option<Text<'_>> {
    Text::of(raw).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
