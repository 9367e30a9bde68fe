//! What must hold for Chat Completions on Anthropic Messages whatever comes: no panic, no dependence on cuts, linear
//! time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod support;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use protocols::{BodyEdit, StreamState};
use serde_json::{Value, json};

use support::any_json::any_json;
use support::chat_stream;
use support::feed::feed;
use support::linear::assert_linear;
use support::pair::{PAIRS, Pair};
use support::sse_events::{framed, inside_of_a_string};

fn pair() -> &'static Pair {
    let name = "chat_completions_to_anthropic_messages";
    PAIRS.iter().find(|pair| pair.name == name).unwrap()
}

fn streaming() -> Box<dyn protocols::Translator> {
    let settings = json!({"stream": true, "include_usage": true});
    (pair().make)(pair().attempt(&json!({}), &settings))
}

/// The upstream's body for a client's request.
fn translated(request: &Value, model: &str) -> Option<Value> {
    let attempt = pair().attempt(request, &json!({"model": model}));
    let request = (pair().make)(attempt).request(request.to_string().as_bytes());
    match request.ok()?.body {
        BodyEdit::Replace(body) => Some(serde_json::from_slice(&body).expect("JSON")),
        edit => panic!("{edit:?}"),
    }
}

fn golden_streams() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(pair().name)
        .join("stream");
    let cases = fs::read_dir(folder).unwrap();
    let mut streams: Vec<_> = cases
        .map(|case| fs::read(case.unwrap().path().join("input.sse")).unwrap())
        .collect();
    streams.sort();
    streams
}

/// Words and keys of the protocols.
const WORDS: &[&str] = &[
    "user",
    "assistant",
    "tool",
    "system",
    "text",
    "image_url",
    "file",
    "function",
    "auto",
    "required",
    "high",
    "json_schema",
    "object",
    "",
    " ",
    "data:image/png;base64,AA",
    "https://x/y.pdf",
    "message_start",
    "ping",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
    "text_delta",
    "input_json_delta",
    "thinking",
    "thinking_delta",
    "tool_use",
    "end_turn",
    "{}",
    "{\"a\":",
    "é\u{1f9ea}",
];
const KEYS: &[&str] = &[
    "role",
    "content",
    "type",
    "text",
    "image_url",
    "url",
    "file",
    "file_data",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "tool_call_id",
    "parameters",
    "cache_control",
    "schema",
    "json_schema",
    "index",
    "delta",
    "content_block",
    "message",
    "usage",
    "input",
    "partial_json",
    "stop_reason",
    "signature",
    "thinking",
    "error",
    "budget_tokens",
    "output_tokens",
    "mode",
    "tools",
    "allowed_tools",
    "model",
    "refusal",
    "x",
];

/// An event of a message stream, sensible or not.
fn any_event() -> impl Strategy<Value = Value> {
    let index = 0..3_u8;
    let block = prop::sample::select(vec![
        json!({"type": "text", "text": ""}),
        json!({"type": "text", "text": "x"}),
        json!({"type": "thinking", "thinking": "", "signature": ""}),
        json!({"type": "redacted_thinking", "data": "x"}),
        json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
        json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}),
        json!({"type": "server_tool_use", "id": "s", "name": "f", "input": {}}),
        json!({"type": "new", "text": 1}),
    ]);
    let delta = prop::sample::select(vec![
        json!({"type": "text_delta", "text": "x"}),
        json!({"type": "thinking_delta", "thinking": "x"}),
        json!({"type": "signature_delta", "signature": "x"}),
        json!({"type": "input_json_delta", "partial_json": "{"}),
        json!({"type": "new", "x": 1}),
    ]);
    let usage = json!({"input_tokens": 1, "output_tokens": 1});
    prop_oneof![
        Just(json!({"type": "message_start", "message": {"id": "a", "model": "m", "usage": usage}})),
        Just(json!({"type": "ping"})),
        (index.clone(), block).prop_map(
            |(index, block)| json!({"type": "content_block_start", "index": index, "content_block": block})
        ),
        (index.clone(), delta)
            .prop_map(|(index, delta)| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        index.prop_map(|index| json!({"type": "content_block_stop", "index": index})),
        Just(json!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": usage})),
        any_json(WORDS, KEYS),
    ]
}

/// A request whose top-level fields hold anything.
fn any_request() -> impl Strategy<Value = Value> {
    let names = vec![
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "max_tokens",
        "stop",
        "temperature",
        "top_p",
        "response_format",
        "reasoning_effort",
        "user",
        "thinking",
        "top_k",
        "n",
        "seed",
        "cache_control",
    ];
    let part = any_json(WORDS, KEYS).prop_map(|value| match value {
        Value::Object(mut fields) => {
            fields.entry("type").or_insert_with(|| json!("text"));
            fields.entry("text").or_insert_with(|| json!("x"));
            Value::Object(fields)
        }
        other => other,
    });
    let content = prop_oneof![
        any_json(WORDS, KEYS),
        prop::collection::vec(part, 0..3).prop_map(Value::from)
    ];
    let role = prop::sample::select(vec!["system", "user", "assistant", "tool", "function"]);
    let message = (role, content, any_json(WORDS, KEYS), any_json(WORDS, KEYS)).prop_map(
        |(role, content, calls, id)| {
            let mut message = json!({"role": role, "content": content});
            match role {
                "assistant" => message["tool_calls"] = calls,
                "tool" => message["tool_call_id"] = id,
                _ => {}
            }
            message
        },
    );
    let messages = prop::collection::vec(message, 0..4);
    let fields = prop::collection::vec((prop::sample::select(names), any_json(WORDS, KEYS)), 0..4);
    (messages, fields).prop_map(|(messages, fields)| {
        let mut request = json!({"model": "m", "messages": messages});
        for (name, value) in fields {
            request[name] = value;
        }
        request
    })
}

/// A conversation as clients hold it: turns in any order, calls with results.
fn conversation() -> impl Strategy<Value = Vec<Value>> {
    let text = prop::sample::select(vec!["", " ", "Hi", "a\nb", "é"]);
    let step =
        (0..5_u8, text, 0..3_usize).prop_map(|(step, text, calls)| (step, text.to_owned(), calls));
    prop::collection::vec(step, 1..10).prop_map(|steps| {
        let mut messages = Vec::new();
        for (number, (step, text, calls)) in steps.into_iter().enumerate() {
            match step {
                0 => messages.push(json!({"role": "system", "content": text})),
                1 => messages.push(json!({"role": "user", "content": text})),
                2 => messages.push(json!({"role": "user", "content": [{"type": "text", "text": text}]})),
                _ => {
                    let ids: Vec<String> = (0..calls).map(|call| format!("call:{number}.{call}")).collect();
                    let call = |id| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": ""}});
                    messages.push(json!({
                        "role": "assistant", "content": text, "tool_calls": ids.iter().map(call).collect::<Vec<_>>(),
                    }));
                    for id in ids {
                        messages.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
                    }
                }
            }
        }
        messages
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_request_panics_and_all_that_pass_are_valid_json(request in any_request(), model in prop::sample::select(vec![
        "claude-3-opus-20240229", "claude-sonnet-4-5", "claude-opus-4-7", "m",
    ])) {
        if let Some(body) = translated(&request, model) {
            prop_assert_eq!(&body["model"], model);
            prop_assert!(body["max_tokens"].as_u64().is_some_and(|limit| limit > 0));
        }
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut translator = streaming();
        let _ = translator.request(&body);
        let _ = translator.response(&body);
        let _ = translator.error(catalog::Provider::COMPATIBLE, 400, &[], &body);
        let outcome = feed(streaming(), [body.as_slice()]);
        prop_assert!(matches!(outcome.state, StreamState::Failed(_)));
    }

    #[test]
    fn no_answer_panics(answer in any_json(WORDS, KEYS)) {
        let answer = answer.to_string();
        if let Ok(Some(body)) = streaming().response(answer.as_bytes()) {
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            prop_assert_eq!(&body["object"], "chat.completion");
        }
    }

    /// Whatever events come in whatever order: what goes out keeps the rules of a stream, or says that it failed.
    #[test]
    fn no_events_break_the_client(events in prop::collection::vec(any_event(), 0..12), stop in any::<bool>()) {
        let mut input = String::new();
        for event in events {
            input.push_str(&format!("data: {event}\n\n"));
        }
        if stop {
            // Arguments need not be complete then.
            input.push_str("data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"}}\n\n");
            input.push_str("data: {\"type\":\"message_stop\"}\n\n");
        }
        let outcome = feed(streaming(), [input.as_bytes()]);
        match outcome.state {
            StreamState::Complete => {
                chat_stream::accumulate(&outcome.out, true);
            }
            StreamState::Failed(_) if outcome.out.is_empty() => {}
            StreamState::Failed(_) => prop_assert!(chat_stream::failure(&outcome.out).is_some()),
            state => prop_assert!(false, "{:?}", state),
        }
    }

    /// Every chunk is what a serializer would have written, but for the text, which stays as the provider has escaped
    /// it.
    #[test]
    fn text_goes_out_as_it_came(insides in prop::collection::vec(inside_of_a_string(false), 1..12)) {
        let mut input = String::from("data: {\"type\":\"message_start\",\"message\":{\"id\":\"a\\\"\",\"model\":\"m\"}}\n\n");
        let opening = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
        input.push_str(&framed(0, "", opening));
        let mut expected = String::new();
        let chunk = |delta| json!({
            "id": "a\"", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}],
            "usage": null,
        }).to_string();
        expected.push_str(&framed(0, "", &chunk(json!({"role": "assistant", "content": ""}))));
        for inside in &insides {
            input.push_str(&framed(1, "content_block_delta", &format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{inside}"}}}}"#
            )));
            if !inside.is_empty() {
                expected.push_str(&framed(0, "", &chunk(json!({"content": "@"})).replace('@', inside)));
            }
        }
        let mut out = Vec::new();
        streaming().stream(input.as_bytes(), &mut out);
        prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn cuts_change_nothing(stream in prop::sample::select(golden_streams()), cuts in prop::collection::vec(1..60_usize, 0..40)) {
        let whole = feed(streaming(), [stream.as_slice()]);
        let mut rest = stream.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, tail) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        pieces.push(rest);
        prop_assert_eq!(whole, feed(streaming(), pieces));
    }

    /// Anthropic's rules for conversations hold for every conversation that passes.
    #[test]
    fn conversations_keep_anthropics_rules(messages in conversation()) {
        let Some(body) = translated(&json!({"model": "m", "messages": messages}), "m") else {
            return Ok(());
        };
        let turns = body["messages"].as_array().unwrap();
        prop_assert!(!turns.is_empty());
        let mut calls: Vec<&Value> = Vec::new();
        for pair in turns.windows(2) {
            prop_assert_ne!(&pair[0]["role"], &pair[1]["role"], "roles alternate");
        }
        for turn in turns {
            let blocks = turn["content"].as_array().unwrap();
            prop_assert!(!blocks.is_empty());
            for block in blocks.iter().filter(|block| block["type"] == "text") {
                prop_assert!(!block["text"].as_str().unwrap().trim().is_empty());
            }
            let results: Vec<&Value> = blocks.iter().filter(|block| block["type"] == "tool_result").collect();
            let ids: Vec<&Value> = results.iter().map(|result| &result["tool_use_id"]).collect();
            prop_assert_eq!(&ids, &calls, "every call has its result in the next turn");
            prop_assert!(blocks.iter().take(results.len()).all(|block| block["type"] == "tool_result"));
            calls = blocks
                .iter()
                .filter(|block| block["type"] == "tool_use")
                .map(|block| &block["id"])
                .collect();
            for id in &calls {
                let id = id.as_str().unwrap();
                prop_assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
            }
        }
    }
}

#[test]
fn time_grows_with_the_input_and_not_faster() {
    let request = |scale: usize| {
        let messages: Vec<Value> = (0..400 * scale)
            .map(|number| match number % 4 {
                0 => json!({"role": "user", "content": "\n \\ tell me \"more\" "}),
                1 => json!({"role": "assistant", "content": "", "tool_calls": [
                    {"id": format!("call.{number}"), "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                ]}),
                2 => json!({"role": "tool", "tool_call_id": format!("call.{}", number - 1), "content": "1"}),
                _ => json!({"role": "system", "content": "x"}),
            })
            .collect();
        let body = json!({"model": "m", "messages": messages}).to_string();
        let mut translator = (pair().make)(pair().attempt(&json!({}), &json!({})));
        translator.request(body.as_bytes()).unwrap();
    };
    assert_linear("messages", request);
    let stream = |scale: usize| {
        let mut input = String::new();
        for index in 0..200 * scale {
            let block = json!({"type": "tool_use", "id": "t", "name": "f", "input": {}});
            for event in [
                json!({"type": "content_block_start", "index": index, "content_block": block}),
                json!({"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
                json!({"type": "content_block_stop", "index": index}),
            ] {
                input.push_str(&format!("data: {event}\n\n"));
            }
        }
        let _ = feed(streaming(), input.as_bytes().chunks(100));
    };
    assert_linear("tools in a stream", stream);
}

/// All fields of OpenAI's reference, and what becomes of a request that uses them in earnest.
#[test]
fn every_documented_field_is_decided() {
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    for (field, value, served) in [
        ("audio", json!({"voice": "alloy", "format": "wav"}), false),
        ("frequency_penalty", json!(0.5), true),
        ("function_call", json!("auto"), false),
        ("functions", json!([{"name": "f"}]), false),
        ("logit_bias", json!({"1": 1}), true),
        ("logprobs", json!(true), true),
        ("max_completion_tokens", json!(10), true),
        ("max_tokens", json!(10), true),
        ("metadata", json!({"a": "b"}), true),
        ("modalities", json!(["text", "audio"]), false),
        (
            "moderation",
            json!({"model": "omni-moderation-latest"}),
            false,
        ),
        ("n", json!(2), false),
        ("parallel_tool_calls", json!(false), true),
        (
            "prediction",
            json!({"type": "content", "content": "x"}),
            true,
        ),
        ("presence_penalty", json!(0.5), true),
        ("prompt_cache_key", json!("k"), true),
        ("prompt_cache_options", json!({"mode": "explicit"}), true),
        ("prompt_cache_retention", json!("24h"), true),
        ("reasoning_effort", json!("max"), true),
        ("response_format", json!({"type": "json_object"}), true),
        ("safety_identifier", json!("u"), true),
        ("seed", json!(1), true),
        ("service_tier", json!("priority"), true),
        ("stop", json!("END"), true),
        ("store", json!(true), true),
        ("stream", json!(true), true),
        ("stream_options", json!({"include_usage": true}), true),
        ("temperature", json!(2), true),
        ("tool_choice", json!("auto"), true),
        ("tools", tool, true),
        ("top_logprobs", json!(2), true),
        ("top_p", json!(0.5), true),
        ("user", json!("u"), true),
        ("verbosity", json!("low"), true),
        ("web_search_options", json!({}), false),
    ] {
        let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        request[field] = value;
        let attempt = pair().attempt(&request, &json!({}));
        let answer = (pair().make)(attempt).request(request.to_string().as_bytes());
        match answer {
            Ok(_) => assert!(served, "{field} was taken"),
            Err(error) => {
                assert!(!served, "{field} was refused: {error}");
                assert!(error.param.is_some_and(|param| param.starts_with(field)));
            }
        }
    }
}

#[test]
fn a_large_image_is_not_unescaped() {
    let data = "A/9+".repeat(5 * 1024 * 1024 / 4 * 4);
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image\/png;base64,{data}"}}}}]}}]}}"#
    );
    let mut translator = (pair().make)(pair().attempt(&json!({}), &json!({})));
    let BodyEdit::Replace(out) = translator.request(body.as_bytes()).unwrap().body else {
        panic!("a new body is expected");
    };
    assert!(out.len() < body.len() + 200);
    let out: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        out["messages"][0]["content"][0]["source"]["data"],
        data.as_str()
    );
}

#[test]
fn an_endless_line_fails_the_stream_with_bounded_memory() {
    let mut translator = streaming();
    let mut out = Vec::new();
    let piece = vec![b'x'; 1024 * 1024];
    for _ in 0..64 {
        translator.stream(&piece, &mut out);
    }
    assert!(matches!(translator.stream_state(), StreamState::Failed(_)));
    assert!(out.is_empty());
}
