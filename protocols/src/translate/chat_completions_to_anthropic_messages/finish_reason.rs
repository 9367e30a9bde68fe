//! Anthropic's stop reasons in OpenAI's closed list.

use crate::formats::chat_completions::FinishReason;
use crate::json::Text;

/// OpenAI's finish reason. Unknown reasons become `stop`, never an error.
///
/// Clients run tools only after `tool_calls`, and then expect some: `client_tools` decides between it and `stop`. They
/// differ if only the synthetic tool was called.
pub(super) fn finish_reason(stop_reason: Option<Text<'_>>, client_tools: bool) -> FinishReason {
    let word = stop_reason.and_then(Text::decode).unwrap_or_default();
    match word.as_ref() {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::ContentFilter,
        // `tool_use`, `end_turn`, `stop_sequence`, `pause_turn`, and newer values.
        _ if client_tools => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}
