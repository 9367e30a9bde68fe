#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn joined(pieces: &[Text<'_>]) -> String {
    let mut joined = String::new();
    for piece in pieces {
        joined += &piece.decode().unwrap();
    }
    joined
}

#[test]
fn dialects_of_text_and_reasoning() {
    for (json, reasoning, signature, text, refusal) in [
        (
            r#"{"role":"assistant","content":"Hi\n","refusal":null}"#,
            "",
            None,
            "Hi\n",
            "",
        ),
        (r#"{"content":null,"refusal":"No."}"#, "", None, "", "No."),
        (
            r#"{"content":"a","reasoning_content":"r","reasoning":"r"}"#,
            "r",
            None,
            "a",
            "",
        ),
        (
            r#"{"content":"","reasoning_content":null,"reasoning":"r"}"#,
            "r",
            None,
            "",
            "",
        ),
        (
            r#"{"reasoning_content":"","reasoning_signature":"s="}"#,
            "",
            Some("s="),
            "",
            "",
        ),
        (
            r#"{"reasoning_content":{"text":"r","signature":"s="},"content":"a"}"#,
            "r",
            Some("s="),
            "a",
            "",
        ),
        (
            r#"{"reasoning_content":"r","thinking_blocks":[{"type":"thinking","thinking":"r","signature":"s="}]}"#,
            "r",
            Some("s="),
            "",
            "",
        ),
        (
            r#"{"thinking_blocks":[{"type":"thinking","thinking":"r"}],"content":"a"}"#,
            "r",
            None,
            "a",
            "",
        ),
        (
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"m"}]},
                    {"type":"text","text":"a"},{"type":"reference","reference_ids":[1]},{"type":"text","text":"b"}]}"#,
            "hm",
            None,
            "ab",
            "",
        ),
        (
            r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"refusal","refusal":"No."}]}"#,
            "hm",
            None,
            "",
            "No.",
        ),
        (
            r#"{"content":7,"refusal":{},"reasoning":[],"tool_calls":"x"}"#,
            "",
            None,
            "",
            "",
        ),
    ] {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let delta = MessageDelta::read(&raw).unwrap();
        assert_eq!(joined(&delta.reasoning), reasoning, "{json}");
        assert_eq!(delta.signature, signature.map(Text::Plain), "{json}");
        assert_eq!(joined(&delta.text), text, "{json}");
        assert_eq!(joined(&delta.refusal), refusal, "{json}");
        assert!(delta.tool_calls.is_empty(), "{json}");
    }
}

#[test]
fn dialects_of_tool_calls() {
    let json = r#"{"tool_calls":[
            {"index":1,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
            {"id":"","function":{"name":"","arguments":{"y":2}}},
            {"index":null,"function":null}],
            "function_call":{"name":"g","arguments":""}}"#;
    let raw = RawValue::from_string(json.to_owned()).unwrap();
    let delta = MessageDelta::read(&raw).unwrap();
    let calls: Vec<_> = delta
        .tool_calls
        .iter()
        .map(|call| {
            let text = |text: Text<'_>| text.decode().unwrap().into_owned();
            (
                call.index,
                call.id.map(text),
                call.name.map(text),
                text(call.arguments),
            )
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        calls,
        [
            (Some(1), some("a"), some("f"), "{\"x\":1}".to_owned()),
            (None, None, None, "{\"y\":2}".to_owned()),
            (None, None, None, String::new()),
            (None, None, some("g"), String::new()),
        ]
    );
}

#[test]
fn what_is_no_object_says_nothing() {
    for json in ["null", "[]", "\"x\"", "1"] {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        assert!(MessageDelta::read(&raw).is_none(), "{json}");
    }
}
