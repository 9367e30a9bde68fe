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
