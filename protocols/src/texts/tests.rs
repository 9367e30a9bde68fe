#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use ClientFormat::{
    AnthropicCountTokens, AnthropicMessages, ChatCompletions, Completions, Embeddings, Responses,
};

/// The texts of `body`, those that are JSON in angle brackets.
fn found(format: ClientFormat, body: &str) -> Vec<String> {
    let texts = scan(format, body.as_bytes()).unwrap();
    let shown = |span: &TextSpan| match (span.is_json, &body[span.inside.clone()]) {
        (true, text) => format!("<{text}>"),
        (false, text) => text.to_owned(),
    };
    texts.iter().map(shown).collect()
}

/// Only the words `t1`, `t2`, … are texts, in this order.
#[test]
fn texts_of_every_format() {
    let table = [
        (
            ChatCompletions,
            r#"{"model":"m","user":"u","messages":[{"role":"system","name":"n","content":"t1"},
                {"role":"user","content":[{"type":"text","text":"t2"},{"type":"image_url","image_url":{"url":"data:x"}},
                    {"type":"file","file":{"file_data":"AAAA","filename":"f"}},{"type":"input_audio","input_audio":{"data":"A"}}]},
                {"role":"assistant","content":null,"refusal":"r","tool_calls":[{"id":"c","type":"function",
                    "function":{"name":"f","arguments":"{\"t3\":1}"}},{"id":"d","type":"custom","custom":{"name":"g","input":"t4"}}]},
                {"role":"assistant","function_call":{"name":"f","arguments":"t5"}},
                {"role":"tool","tool_call_id":"c","content":"t6"}],
                "tools":[{"type":"function","function":{"name":"f","description":"d"}}],"prediction":{"type":"content","content":"t7"},
                "metadata":{"text":"x","content":"y"}}"#,
            vec!["t1", "t2", r#"<{\"t3\":1}>"#, "t4", "<t5>", "t6", "t7"],
        ),
        (
            AnthropicMessages,
            r#"{"system":[{"type":"text","text":"t1","cache_control":{"type":"ephemeral"}}],"messages":[
                {"role":"user","content":[{"type":"document","title":"t2","context":"t3","source":{"data":"t4","type":"text","media_type":"text/plain"}},
                    {"type":"document","source":{"type":"base64","data":"AAAA"}},{"type":"image","source":{"type":"url","url":"u"}},
                    {"type":"document","source":{"type":"content","content":[{"type":"text","text":"t5"}]}}]},
                {"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"s"},{"type":"redacted_thinking","data":"x"},
                    {"type":"tool_use","id":"i","name":"n","input":{"k":["t6",{"l":"t7"}],"n":1}}]},
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"i","content":[{"type":"text","text":"t8"}]},
                    {"type":"tool_result","tool_use_id":"i","content":"t9"}]}]}"#,
            vec!["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"],
        ),
        (
            AnthropicCountTokens,
            r#"{"system":"t1","messages":[{"content":"t2"}]}"#,
            vec!["t1", "t2"],
        ),
        (
            Responses,
            r#"{"instructions":"t1","input":"t2"}"#,
            vec!["t1", "t2"],
        ),
        (
            Responses,
            r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"t1"},{"type":"input_image","image_url":"u"}]},
                {"type":"function_call","name":"f","arguments":"t2","call_id":"c"},{"type":"function_call_output","output":"t3"},
                {"type":"custom_tool_call","input":"t4"},{"type":"custom_tool_call_output","output":[{"type":"input_text","text":"t5"}]},
                {"type":"reasoning","summary":[{"type":"summary_text","text":"x"}],"encrypted_content":"x"}],
                "prompt":{"id":"p","variables":{"v":"t6","w":{"type":"input_text","text":"t7"}}}}"#,
            vec!["t1", "<t2>", "t3", "t4", "t5", "t6", "t7"],
        ),
        (
            Completions,
            r#"{"prompt":"t1","suffix":"t2"}"#,
            vec!["t1", "t2"],
        ),
        (
            Completions,
            r#"{"prompt":["t1","t2",""]}"#,
            vec!["t1", "t2"],
        ),
        (Embeddings, r#"{"input":["t1","t2"]}"#, vec!["t1", "t2"]),
        (Embeddings, r#"{"input":[1,2],"user":"u"}"#, vec![]),
    ];
    for (format, body, expected) in table {
        assert_eq!(found(format, body), expected, "{body}");
    }
}

/// A reader that takes the last of two members must not be shown what was not judged.
#[test]
fn members_given_twice_and_under_escaped_names_are_all_found() {
    let body =
        r#"{"mess\u0061ges":[{"content":"t1","content":"t2"}],"messages":[{"c\u006fntent":"t3"}]}"#;
    assert_eq!(found(ChatCompletions, body), ["t1", "t2", "t3"]);
}

#[test]
fn other_types_hold_no_text_and_broken_json_is_an_error() {
    for body in [
        r#"{"messages":7}"#,
        r#"{"messages":[null,[1],{"content":{"x":1}}]}"#,
        r#"{"messages":[{"content":[1,null,{"text":{}}],"tool_calls":{"function":1}}]}"#,
        "[]",
        "\"text\"",
    ] {
        assert_eq!(found(ChatCompletions, body), [""; 0], "{body}");
    }
    for body in ["", "{", r#"{"messages":["a]}"#, "{}x"] {
        assert!(scan(ChatCompletions, body.as_bytes()).is_err(), "{body}");
    }
}
