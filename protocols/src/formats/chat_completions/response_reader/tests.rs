#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::error::ErrorKind;

#[test]
fn the_first_choice_counts_and_what_is_missing_is_nothing() {
    let body = br#"{"id":"i","model":"m","created":7,"choices":[
            {"message":{"content":"a","tool_calls":[{"id":"t","function":{"name":"f","arguments":"{}"}}]},
             "finish_reason":"stop"},
            {"message":{"content":"b"},"finish_reason":"length"}],
            "usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let response = ReceivedResponse::read(body).unwrap();
    assert_eq!(response.id, Some("i".into()));
    assert_eq!(response.created, Some(7));
    assert_eq!(response.delta.text, ["a".into()]);
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    assert_eq!(response.usage.map(|usage| usage.total()), Some(3));

    let response = ReceivedResponse::read(br#"{"id":"","choices":[{}]}"#).unwrap();
    assert!(response.id.is_none() && response.model.is_none() && response.usage.is_none());
    assert_eq!(response.finish_reason, FinishReason::Stop);
}

#[test]
fn what_is_no_answer_is_the_providers_failure() {
    for (body, kind, message) in [
        ("", ErrorKind::Server, "cannot be read"),
        ("<html>", ErrorKind::Server, "cannot be read"),
        ("[]", ErrorKind::Server, "cannot be read"),
        ("{}", ErrorKind::Server, "no choices"),
        (r#"{"choices":[]}"#, ErrorKind::Server, "no choices"),
        (r#"{"choices":[7]}"#, ErrorKind::Server, "no choices"),
        (
            r#"{"error":{"message":"Overloaded","code":"overloaded"}}"#,
            ErrorKind::Overloaded,
            "Overloaded",
        ),
        (
            r#"{"choices":[{"finish_reason":"error"}]}"#,
            ErrorKind::Server,
            "ended its answer",
        ),
    ] {
        let error = ReceivedResponse::read(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind, kind, "{body}");
        assert!(error.message.contains(message), "{body}: {}", error.message);
    }
}
