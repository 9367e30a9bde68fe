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
