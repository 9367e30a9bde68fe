//! What must hold for Anthropic and Responses clients whatever comes from them and for them: no panic, no dependence on
//! cuts, streams that keep their rules, bounded memory, linear time.

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
use protocols::{BodyEdit, ClientFormat, StreamState, Translator};
use serde_json::{Value, json};

use support::any_json::any_json;
use support::feed::feed;
use support::linear::assert_linear;
use support::pair::{PAIRS, Pair};
use support::{anthropic_stream, responses_stream};

fn pair(name: &str) -> &'static Pair {
    PAIRS.iter().find(|pair| pair.name == name).unwrap()
}

const ANTHROPIC: &str = "anthropic_messages_to_chat_completions";
const RESPONSES: &str = "responses_to_chat_completions";

/// All pairs of this file, chains too.
const NAMES: [&str; 6] = [
    ANTHROPIC,
    "anthropic_messages_to_chat_completions_ollama",
    RESPONSES,
    "responses_to_chat_completions_ollama",
    "responses_to_anthropic_messages",
    "responses_to_bedrock_converse",
];

fn streaming(name: &str) -> Box<dyn Translator> {
    let settings = json!({"stream": true, "include_usage": true});
    (pair(name).make)(pair(name).attempt(&json!({}), &settings))
}

/// The upstream's body for a client's request.
fn translated(name: &str, request: &Value) -> Option<Value> {
    let attempt = pair(name).attempt(request, &json!({}));
    let request = (pair(name).make)(attempt).request(request.to_string().as_bytes());
    match request.ok()?.body {
        BodyEdit::Replace(body) => Some(serde_json::from_slice(&body).expect("JSON")),
        edit => panic!("{edit:?}"),
    }
}

fn golden_streams(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
        .join("stream");
    let cases = fs::read_dir(folder).unwrap().map(|case| {
        let folder = case.unwrap().path();
        fs::read(folder.join("input.sse")).or_else(|_| fs::read(folder.join("input.bin")))
    });
    let mut streams: Vec<_> = cases.map(Result::unwrap).collect();
    streams.sort();
    streams
}

/// Words and keys of the protocols.
const WORDS: &[&str] = &[
    "user",
    "assistant",
    "system",
    "developer",
    "text",
    "image",
    "document",
    "base64",
    "url",
    "image/png",
    "AA",
    "tool_use",
    "tool_result",
    "thinking",
    "search_result",
    "server_tool_use",
    "custom",
    "auto",
    "any",
    "tool",
    "required",
    "function",
    "allowed_tools",
    "high",
    "json_schema",
    "message",
    "function_call",
    "function_call_output",
    "reasoning",
    "item_reference",
    "input_text",
    "output_text",
    "input_image",
    "input_file",
    "refusal",
    "web_search",
    "kt-signature:s",
    "stop",
    "length",
    "{}",
    "{\"a\":",
    "",
    " ",
    "data:image/png;base64,AA",
    "é\u{1f9ea}\"\\",
];
const KEYS: &[&str] = &[
    "role",
    "content",
    "type",
    "text",
    "source",
    "data",
    "media_type",
    "url",
    "title",
    "id",
    "name",
    "input",
    "tool_use_id",
    "call_id",
    "arguments",
    "output",
    "summary",
    "encrypted_content",
    "image_url",
    "file_data",
    "filename",
    "file_id",
    "input_schema",
    "parameters",
    "strict",
    "schema",
    "format",
    "effort",
    "mode",
    "tools",
    "cache_control",
    "citations",
    "index",
    "delta",
    "message",
    "choices",
    "finish_reason",
    "usage",
    "tool_calls",
    "function",
    "reasoning_content",
    "refusal",
    "error",
    "model",
    "prompt_tokens",
    "x",
];

/// A request of either client, whose fields hold anything.
fn any_request() -> impl Strategy<Value = Value> {
    let names = vec![
        "messages",
        "input",
        "system",
        "instructions",
        "tools",
        "tool_choice",
        "max_tokens",
        "max_output_tokens",
        "stop_sequences",
        "temperature",
        "top_k",
        "metadata",
        "thinking",
        "output_config",
        "output_format",
        "text",
        "reasoning",
        "include",
        "parallel_tool_calls",
        "user",
        "store",
        "truncation",
    ];
    let role = prop::sample::select(vec!["user", "assistant", "system"]);
    let block = any_json(WORDS, KEYS).prop_map(|value| match value {
        Value::Object(mut fields) => {
            fields.entry("type").or_insert_with(|| json!("text"));
            fields.entry("text").or_insert_with(|| json!("x"));
            Value::Object(fields)
        }
        other => other,
    });
    let content = prop_oneof![
        any_json(WORDS, KEYS),
        prop::collection::vec(block, 0..3).prop_map(Value::from)
    ];
    let message =
        (role, content).prop_map(|(role, content)| json!({"role": role, "content": content}));
    let messages =
        prop::collection::vec(prop_oneof![3 => message, 1 => any_json(WORDS, KEYS)], 0..4);
    let fields = prop::collection::vec((prop::sample::select(names), any_json(WORDS, KEYS)), 0..4);
    (messages, fields).prop_map(|(messages, fields)| {
        let mut request = json!({"model": "m", "messages": messages, "input": messages});
        for (name, value) in fields {
            request[name] = value;
        }
        request
    })
}

/// A chunk of a chat stream, sensible or not. Arguments come whole.
fn any_chunk() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec!["", "a", "é\u{1f9ea}\"\n"]);
    let arguments = prop::sample::select(vec!["", " ", "{}", "{\"a\":[1,{}]}", "null"]);
    let index = prop::option::of(0..3_u8);
    let id = prop::option::of(prop::sample::select(vec!["", "a", "b"]));
    let name = prop::option::of(prop::sample::select(vec!["", "f", "g"]));
    let call = (index, id, name, arguments).prop_map(|(index, id, name, arguments)| {
        json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]})
    });
    let field = prop::sample::select(vec![
        "content",
        "reasoning",
        "reasoning_signature",
        "refusal",
    ]);
    let delta = prop_oneof![
        3 => (field, text).prop_map(|(field, text)| json!({field: text})),
        3 => call,
        1 => any_json(WORDS, KEYS),
    ];
    let finish = prop::option::weighted(
        0.1,
        prop::sample::select(vec!["stop", "length", "content_filter", "new"]),
    );
    prop_oneof![
        8 => (delta, finish).prop_map(|(delta, finish)| {
            json!({"id": "i", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        }),
        1 => Just(json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})),
        1 => Just(json!({"id": "", "model": "", "choices": [], "prompt_filter_results": []})),
        1 => any_json(WORDS, KEYS).prop_map(|any| json!({"id": any, "choices": any})),
    ]
}

/// A conversation as clients hold it, in both of their forms: text, calls with results, text beside results.
fn conversation() -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    let text = prop::sample::select(vec!["", "Hi", "a\nb", "é"]);
    let step = (any::<bool>(), text, 0..3_usize, any::<bool>());
    prop::collection::vec(step, 1..8).prop_map(|steps| {
        let (mut turns, mut items) = (Vec::new(), Vec::new());
        for (number, (_, text, calls, beside)) in steps.into_iter().enumerate() {
            let block = json!({"type": "text", "text": text});
            turns.push(json!({"role": "user", "content": text}));
            items.push(json!({"role": "user", "content": text}));
            let mut said = vec![json!({"type": "thinking", "thinking": "h", "signature": "s"}), block.clone()];
            items.push(json!({"type": "reasoning", "summary": []}));
            items.push(json!({"role": "assistant", "content": [{"type": "output_text", "text": text}]}));
            let ids: Vec<String> = (0..calls).map(|call| format!("call_{number}_{call}")).collect();
            for id in &ids {
                said.push(json!({"type": "tool_use", "id": id, "name": "f", "input": {}}));
                items.push(json!({"type": "function_call", "call_id": id, "name": "f", "arguments": ""}));
            }
            turns.push(json!({"role": "assistant", "content": said}));
            let mut results = if beside { vec![block] } else { Vec::new() };
            for id in &ids {
                let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}});
                results.push(json!({"type": "tool_result", "tool_use_id": id, "content": [image]}));
                let image = json!({"type": "input_image", "image_url": "data:image/png;base64,AA"});
                items.push(json!({"type": "function_call_output", "call_id": id, "output": [image]}));
            }
            if !results.is_empty() {
                turns.push(json!({"role": "user", "content": results}));
            }
        }
        (turns, items)
    })
}

/// OpenAI's rule for tools: the results follow their calls at once, one message each, before anything else.
fn check_tool_messages(body: &Value) -> Result<(), TestCaseError> {
    let mut open: Vec<&Value> = Vec::new();
    for message in body["messages"].as_array().unwrap() {
        if message["role"] == "tool" {
            prop_assert!(message["content"].is_string());
            let id = &message["tool_call_id"];
            prop_assert!(open.contains(&id), "{} has no call before it", id);
            open.retain(|known| *known != id);
            continue;
        }
        prop_assert!(open.is_empty(), "{:?} have no results", open);
        if let Some(calls) = message["tool_calls"].as_array() {
            open = calls.iter().map(|call| &call["id"]).collect();
        } else {
            prop_assert!(!message["content"].is_null(), "{}", message);
        }
    }
    prop_assert!(open.is_empty(), "{:?} have no results", open);
    Ok(())
}

/// Reads a stream as its client would; panics where the client would stumble.
fn check_stream(client: ClientFormat, state: &StreamState, out: &[u8]) {
    let is_anthropic = client.speaks_anthropic();
    match state {
        StreamState::Complete | StreamState::Empty | StreamState::BeforeContent => {
            if is_anthropic {
                anthropic_stream::accumulate(out);
            } else {
                responses_stream::accumulate(out);
            }
        }
        StreamState::Failed(_) => {
            let failure = if is_anthropic {
                anthropic_stream::failure(out)
            } else {
                responses_stream::failure(out)
            };
            assert!(failure.is_some(), "{}", String::from_utf8_lossy(out));
        }
        StreamState::Content => panic!("the stream has ended"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_request_panics_and_all_that_pass_are_valid_json(request in any_request(), name in prop::sample::select(NAMES.to_vec())) {
        if let Some(body) = translated(name, &request) {
            prop_assert!(body["messages"].is_array());
        }
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200), name in prop::sample::select(NAMES.to_vec())) {
        let mut translator = streaming(name);
        let _ = translator.request(&body);
        let _ = translator.response(&body);
        let _ = translator.error(catalog::Provider::COMPATIBLE, 400, &[], &body);
        let outcome = feed(streaming(name), [body.as_slice()]);
        prop_assert!(matches!(outcome.state, StreamState::Failed(_)));
    }

    #[test]
    fn no_answer_panics(message in any_json(WORDS, KEYS), answer in any_json(WORDS, KEYS), name in prop::sample::select(NAMES.to_vec())) {
        for answer in [answer, json!({"choices": [{"message": message, "finish_reason": "stop"}]})] {
            if let Ok(Some(body)) = streaming(name).response(answer.to_string().as_bytes()) {
                let body: Value = serde_json::from_slice(&body).expect("JSON");
                prop_assert!(body["type"] == "message" || body["object"] == "response", "{}", body);
            }
        }
    }

    /// Whatever chunks come in whatever order: what goes out keeps the rules of a stream, or says that it failed.
    #[test]
    fn no_chunks_break_the_client(
        chunks in prop::collection::vec(any_chunk(), 0..12), done in any::<bool>(), name in prop::sample::select(vec![ANTHROPIC, RESPONSES]),
    ) {
        let mut input = String::new();
        for chunk in chunks {
            input.push_str(&format!("data: {chunk}\n\n"));
        }
        if done {
            input.push_str("data: [DONE]\n\n");
        }
        let outcome = feed(streaming(name), [input.as_bytes()]);
        check_stream(pair(name).client, &outcome.state, &outcome.out);
    }

    #[test]
    fn cuts_change_nothing(
        name in prop::sample::select(NAMES.iter().filter(|name| !name.ends_with("ollama")).collect::<Vec<_>>()),
        which in any::<prop::sample::Index>(), cuts in prop::collection::vec(1..60_usize, 0..40),
    ) {
        let streams = golden_streams(name);
        let stream = which.get(&streams);
        let whole = feed(streaming(name), [stream.as_slice()]);
        let mut rest = stream.as_slice();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, tail) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        pieces.push(rest);
        prop_assert_eq!(whole, feed(streaming(name), pieces));
    }

    #[test]
    fn conversations_keep_openais_rules((turns, items) in conversation()) {
        for (name, request) in [
            (ANTHROPIC, json!({"model": "m", "max_tokens": 9, "messages": turns})),
            (RESPONSES, json!({"model": "m", "input": items})),
        ] {
            let body = translated(name, &request);
            let body = body.expect("every conversation passes");
            check_tool_messages(&body)?;
        }
    }
}

/// Each golden stream, read as its client would.
#[test]
fn golden_streams_keep_the_rules_of_their_clients() {
    for name in NAMES.iter().filter(|name| !name.ends_with("ollama")) {
        for stream in golden_streams(name) {
            // Arguments that a length limit cut off are not JSON, and need not be.
            let truncated = String::from_utf8_lossy(&stream).contains("\\\"Par\"");
            let outcome = feed(streaming(name), [stream.as_slice()]);
            if !(truncated && *name == ANTHROPIC) {
                check_stream(pair(name).client, &outcome.state, &outcome.out);
            }
        }
    }
}

#[test]
fn memory_is_bounded() {
    for name in [ANTHROPIC, RESPONSES] {
        let mut endless = streaming(name);
        let mut out = Vec::new();
        let line = vec![b'x'; 1 << 20];
        for _ in 0..64 {
            endless.stream(&line, &mut out);
        }
        assert!(
            matches!(endless.stream_state(), StreamState::Failed(_)),
            "64 MiB without a line end"
        );
        assert!(out.len() < 4096);
    }
    let chunk = |text: &str| {
        let chunk = json!({"choices": [{"delta": {"content": text}}]});
        format!("data: {chunk}\n\n")
    };
    let text = chunk(&"x".repeat(1 << 20));
    let mut long = streaming(RESPONSES);
    let refused = (0..64).find(|_| {
        long.stream(text.as_bytes(), &mut Vec::new());
        matches!(long.stream_state(), StreamState::Failed(_))
    });
    assert_eq!(
        refused,
        Some(15),
        "the last event repeats the answer, so 16 MiB are the limit"
    );
    let mut long = streaming(ANTHROPIC);
    for _ in 0..64 {
        long.stream(text.as_bytes(), &mut Vec::new());
    }
    assert_eq!(
        long.stream_state(),
        &StreamState::Content,
        "nothing is kept of a text"
    );
}

#[test]
fn time_grows_with_the_input_and_not_faster() {
    let stream_of = |name: &'static str, chunk: fn(usize) -> Value| {
        move |scale: usize| {
            let chunks = (0..100 * scale).map(|number| {
                let chunk = json!({"choices": [{"delta": chunk(number)}]});
                format!("data: {chunk}\n\n")
            });
            let input: String = chunks.collect();
            feed(streaming(name), input.as_bytes().chunks(100));
        }
    };
    let call = |number: usize| json!({"tool_calls": [{"id": format!("{number}"), "function": {"name": "f", "arguments": "{"}}]});
    let fragment = |number: usize| json!({"tool_calls": [{"index": number % 7, "id": format!("{}", number % 7), "function": {"name": "f", "arguments": "{"}}]});
    let text = |number: usize| match number % 2 {
        0 => json!({"content": "some words \"in quotes\""}),
        _ => json!({"reasoning": "some words \"in quotes\""}),
    };
    for name in [ANTHROPIC, RESPONSES] {
        assert_linear("many tools", stream_of(name, call));
        assert_linear("interleaved fragments", stream_of(name, fragment));
        assert_linear("text and reasoning in turns", stream_of(name, text));
        let request = |scale: usize| {
            let turns: Vec<Value> = (0..200 * scale)
                .map(|number| match number % 2 {
                    0 => json!({"role": "user", "content": "\n \\ tell me \"more\" "}),
                    _ => json!({"role": "assistant", "content": "more"}),
                })
                .collect();
            translated(name, &json!({"model": "m", "messages": turns}))
                .or_else(|| translated(name, &json!({"model": "m", "input": turns})))
                .unwrap();
        };
        assert_linear("messages", request);
    }
}
