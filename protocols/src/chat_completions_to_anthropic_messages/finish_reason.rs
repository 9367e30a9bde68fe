//! Anthropic's stop reasons in OpenAI's closed list.

use crate::json::Text;
use crate::openai::FinishReason;

/// What a stop reason is called in OpenAI's list. Reasons that are new become `stop`, never an error.
pub(super) fn finish_reason(stop_reason: Option<Text<'_>>) -> FinishReason {
    let word = stop_reason.and_then(Text::decode).unwrap_or_default();
    match word.as_ref() {
        "tool_use" => FinishReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::ContentFilter,
        // `end_turn`, `stop_sequence`, `pause_turn`, and whatever comes later.
        _ => FinishReason::Stop,
    }
}
