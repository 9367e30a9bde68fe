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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn reasons_and_sequences() {
        let asked = StopSequences::new([Text::Plain("END"), Text::Escaped("\\n\\n")]);
        for (reason, met, want) in [
            (FinishReason::Stop, None, (StopReason::EndTurn, None)),
            (
                FinishReason::Stop,
                Some("END"),
                (StopReason::StopSequence, Some("END")),
            ),
            (
                FinishReason::Stop,
                Some("\n\n"),
                (StopReason::StopSequence, Some("\n\n")),
            ),
            (
                FinishReason::Stop,
                Some("<eos>"),
                (StopReason::EndTurn, None),
            ),
            (
                FinishReason::Length,
                Some("END"),
                (StopReason::MaxTokens, None),
            ),
            (FinishReason::ToolCalls, None, (StopReason::ToolUse, None)),
            (
                FinishReason::ContentFilter,
                None,
                (StopReason::Refusal, None),
            ),
        ] {
            assert_eq!(asked.stop_reason(reason, met), want, "{reason:?} {met:?}");
        }
    }
}
