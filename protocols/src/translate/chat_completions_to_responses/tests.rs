use catalog::providers;
use serde_json::{Value, json};

use super::ChatCompletionsToResponses;
use crate::ClientFormat;
use crate::error::ErrorKind;
use crate::translator::{
    Attempt, StreamState, Streamed, Translator, stream_every_way, test_attempt,
};

fn attempt() -> Attempt {
    Attempt {
        model: "gpt-5.4".to_owned(),
        native_responses: true,
        ..test_attempt(ClientFormat::ChatCompletions, providers::OPENAI)
    }
}

fn sent(request: &Value) -> Value {
    let outgoing = ChatCompletionsToResponses::new(attempt())
        .request(request.to_string().as_bytes())
        .unwrap();
    assert_eq!(outgoing.path, "/v1/responses");
    serde_json::from_slice(&outgoing.body.applied(b"")).unwrap()
}

#[test]
fn a_conversation_with_everything_becomes_items() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let sent = sent(&json!({
        "model": "group", "max_completion_tokens": 5, "reasoning_effort": "high", "verbosity": "low",
        "user": "u", "prompt_cache_key": "k", "seed": 1, "parallel_tool_calls": false,
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema, "strict": true}},
            {"type": "function", "function": {"name": "g"}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": schema, "strict": true}},
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}}]},
            {"role": "assistant", "content": "t", "reasoning_content": "r", "reasoning_signature": "kt-encrypted:one\ntwo",
             "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":\"b\"}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "found"}]
    }));
    assert_eq!(
        sent,
        json!({
            "model": "gpt-5.4",
            "input": [
                {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "s"}]},
                {"type": "message", "role": "user", "content": [
                    {"type": "input_text", "text": "look"},
                    {"type": "input_image", "image_url": "https://a/b.png"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}]},
                {"type": "reasoning", "summary": [], "encrypted_content": "one"},
                {"type": "reasoning", "summary": [], "encrypted_content": "two"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "t"}]},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":\"b\"}"},
                {"type": "function_call_output", "call_id": "c", "output": "found"}],
            "tools": [
                {"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": true},
                {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}}, "strict": false}],
            "tool_choice": {"type": "function", "name": "f"},
            "parallel_tool_calls": false,
            "max_output_tokens": 16,
            "text": {"format": {"type": "json_schema", "name": "r", "schema": schema, "strict": true}, "verbosity": "low"},
            "reasoning": {"effort": "high"},
            "include": ["reasoning.encrypted_content"],
            "safety_identifier": "u",
            "store": false,
            "prompt_cache_key": "k"
        })
    );
}

#[test]
fn other_vendors_signatures_and_what_has_no_counterpart_do_not_go_out() {
    let foreign = json!({"role": "assistant", "content": "t", "reasoning_content": "r", "reasoning_signature": "EqQB"});
    let request = |more: Value| {
        let mut request =
            json!({"model": "m", "messages": [{"role": "user", "content": "q"}, foreign]});
        request
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        request
    };
    assert_eq!(
        sent(&request(json!({"reasoning_effort": "none", "stop": ["x"]}))),
        json!({"model": "gpt-5.4", "store": false, "reasoning": {"effort": "none"}, "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "t"}]}]})
    );
    for (field, value) in [
        ("n", json!(2)),
        ("audio", json!({})),
        ("brand_new", json!(1)),
    ] {
        let body = request(json!({field: value})).to_string();
        let error = ChatCompletionsToResponses::new(attempt()).request(body.as_bytes());
        assert_eq!(error.unwrap_err().param.as_deref(), Some(field));
    }
}

fn usage() -> Value {
    json!({"input_tokens": 20, "input_tokens_details": {"cached_tokens": 8}, "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 29})
}

fn answered(response: &Value) -> Value {
    let mut translator = ChatCompletionsToResponses::new(attempt());
    let body = translator.response(response.to_string().as_bytes());
    serde_json::from_slice(&body.unwrap().unwrap()).unwrap()
}

#[test]
fn a_response_becomes_a_completion() {
    let chat = answered(
        &json!({"id": "resp_1", "created_at": 7, "model": "gpt-5.4-x", "status": "completed", "error": null,
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}],
             "encrypted_content": "enc"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}],
        "usage": usage()}),
    );
    assert_eq!(
        chat,
        json!({"id": "resp_1", "object": "chat.completion", "created": 7, "model": "gpt-5.4-x",
            "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "hi", "refusal": null, "reasoning_content": "one\n\ntwo",
                "reasoning_signature": "kt-encrypted:enc",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29,
                "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 3}}})
    );
    for (reason, expected) in [
        ("max_output_tokens", "length"),
        ("content_filter", "content_filter"),
    ] {
        let chat = answered(
            &json!({"status": "incomplete", "incomplete_details": {"reason": reason}, "output": []}),
        );
        assert_eq!(chat["choices"][0]["finish_reason"], expected);
    }
    let failed = json!({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow down"}, "output": []});
    let error = ChatCompletionsToResponses::new(attempt()).response(failed.to_string().as_bytes());
    assert_eq!(error.unwrap_err().kind, ErrorKind::RateLimited);
}

fn streamed(events: &[Value]) -> Streamed {
    let events = events.iter().map(|event| {
        let name = event["type"].as_str().unwrap();
        format!("event: {name}\ndata: {event}\n\n")
    });
    let attempt = Attempt {
        stream: true,
        include_usage: true,
        ..attempt()
    };
    stream_every_way(
        || Box::new(ChatCompletionsToResponses::new(attempt.clone())),
        events.collect::<String>().as_bytes(),
    )
}

fn deltas(streamed: &Streamed) -> Vec<Value> {
    let chunks = streamed
        .out
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "));
    let chunks = chunks.filter(|data| *data != "[DONE]");
    let chunks = chunks.map(|data| serde_json::from_str::<Value>(data).unwrap());
    chunks
        .filter_map(|chunk| chunk.pointer("/choices/0/delta").cloned())
        .collect()
}

#[test]
fn a_stream_becomes_chunks_however_it_is_cut() {
    let call =
        json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":1}"});
    let mut opened = call.clone();
    opened["arguments"] = json!("");
    let mut second = call.clone();
    second["call_id"] = json!("d");
    let streamed = streamed(&[
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5.4-x", "created_at": 7}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "summary": []}}),
        json!({"type": "response.reasoning_summary_part.added", "output_index": 0}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "one"}),
        json!({"type": "response.reasoning_summary_part.added", "output_index": 0}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "two"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "reasoning", "encrypted_content": "enc"}}),
        json!({"type": "response.output_text.delta", "output_index": 1, "delta": "hi"}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": opened}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"a\""}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": ":1}"}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": call}),
        // Some servers send calls whole.
        json!({"type": "response.output_item.done", "output_index": 3, "item": second}),
        json!({"type": "response.completed", "response": {"status": "completed", "usage": usage()}}),
    ]);
    assert_eq!(streamed.state, StreamState::Complete);
    assert_eq!(streamed.served_model.as_deref(), Some("gpt-5.4-x"));
    assert_eq!(
        streamed.usage.map(|usage| (usage.prompt, usage.reasoning)),
        Some((20, 3))
    );
    assert!(
        streamed.out.ends_with("data: [DONE]\n\n"),
        "{}",
        streamed.out
    );
    assert!(streamed.out.contains(r#""finish_reason":"tool_calls""#));
    let deltas = deltas(&streamed);
    let joined = |field: &str| -> String {
        deltas
            .iter()
            .filter_map(|delta| delta[field].as_str())
            .collect()
    };
    assert_eq!(joined("reasoning_content"), "one\n\ntwo");
    assert_eq!(joined("reasoning_signature"), "kt-encrypted:enc");
    assert_eq!(joined("content"), "hi");
    let calls: Vec<&Value> = deltas
        .iter()
        .filter_map(|delta| delta.pointer("/tool_calls/0"))
        .collect();
    let arguments = |index: u64| -> String {
        let own = calls.iter().filter(|call| call["index"] == index);
        own.filter_map(|call| call["function"]["arguments"].as_str())
            .collect()
    };
    assert_eq!(
        (arguments(0), arguments(1)),
        ("{\"a\":1}".to_owned(), "{\"a\":1}".to_owned())
    );
    assert_eq!(
        calls
            .iter()
            .filter_map(|call| call["id"].as_str())
            .collect::<Vec<_>>(),
        ["c", "d"]
    );
}

#[test]
fn a_stream_that_breaks_off_or_fails_never_looks_complete() {
    let text = json!({"type": "response.output_text.delta", "output_index": 0, "delta": "hi"});
    let cut = streamed(std::slice::from_ref(&text));
    assert!(matches!(&cut.state, StreamState::Failed(error) if error.is_truncation()));
    assert!(!cut.out.contains("[DONE]"), "{}", cut.out);
    let error = json!({"code": "rate_limit_exceeded", "message": "slow down"});
    for failed in [
        json!({"type": "response.failed", "response": {"status": "failed", "error": error}}),
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down"}),
    ] {
        let streamed = streamed(&[text.clone(), failed]);
        let StreamState::Failed(error) = &streamed.state else {
            panic!("{:?}", streamed.state)
        };
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert!(streamed.out.contains("slow down") && !streamed.out.contains("[DONE]"));
    }
}
