#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::format::ClientFormat::{AnthropicMessages, ChatCompletions};
use crate::request_info::scan;

/// More would not fit the bits; names this short are never elided.
#[test]
fn tables_are_short_sorted_and_in_lower_case() {
    for table in [BODY, MESSAGE, CALL] {
        assert!(table.len() <= 128);
        assert!(table.is_sorted_by(|a, b| a < b), "{table:?}");
        for name in table {
            assert!(
                name.len() < 32
                    && name
                        .bytes()
                        .all(|byte| byte == b'_' || byte.is_ascii_lowercase())
            );
        }
    }
}

#[test]
fn other_case_is_recognised() {
    for (name, taken) in [
        ("Model", true),
        ("MESSAGES", true),
        ("me\u{17f}\u{17f}ages", true),
        ("\u{212a}ey", false),
        ("messages ", false),
        ("message", false),
    ] {
        let result = Names::of(BODY).take(name);
        assert_eq!(result.is_err(), taken, "{name}");
    }
    assert!(is_taken_for("to\u{212a}en", "token"));
}

/// Parsers that ignore case, and parsers that take the first or last of two, see what was judged and routed.
#[test]
fn no_member_can_be_taken_for_another() {
    let body = |members: &str| format!(r#"{{"model":"m","messages":[],"input":[],{members}}}"#);
    let message = |members: &str| {
        format!(r#"{{"model":"m","messages":[{{"role":"user",{members}}}],"input":[]}}"#)
    };
    let part = |members: &str| message(&format!(r#""content":[{{"type":"text",{members}}}]"#));
    let twice = "expected once, found twice";
    let case = |name: &str| format!("expected the name `{name}`, found it in another case");
    let table = [
        (body(r#""Model":"n""#), "Model", case("model")),
        (
            body(r#""Messages":[{"content":"x"}]"#),
            "Messages",
            case("messages"),
        ),
        (
            body(r#""me\u017fsages":[]"#),
            "me\u{17f}sages",
            case("messages"),
        ),
        (body(r#""INPUT":"x""#), "INPUT", case("input")),
        (body(r#""T\u006fols":[]"#), "Tools", case("tools")),
        (
            body(r#""temperature":1,"temperature":2"#),
            "temperature",
            twice.into(),
        ),
        (body(r#""tools":[],"t\u006fols":[]"#), "tools", twice.into()),
        (
            body(r#""documents":[],"documents":[1]"#),
            "documents",
            twice.into(),
        ),
        (
            message(r#""Content":"x""#),
            "messages[0].Content",
            case("content"),
        ),
        (
            message(r#""content":"x","content":"y""#),
            "messages[0].content",
            twice.into(),
        ),
        (
            message(r#""Role":"system""#),
            "messages[0].Role",
            case("role"),
        ),
        (
            message(r#""role":"system""#),
            "messages[0].role",
            twice.into(),
        ),
        (
            part(r#""Text":"x""#),
            "messages[0].content[0].Text",
            case("text"),
        ),
        (
            part(r#""text":"x","text":"y""#),
            "messages[0].content[0].text",
            twice.into(),
        ),
        (
            part(r#""content":[{"type":"text","TEXT":"x"}]"#),
            "messages[0].content[0].content[0].TEXT",
            case("text"),
        ),
        (
            message(r#""tool_calls":[{"Function":{}}]"#),
            "messages[0].tool_calls[0].Function",
            case("function"),
        ),
        (
            message(r#""tool_calls":[{"function":{"arguments":"","Arguments":""}}]"#),
            "messages[0].tool_calls[0].function.Arguments",
            case("arguments"),
        ),
        (
            message(r#""function_call":{"name":"a","name":"b"}"#),
            "messages[0].function_call.name",
            twice.into(),
        ),
    ];
    for (body, param, why) in table {
        for format in [ChatCompletions, AnthropicMessages] {
            let error = scan(format, body.as_bytes()).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{body}");
            assert_eq!(error.message, format!("{param}: {why}"), "{body}");
        }
    }
    // The client's own names may be anything.
    let own = r#"{"model":"m","Messages_":1,"metadata":{"Model":"a","model":"b"},"messages":[{"content":[
        {"type":"tool_use","input":{"Text":1,"text":2,"TEXT":3}}],"tool_calls":[{"function":{"arguments":"{}"}}],"X":1,"x":2}]}"#;
    for format in [ChatCompletions, AnthropicMessages] {
        assert!(scan(format, own.as_bytes()).is_ok());
    }
}
