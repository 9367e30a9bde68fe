#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn every_kind_of_block_has_all_required_fields() {
    let response = MessageResponse {
        id: "msg".into(),
        model: "m".into(),
        content: vec![
            MessageBlock::Thinking {
                thinking: vec!["h".into(), "m".into()],
                signature: None,
            },
            MessageBlock::RedactedThinking { data: "x=".into() },
            MessageBlock::Text(vec!["a\"".into(), Text::Escaped("\\u00e9")]),
            MessageBlock::ToolUse {
                id: "t".into(),
                name: "f".into(),
                input: Cow::Borrowed(r#"{"a":1}"#),
            },
        ],
        stop_reason: StopReason::ToolUse,
        stop_sequence: None,
        // 1000 prompt tokens, 300 of them read and 200 written: 500 uncached.
        usage: Usage {
            prompt: 1000,
            completion: 10,
            cached: 300,
            cache_written: 200,
            reasoning: 0,
        },
    };
    let mut out = Vec::new();
    response.write(&mut out);
    assert_eq!(
        std::str::from_utf8(&out).unwrap(),
        concat!(
            r#"{"id":"msg","type":"message","role":"assistant","model":"m","content":["#,
            r#"{"type":"thinking","thinking":"hm","signature":""},"#,
            r#"{"type":"redacted_thinking","data":"x="},"#,
            r#"{"type":"text","text":"a\"\u00e9"},"#,
            r#"{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"#,
            r#""stop_reason":"tool_use","stop_sequence":null,"#,
            r#""usage":{"input_tokens":500,"cache_creation_input_tokens":200,"cache_read_input_tokens":300,"#,
            r#""output_tokens":10}}"#
        )
    );
}

#[test]
fn counters_that_contradict_each_other_do_not_wrap_around() {
    let mut out = Vec::new();
    let usage = Usage {
        prompt: 1,
        cached: 5,
        ..Usage::default()
    };
    write_usage(&mut Writer::new(&mut out), &usage);
    assert_eq!(
        std::str::from_utf8(&out).unwrap(),
        r#"{"input_tokens":0,"cache_read_input_tokens":5,"output_tokens":0}"#
    );
}
