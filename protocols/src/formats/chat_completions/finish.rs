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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use FinishReason::{ContentFilter, Length, Stop, ToolCalls};

    #[test]
    fn words_of_providers() {
        for (json, reason, sequence) in [
            (r#"{"finish_reason":"stop"}"#, Some(Stop), None),
            (r#"{"finish_reason":"eos_token"}"#, Some(Stop), None),
            (
                r#"{"finish_reason":"length","stop_reason":"x"}"#,
                Some(Length),
                None,
            ),
            (r#"{"finish_reason":"tool_calls"}"#, Some(ToolCalls), None),
            (
                r#"{"finish_reason":"function_call"}"#,
                Some(ToolCalls),
                None,
            ),
            (
                r#"{"finish_reason":"content_filter"}"#,
                Some(ContentFilter),
                None,
            ),
            (
                r#"{"finish_reason":"stop","stop_reason":"END"}"#,
                Some(Stop),
                Some("END"),
            ),
            (
                r#"{"finish_reason":"stop","stop_reason":7,"matched_stop":"END"}"#,
                Some(Stop),
                Some("END"),
            ),
            (
                r#"{"finish_reason":"stop","stop_reason":null,"matched_stop":2}"#,
                Some(Stop),
                None,
            ),
            (r#"{"finish_reason":null}"#, None, None),
            (r#"{"finish_reason":""}"#, None, None),
            ("{}", None, None),
        ] {
            let choice: Object<'_> = serde_json::from_str(json).unwrap();
            let finish = Finish::read(&choice).unwrap();
            assert_eq!(finish.map(|finish| finish.reason), reason, "{json}");
            let found = finish.and_then(|finish| finish.stop_sequence);
            assert_eq!(found, sequence.map(Text::Plain), "{json}");
        }
    }

    #[test]
    fn an_end_with_an_error_is_no_answer() {
        let choice: Object<'_> = serde_json::from_str(r#"{"finish_reason":"error"}"#).unwrap();
        assert_eq!(Finish::read(&choice).unwrap_err().kind, ErrorKind::Server);
    }

    #[test]
    fn tool_calls_and_their_reason_come_together() {
        for (reason, with, without) in [
            (Stop, ToolCalls, Stop),
            (ToolCalls, ToolCalls, Stop),
            (Length, Length, Length),
            (ContentFilter, ContentFilter, ContentFilter),
        ] {
            assert_eq!(Finish::reason_with_tools(reason, true), with);
            assert_eq!(Finish::reason_with_tools(reason, false), without);
        }
    }
}
