#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn spans(body: &str) -> Vec<TextSpan> {
    let mut spans = Vec::new();
    scan(body.as_bytes(), |span| spans.push(span)).unwrap();
    spans
}

/// The texts of `body`, keys in angle brackets and numbers in parentheses.
fn found(body: &str) -> Vec<String> {
    let shown = |span: &TextSpan| {
        let text = &body[span.inside.clone()];
        match span.kind {
            TextKind::String => text.to_owned(),
            TextKind::Key => format!("<{text}>"),
            TextKind::Number => format!("({text})"),
        }
    };
    spans(body).iter().map(shown).collect()
}

/// The texts are the words `t1`, `t2`, … up to the count, in order; nothing else counts.
#[test]
fn texts_of_every_format() {
    let table = [
        // Chat Completions.
        (
            r#"{"model":"m","messages":[{"role":"system","name":"n","content":"t1"},
                {"role":"user","content":[{"type":"text","text":"t2"},{"type":"image_url","image_url":{"url":"t3","detail":"low"}},
                    {"type":"file","file":{"file_id":"file-1","filename":"t4"}},{"type":"input_audio","input_audio":{"format":"wav"}}]},
                {"role":"assistant","content":null,"refusal":"t5","tool_calls":[{"id":"c","type":"function","index":0,
                    "function":{"name":"f","arguments":"t6"}},{"id":"d","type":"custom","custom":{"name":"g","input":"t7"}}]},
                {"role":"assistant","function_call":{"name":"f","arguments":"t8"},"reasoning_content":"t9"},
                {"role":"tool","tool_call_id":"c","content":"t10"}],
                "tools":[{"type":"function","function":{"name":"f","strict":true,"description":"t11"}}],
                "prediction":{"type":"content","content":"t12"},"tool_choice":{"type":"function","function":{"name":"f"}},
                "response_format":{"type":"json_schema","json_schema":{"name":"n","description":"t13"}},"user":"t14","stop":["t15"],
                "temperature":1,"seed":4111111111111111,"stream":true,"stream_options":null,"reasoning_effort":"low"}"#,
            15,
        ),
        // Anthropic Messages.
        (
            r#"{"system":[{"type":"text","text":"t1","cache_control":{"type":"ephemeral","ttl":"m5"}}],"messages":[
                {"role":"user","content":[{"type":"document","title":"t2","context":"t3","source":{"data":"t4","type":"text","media_type":"text/plain"}},
                    {"type":"document","source":{"type":"content","content":[{"type":"text","text":"t5"}]}},
                    {"type":"search_result","source":"t6","title":"t7","content":[{"type":"text","text":"t8"}]}]},
                {"role":"assistant","content":[{"type":"thinking","thinking":"t9","signature":"s"},{"type":"redacted_thinking","data":""},
                    {"type":"text","text":"t10"},{"type":"server_tool_use","id":"i","name":"n"}]},
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"i","is_error":false,"content":[{"type":"text","text":"t11"}]},
                    {"type":"tool_result","tool_use_id":"i","content":"t12"}]}],
                "tools":[{"name":"f","description":"t13"}],"tool_choice":{"type":"auto"},
                "mcp_servers":[{"type":"url","name":"n","url":"t14"}],"max_tokens":5}"#,
            14,
        ),
        // Responses.
        (
            r#"{"instructions":"t1","input":"t2","tool_choice":"auto"}"#,
            2,
        ),
        (
            r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"t1"},{"type":"input_image","image_url":"t2"}]},
                {"type":"function_call","name":"f","arguments":"t3","call_id":"c"},{"type":"function_call_output","call_id":"c","output":"t4"},
                {"type":"custom_tool_call","input":"t5"},{"type":"custom_tool_call_output","output":[{"type":"input_text","text":"t6"}]},
                {"type":"reasoning","summary":[{"type":"summary_text","text":"t7"}],"content":[{"type":"reasoning_text","text":"t8"}],
                    "encrypted_content":"gAAAA-_=="},
                {"type":"code_interpreter_call","id":"i","container_id":"c","code":"t9","outputs":[{"type":"logs","logs":"t10"}]},
                {"type":"file_search_call","queries":["t11"],"results":[{"file_id":"f","filename":"t12","text":"t13"}]},
                {"type":"mcp_call","name":"f","server_label":"l","arguments":"t14","output":"t15","error":"t16"},
                {"type":"mcp_list_tools","server_label":"l","tools":[{"name":"f","description":"t17"}]},
                {"type":"mcp_approval_request","name":"f","arguments":"t18"},
                {"type":"mcp_approval_response","approval_request_id":"i","approve":true,"reason":"t19"},
                {"type":"local_shell_call_output","id":"i","output":"t20","status":"completed"},
                {"type":"item_reference","id":"i"}],"prompt":{"id":"p","version":"t21"},
                "text":{"format":{"type":"text"},"verbosity":"low"},"previous_response_id":"r"}"#,
            21,
        ),
        // Completions and Embeddings.
        (r#"{"prompt":"t1","suffix":"t2"}"#, 2),
        (r#"{"prompt":["t1","t2",""]}"#, 2),
        (r#"{"input":["t1","t2"],"encoding_format":"float"}"#, 2),
        (r#"{"input":[1,2]}"#, 0),
        (r#"{"prompt":[[1,2],[3]],"best_of":1}"#, 0),
    ];
    for (body, count) in table {
        let expected: Vec<String> = (1..=count).map(|index| format!("t{index}")).collect();
        assert_eq!(found(body), expected, "{body}");
    }
}

/// Members with the client's own names are read, including these names and numbers.
#[test]
fn what_no_api_defines_is_read_as_a_whole() {
    for (body, expected) in [
        (
            r#"{"messages":[{"content":[{"type":"tool_use","id":"i","name":"n","input":{"k":["a",{"id":1.5}],"type":"b"}}]}]}"#,
            vec!["<k>", "a", "<id>", "(1.5)", "<type>", "b"],
        ),
        (
            r#"{"messages":[{"tool_calls":[{"function":{"arguments":{"k":-1}}}]}]}"#,
            vec!["<k>", "(-1)"],
        ),
        (
            r#"{"tools":[{"input_schema":{"properties":{"p":{"description":"d"}}}}]}"#,
            vec!["<properties>", "<p>", "<description>", "d"],
        ),
        (
            r#"{"messages":[{"content":[{"type":"code_execution_tool_result","content":{"stdout":"o","stderr":"e","content":[]}}]}]}"#,
            vec!["<stdout>", "o", "<stderr>", "e", "<content>"],
        ),
        (
            r#"{"input":[{"type":"local_shell_call","action":{"command":["c"],"env":{"E":"v"}}}]}"#,
            vec!["<command>", "c", "<env>", "<E>", "v"],
        ),
        (
            r#"{"input":[{"type":"shell_call_output","output":[{"stdout":"o","outcome":{"exit_code":1}}]},
                {"type":"apply_patch_call","operation":{"diff":"d"}},{"type":"computer_call","action":{"text":"t","x":7}}]}"#,
            vec![
                "<stdout>",
                "o",
                "<outcome>",
                "<exit_code>",
                "(1)",
                "<diff>",
                "d",
                "<text>",
                "t",
                "<x>",
                "(7)",
            ],
        ),
        (
            r#"{"metadata":{"k":"v"},"documents":[{"text":"d"}],"prompt":{"variables":{"v":{"type":"input_text","text":"t"}}}}"#,
            vec![
                "<k>",
                "v",
                "<text>",
                "d",
                "<v>",
                "<type>",
                "input_text",
                "<text>",
                "t",
            ],
        ),
        (
            r#"{"Messages":[{"Content":"c"}],"messages":[{"novel":{"n":1}}]}"#,
            vec!["<Messages>", "<Content>", "c", "<novel>", "<n>", "(1)"],
        ),
        (
            r#"{"x":7,"temperature":{"y":"z"}}"#,
            vec!["<x>", "(7)", "<y>", "z"],
        ),
        (r#"["a",{"b":1}]"#, vec!["a", "<b>", "(1)"]),
        ("\"text\"", vec!["text"]),
        (r#"{"messages":7}"#, vec![]),
        (
            r#"{"messages":[null,[1],{"content":{"x":1}}]}"#,
            vec!["(1)", "<x>", "(1)"],
        ),
        // Twice, and under escaped names.
        (
            r#"{"mess\u0061ges":[{"content":"a","content":"b"}],"messages":[{"c\u006fntent":"c","thinking":"d","thinking":"e"}]}"#,
            vec!["a", "b", "c", "d", "e"],
        ),
    ] {
        assert_eq!(found(body), expected, "{body}");
    }
}

#[test]
fn an_exception_has_to_look_like_one() {
    let long = "QUJD/+".repeat(20);
    let escaped = long.replace('/', "\\/");
    for (members, expected) in [
        (
            r#""id":"call_1","type":"text","name":"get_weather""#.to_owned(),
            None,
        ),
        (r#""id":"4111111111111111""#.to_owned(), None),
        (r#""id":"a b""#.to_owned(), Some("a b")),
        (r#""name":"7up""#.to_owned(), Some("7up")),
        (r#""type":"a@b.io""#.to_owned(), Some("a@b.io")),
        (r#""role":"\u0061""#.to_owned(), Some(r"\u0061")),
        (format!(r#""data":"{long}==""#), None),
        (format!(r#""data":"{escaped}""#), None),
        (
            format!(r#""image_url":"data:image/png;base64,{long}""#),
            None,
        ),
        (
            format!(r#""image_url":{{"url":"data:image\/png;base64,{long}"}}"#),
            None,
        ),
        (r#""data":"QUJD""#.to_owned(), Some("QUJD")),
        (format!(r#""data":"{long} x""#), Some("QUJD")),
        (format!(r#""data":"{long}\\n""#), Some("QUJD")),
        (format!(r#""text":"{long}""#), Some("QUJD")),
        (
            format!(r#""image_url":"data:text/plain,{long}""#),
            Some("data:text"),
        ),
    ] {
        let body = format!(r#"{{"messages":[{{"content":[{{{members}}}]}}]}}"#);
        let found = found(&body);
        match expected {
            None => assert_eq!(found, [""; 0], "{body}"),
            Some(start) => assert!(
                found.len() == 1 && found[0].starts_with(start),
                "{body}: {found:?}"
            ),
        }
    }
}

#[test]
fn a_signature_stands_with_what_it_signs() {
    for body in [
        r#"{"messages":[{"content":[{"type":"thinking","thinking":"a","signature":"s"},{"text":"b"}]}]}"#,
        r#"{"messages":[{"content":[{"signature":"s","type":"thinking","thinking":"a"},{"text":"b"}]}]}"#,
    ] {
        let signed: Vec<Option<&str>> = spans(body)
            .iter()
            .map(|span| span.signature.clone().map(|signature| &body[signature]))
            .collect();
        assert_eq!(signed, [Some("s"), None]);
    }
    let unsigned = r#"{"messages":[{"content":[{"thinking":"a","signature":""}]}]}"#;
    assert_eq!(spans(unsigned)[0].signature, None);
}

#[test]
fn the_texts_of_one_value_are_one_group() {
    let body = r#"{"messages":[{"content":[{"text":"a"},{"text":"b"},{"input":{"c":"d","e":[{"f":1}]}}]}],
        "tools":[{"description":"g","input_schema":{"h":{}}},{"description":"i"}],"novel":"j"}"#;
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut last = 0;
    for (span, text) in spans(body).iter().zip(found(body)) {
        if span.group != last {
            assert!(span.group > last);
            last = span.group;
            groups.push(Vec::new());
        }
        groups.last_mut().unwrap().push(text);
    }
    let expected: [&[&str]; 6] = [
        &["a"],
        &["b"],
        &["<c>", "d", "<e>", "<f>", "(1)"],
        &["g", "<h>"],
        &["i"],
        &["<novel>", "j"],
    ];
    assert_eq!(groups, expected);
}

#[test]
fn broken_json_is_an_error() {
    for body in ["", "{", r#"{"messages":["a]}"#, "{}x"] {
        assert!(scan(body.as_bytes(), |_| {}).is_err(), "{body}");
    }
}

/// Any JSON, with names that have special handling.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z ]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(
                "messages|input|content|tools|function|id|type|thinking|data|metadata|prompt|text|novel",
                inner,
                0..5
            )
            .prop_map(|members| json!(members)),
        ]
    })
}

/// The strings in `value` that are neither ids nor API values.
fn sentences(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.trim() != text || text.contains(' ') => vec![text.clone()],
        Value::Array(elements) => elements.iter().flat_map(sentences).collect(),
        Value::Object(members) => members.values().flat_map(sentences).collect(),
        _ => Vec::new(),
    }
}

proptest! {
    /// Every sentence is read exactly once.
    #[test]
    fn every_sentence_is_found(value in value()) {
        let body = value.to_string();
        let mut expected = sentences(&value);
        let mut found: Vec<String> = found(&body).into_iter().filter(|text| text.contains(' ')).collect();
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = scan(&bytes, |_| {});
    }
}
