//! Anthropic's stop reasons.

use crate::formats::anthropic_messages::StopReason;
use crate::formats::chat_completions::FinishReason;
use crate::json::Text;

/// The client's stop sequences.
#[derive(Debug, Clone, Default)]
pub struct StopSequences(Vec<String>);

impl StopSequences {
    pub(super) fn new<'a>(sequences: impl IntoIterator<Item = Text<'a>>) -> Self {
        let decoded = sequences.into_iter().filter_map(Text::decode);
        Self(decoded.map(std::borrow::Cow::into_owned).collect())
    }

    /// Anthropic's stop reason and its stop sequence. `met` is the provider's; it only counts if the client asked for
    /// it.
    pub(super) fn stop_reason(
        &self,
        reason: FinishReason,
        met: Option<&str>,
    ) -> (StopReason, Option<&str>) {
        match reason {
            FinishReason::Stop => {
                let met = self.0.iter().find(|known| Some(known.as_str()) == met);
                match met {
                    Some(sequence) => (StopReason::StopSequence, Some(sequence)),
                    None => (StopReason::EndTurn, None),
                }
            }
            FinishReason::Length => (StopReason::MaxTokens, None),
            FinishReason::ToolCalls => (StopReason::ToolUse, None),
            FinishReason::ContentFilter => (StopReason::Refusal, None),
        }
    }
}

#[cfg(test)]
mod tests;
