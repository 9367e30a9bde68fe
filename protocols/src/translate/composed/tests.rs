#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use super::*;
use crate::body_edit::BodyEdit;
use crate::error::ErrorKind;
use crate::translate::anthropic_messages_to_chat_completions::AnthropicMessagesToChatCompletions;
use crate::translate::chat_completions_to_anthropic_messages::ChatCompletionsToAnthropicMessages;
use crate::translator::{stream_every_way, test_attempt};

/// Anthropic to Chat Completions and back: the output must mean the same as the input.
fn there_and_back() -> Box<dyn Translator> {
    let attempt = Attempt {
        stream: true,
        ..test_attempt(ClientFormat::AnthropicMessages, providers::ANTHROPIC)
    };
    Box::new(ComposedTranslator::new(
        attempt,
        |attempt| Box::new(AnthropicMessagesToChatCompletions::new(attempt)),
        |attempt| Box::new(ChatCompletionsToAnthropicMessages::new(attempt)),
    ))
}

#[test]
fn a_request_passes_both_stages_and_goes_where_the_second_one_says() {
    let body = r#"{"model":"m","max_tokens":100,"stream":true,"system":"s","messages":[
        {"role":"user","content":"hi"},
        {"role":"assistant","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{"x":1}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r"},{"type":"text","text":"go"}]}],
        "tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}}"#;
    let request = there_and_back().request(body.as_bytes()).unwrap();
    assert_eq!(request.path, "/v1/messages");
    let BodyEdit::Replace(body) = request.body else {
        panic!("{:?}", request.body);
    };
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "model": "upstream-model", "max_tokens": 100, "stream": true,
            "system": "s",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "hi"}]},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "a"}, {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]},
                    {"type": "text", "text": "go"}]},
            ],
            "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
        })
    );
}

#[test]
fn a_refusal_names_only_fields_that_the_client_has_sent() {
    let refused = |body: &str| there_and_back().request(body.as_bytes()).unwrap_err();
    let first = refused(r#"{"messages":[]}"#);
    assert_eq!(first.param.as_deref(), Some("messages"));
    let second = refused(
        r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"ftp://x"}}]}]}"#,
    );
    assert!(second.message.contains("http"), "{second}");
    assert_eq!(second.param, None, "{second}");
}

const START: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"usage":{"input_tokens":5,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hé"}}

"#;

#[test]
fn a_stream_passes_both_stages_at_once_and_in_any_pieces() {
    let rest = r#"event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":7}}

event: message_stop
data: {"type":"message_stop"}

"#;
    let streamed = stream_every_way(there_and_back, format!("{START}{rest}").as_bytes());
    assert_eq!(streamed.state, StreamState::Complete);
    assert_eq!(
        streamed.usage.map(|usage| (usage.prompt, usage.completion)),
        Some((5, 7))
    );
    assert_eq!(streamed.served_model.as_deref(), Some("claude"));
    for part in [
        r#""id":"msg_1""#,
        r#"{"type":"text_delta","text":"Hé"}"#,
        r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#,
        r#"{"type":"input_json_delta","partial_json":"{\"x\":1}"}"#,
        r#"{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":5,"output_tokens":7}}"#,
    ] {
        assert!(streamed.out.contains(part), "{part} in {}", streamed.out);
    }
    assert!(
        streamed
            .out
            .ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    );

    let mut out = Vec::new();
    there_and_back().stream(START.as_bytes(), &mut out);
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("Hé"), "nothing waits for the end: {out}");
}

#[test]
fn a_failure_keeps_the_upstreams_words_and_reaches_the_client() {
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let streamed = stream_every_way(there_and_back, format!("{START}{error}").as_bytes());
    let StreamState::Failed(failure) = streamed.state else {
        panic!("{:?}", streamed.state);
    };
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::Overloaded, "Overloaded")
    );
    let end = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    assert!(streamed.out.ends_with(end), "{}", streamed.out);

    let cut = stream_every_way(there_and_back, START.as_bytes());
    assert!(
        matches!(cut.state, StreamState::Failed(_)),
        "{:?}",
        cut.state
    );
    assert!(
        cut.out.contains("event: error\n") && !cut.out.contains("message_stop"),
        "{}",
        cut.out
    );
}

#[test]
fn a_whole_answer_passes_both_stages() {
    let body = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[
        {"type":"thinking","thinking":"hm","signature":"s="},{"type":"text","text":"a"}],
        "stop_reason":"max_tokens","usage":{"input_tokens":5,"cache_read_input_tokens":3,"output_tokens":7}}"#;
    let mut chain = there_and_back();
    let response = chain.response(body.as_bytes()).unwrap().unwrap();
    assert_eq!(
        String::from_utf8(response).unwrap(),
        concat!(
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":["#,
            r#"{"type":"thinking","thinking":"hm","signature":"s="},{"type":"text","text":"a"}],"#,
            r#""stop_reason":"max_tokens","stop_sequence":null,"#,
            r#""usage":{"input_tokens":5,"cache_read_input_tokens":3,"output_tokens":7}}"#
        )
    );
    // 5 uncached and 3 cached
    assert_eq!(chain.usage().map(|usage| usage.prompt), Some(8));
    let error = chain.error(
        catalog::providers::ANTHROPIC,
        529,
        &[],
        br#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
    );
    assert_eq!((error.status, error.kind), (529, ErrorKind::Overloaded));
}
