#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn response<'a>() -> ChatResponse<'a> {
    ChatResponse {
        id: "id".into(),
        created: 7,
        model: "m".into(),
        content: vec!["a\"".into(), Text::Escaped("\\u00e9")],
        reasoning: Vec::new(),
        reasoning_signature: None,
        tool_calls: Vec::new(),
        finish_reason: FinishReason::Stop,
        usage: None,
    }
}

fn written(response: &ChatResponse<'_>) -> String {
    let mut out = Vec::new();
    response.write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn text_pieces_become_one_content_string() {
    assert_eq!(
        written(&response()),
        concat!(
            r#"{"id":"id","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"#,
            r#""message":{"role":"assistant","content":"a\"\u00e9","refusal":null},"logprobs":null,"finish_reason":"stop"}]}"#
        )
    );
}

#[test]
fn tool_calls_without_text_have_null_content() {
    let response = ChatResponse {
        content: vec!["".into()],
        tool_calls: vec![ToolCall {
            id: "c".into(),
            name: "f".into(),
            arguments: r#"{"a":1}"#.into(),
        }],
        ..response()
    };
    assert!(written(&response).contains(concat!(
        r#""content":null,"refusal":null,"tool_calls":[{"id":"c","type":"function","#,
        r#""function":{"name":"f","arguments":"{\"a\":1}"}}]"#
    )));
}

#[test]
fn usage_carries_the_parts_that_the_provider_counted() {
    let usage = Usage {
        prompt: 9,
        completion: 3,
        cached: 4,
        cache_written: 2,
        reasoning: 1,
    };
    let mut out = Vec::new();
    write_usage(&mut Writer::new(&mut out), &usage);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"#,
            r#""prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"#,
            r#""completion_tokens_details":{"reasoning_tokens":1}}"#
        )
    );
}
