//! What must hold for both clients on Bedrock Converse whatever comes: AWS's own model of the service accepts every
//! request, no panic, no dependence on cuts, bounded memory, linear time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use protocols::event_stream::{Header, HeaderValue, encode};
use protocols::{BodyEdit, OutgoingRequest, StreamState, Translator};
use serde_json::{Value, json};

use support::any_json::any_json;
use support::feed::feed;
use support::linear::assert_linear;
use support::pair::{PAIRS, Pair};
use support::{anthropic_stream, chat_stream, frames};

const CHAT: &str = "chat_completions_to_bedrock_converse";
const ANTHROPIC: &str = "anthropic_messages_to_bedrock_converse";

fn pair(name: &str) -> &'static Pair {
    PAIRS.iter().find(|pair| pair.name == name).unwrap()
}

fn streaming(name: &str) -> Box<dyn Translator> {
    let settings = json!({"stream": true, "include_usage": true});
    (pair(name).make)(pair(name).attempt(&json!({}), &settings))
}

fn translated(name: &str, request: &Value, model: &str) -> Option<OutgoingRequest> {
    let attempt = pair(name).attempt(request, &json!({"model": model}));
    let translator = &mut (pair(name).make)(attempt);
    translator.request(request.to_string().as_bytes()).ok()
}

fn body(request: &OutgoingRequest) -> Value {
    match &request.body {
        BodyEdit::Replace(body) => serde_json::from_slice(body).expect("JSON"),
        edit => panic!("{edit:?}"),
    }
}

fn golden_streams() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(CHAT)
        .join("stream");
    let cases = fs::read_dir(folder).unwrap();
    let mut streams: Vec<_> = cases
        .map(|case| fs::read_to_string(case.unwrap().path().join("input.frames")).unwrap())
        .map(|text| frames::encode_all(&text))
        .collect();
    streams.sort();
    streams
}

fn event(kind: &str, payload: &Value, out: &mut Vec<u8>) {
    let headers = [
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ]
    .map(|(name, value)| Header {
        name,
        value: HeaderValue::String(value),
    });
    encode(&headers, payload.to_string().as_bytes(), out).unwrap();
}

/// Words and keys of the protocols.
const WORDS: &[&str] = &[
    "user",
    "assistant",
    "tool",
    "text",
    "image_url",
    "function",
    "tool_use",
    "tool_result",
    "thinking",
    "auto",
    "required",
    "high",
    "object",
    "",
    " ",
    "data:image/png;base64,AA==",
    "https://x/y.pdf",
    "{}",
    "{\"a\":",
    "end_turn",
    "é\u{1f9ea}",
];
const KEYS: &[&str] = &[
    "role",
    "content",
    "type",
    "text",
    "source",
    "data",
    "media_type",
    "image_url",
    "function",
    "name",
    "arguments",
    "id",
    "input",
    "input_schema",
    "cache_control",
    "contentBlockIndex",
    "start",
    "delta",
    "toolUse",
    "toolUseId",
    "reasoningContent",
    "reasoningText",
    "signature",
    "redactedContent",
    "output",
    "message",
    "stopReason",
    "usage",
    "inputTokens",
    "citationsContent",
    "x",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(String::from(" \n\t")),
        "[a-zA-Z \"\\\\é]{0,12}"
    ]
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,3}", "[a-z./|é ]{0,6}", "x{60,70}"]
}

fn any_mark() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        Value::Null,
        json!({"type": "ephemeral"}),
        json!({"type": "ephemeral", "ttl": "1h"}),
    ])
}

/// A Chat Completions request that a client may send, with odd names, ids and texts.
fn chat_request() -> impl Strategy<Value = Value> {
    let part = (any_text(), any_mark(), 0..3_u8).prop_map(|(text, mark, kind)| match kind {
        0 => json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}, "cache_control": mark}),
        1 => json!({"type": "file", "file": {"filename": text, "file_data": "data:application/pdf;base64,JVBERi0="}}),
        _ => json!({"type": "text", "text": text, "cache_control": mark}),
    });
    let turn = (0..6_u8, any_text(), prop::collection::vec(any_id(), 0..3), prop::collection::vec(part, 0..3))
        .prop_map(|(kind, text, ids, parts)| match kind {
            0 => vec![json!({"role": "system", "content": text})],
            1 => vec![json!({"role": "user", "content": text})],
            2 => vec![json!({"role": "user", "content": parts})],
            _ => {
                let call = |id| json!({"id": id, "type": "function", "function": {"name": id, "arguments": ""}});
                let mut turns = vec![json!({
                    "role": "assistant", "content": text, "tool_calls": ids.iter().map(call).collect::<Vec<_>>(),
                    "reasoning_content": "hm", "reasoning_signature": if kind == 3 { json!("c2ln") } else { Value::Null },
                })];
                for id in &ids {
                    turns.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
                }
                turns
            }
        });
    let tool = (any_id(), any_text(), any::<bool>(), any_mark()).prop_map(|(name, description, strict, mark)| {
        json!({"type": "function", "cache_control": mark, "function": {
            "name": name, "description": description, "strict": strict, "parameters": {"properties": {}},
        }})
    });
    let options = prop::sample::select(vec![
        json!({}),
        json!({"tool_choice": "none", "parallel_tool_calls": false}),
        json!({"tool_choice": "required", "temperature": 1.9, "top_p": 0.3, "stop": ["", " ", "x"]}),
        json!({"reasoning_effort": "high", "max_tokens": 5000, "top_k": 3}),
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}}),
    ]);
    let turns = prop::collection::vec(turn, 1..6);
    let tools = prop::collection::vec(tool, 0..3);
    (turns, tools, options).prop_map(|(turns, tools, options)| {
        let mut request = json!({"model": "m", "messages": turns.concat(), "tools": tools});
        for (name, value) in options.as_object().unwrap() {
            request[name] = value.clone();
        }
        request
    })
}

/// An Anthropic request that a client may send, with odd names, ids and texts.
fn anthropic_request() -> impl Strategy<Value = Value> {
    let block = (0..9_u8, any_text(), any_id(), any_mark()).prop_map(|(kind, text, id, mark)| match kind {
        0 => json!({"type": "image", "cache_control": mark, "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}),
        1 => json!({"type": "document", "title": text, "source": {"type": "text", "media_type": "text/plain", "data": "x"}}),
        2 => json!({"type": "tool_use", "id": id, "name": id, "input": {"a": text}}),
        3 => json!({"type": "tool_result", "tool_use_id": id, "content": text, "is_error": true, "cache_control": mark}),
        4 => json!({"type": "thinking", "thinking": text, "signature": id}),
        5 => json!({"type": "redacted_thinking", "data": text}),
        6 => json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {}}),
        _ => json!({"type": "text", "text": text, "cache_control": mark}),
    });
    let role = prop::sample::select(vec!["user", "assistant"]);
    let turn = (role, prop::collection::vec(block, 0..4))
        .prop_map(|(role, content)| json!({"role": role, "content": content}));
    let tool = (any_id(), any_text(), any_mark()).prop_map(|(name, description, mark)| {
        json!({"name": name, "description": description, "input_schema": {}, "strict": true, "cache_control": mark})
    });
    let options = prop::sample::select(vec![
        json!({}),
        json!({"tool_choice": {"type": "none"}, "system": "s", "temperature": 1}),
        json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}, "stop_sequences": [" ", "x"]}),
        json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "top_k": 3}),
        json!({"output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}}}),
    ]);
    let turns = prop::collection::vec(turn, 1..6);
    let tools = prop::collection::vec(tool, 0..3);
    (turns, tools, options).prop_map(|(messages, tools, options)| {
        let mut request =
            json!({"model": "m", "max_tokens": 9000, "messages": messages, "tools": tools});
        for (name, value) in options.as_object().unwrap() {
            request[name] = value.clone();
        }
        request
    })
}

fn any_model() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "m",
        "us.anthropic.claude-sonnet-4-6",
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        "us.amazon.nova-2-lite-v1:0",
        "openai.gpt-oss-120b-1:0",
    ])
}

/// Converse's rules for conversations that its service model does not state.
fn assert_rules(body: &Value) -> Result<(), TestCaseError> {
    let turns = body["messages"].as_array().unwrap();
    prop_assert!(!turns.is_empty());
    for pair in turns.windows(2) {
        prop_assert_ne!(&pair[0]["role"], &pair[1]["role"], "roles alternate");
    }
    let mut names = Vec::new();
    let mut has_tools = false;
    for turn in turns {
        let blocks = turn["content"].as_array().unwrap();
        prop_assert!(!blocks.is_empty());
        prop_assert!(
            blocks[0].get("cachePoint").is_none(),
            "a cache point needs something before it"
        );
        let is = |block: &Value, kind: &str| block.get(kind).is_some();
        let others = blocks
            .iter()
            .skip_while(|block| is(block, "toolResult") || is(block, "cachePoint"));
        prop_assert!(
            others.clone().all(|block| !is(block, "toolResult")),
            "results come first"
        );
        for block in blocks {
            has_tools |= is(block, "toolUse") || is(block, "toolResult");
            if let Some(text) = block["text"].as_str() {
                prop_assert!(!text.trim().is_empty());
            }
            if let Some(name) = block["document"]["name"].as_str() {
                prop_assert!(!names.contains(&name), "document names differ");
                names.push(name);
            }
        }
    }
    prop_assert!(!has_tools || body["toolConfig"]["tools"][0].is_object());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn requests_keep_converses_rules(
        chat in chat_request(),
        anthropic in anthropic_request(),
        model in any_model(),
    ) {
        for (name, request) in [(CHAT, chat), (ANTHROPIC, anthropic)] {
            if let Some(request) = translated(name, &request, model) {
                assert_rules(&body(&request))?;
            }
        }
    }

    #[test]
    fn no_request_and_no_answer_panics(value in any_json(WORDS, KEYS), messages in prop::collection::vec(any_json(WORDS, KEYS), 0..3)) {
        for name in [CHAT, ANTHROPIC] {
            let mut request = value.clone();
            if let Some(request) = request.as_object_mut() {
                request.insert("messages".to_owned(), json!(messages));
            }
            let mut translator = streaming(name);
            let _ = translator.request(request.to_string().as_bytes());
            if let Ok(Some(body)) = translator.response(value.to_string().as_bytes()) {
                serde_json::from_slice::<Value>(&body).expect("JSON");
            }
            let answer = json!({"output": {"message": {"content": messages}}, "stopReason": value, "usage": value});
            if let Ok(Some(body)) = translator.response(answer.to_string().as_bytes()) {
                serde_json::from_slice::<Value>(&body).expect("JSON");
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        for name in [CHAT, ANTHROPIC] {
            let mut translator = streaming(name);
            let _ = translator.request(&bytes);
            let _ = translator.response(&bytes);
            let _ = translator.error(catalog::Provider::COMPATIBLE, 400, &[], &bytes);
            let outcome = feed(streaming(name), [bytes.as_slice()]);
            prop_assert!(matches!(outcome.state, StreamState::Failed(_)));
        }
    }

    /// Whatever events come in whatever order: what goes out keeps the rules of a stream, or says that it failed.
    #[test]
    fn no_events_break_the_client(
        events in prop::collection::vec((any_kind(), any_payload()), 0..14),
        stops in any::<bool>(),
    ) {
        let mut input = Vec::new();
        for (kind, payload) in events {
            event(kind, &payload, &mut input);
        }
        if stops {
            event("messageStop", &json!({"stopReason": "max_tokens"}), &mut input);
            event("metadata", &json!({"usage": {"inputTokens": 1, "outputTokens": 2}}), &mut input);
        }
        for name in [CHAT, ANTHROPIC] {
            let outcome = feed(streaming(name), [input.as_slice()]);
            let failure = |out: &[u8]| if name == CHAT { chat_stream::failure(out) } else { anthropic_stream::failure(out) };
            match outcome.state {
                StreamState::Complete | StreamState::Empty if name == CHAT => {
                    chat_stream::accumulate(&outcome.out, true);
                }
                StreamState::Complete | StreamState::Empty => {
                    anthropic_stream::accumulate(&outcome.out);
                }
                // The exchange throws away what came before content, and tells the client itself.
                StreamState::Failed(_) if !outcome.out.windows(5).any(|bytes| bytes == b"delta") => {}
                StreamState::Failed(_) => prop_assert!(failure(&outcome.out).is_some()),
                StreamState::BeforeContent => {}
                StreamState::Content => prop_assert!(false, "the end is always decided"),
            }
        }
    }

    #[test]
    fn cuts_change_nothing(
        stream in prop::sample::select(golden_streams()),
        cuts in prop::collection::vec(1..200_usize, 0..40),
    ) {
        for name in [CHAT, ANTHROPIC] {
            let mut rest = stream.as_slice();
            let mut pieces = Vec::new();
            for cut in &cuts {
                let (piece, tail) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            pieces.push(rest);
            prop_assert_eq!(feed(streaming(name), [stream.as_slice()]), feed(streaming(name), pieces));
        }
    }
}

fn any_kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockStop",
        "metadata",
        "futureEvent",
    ])
}

fn any_payload() -> impl Strategy<Value = Value> {
    let part = prop::sample::select(vec![
        json!({"delta": {"text": "x"}}),
        json!({"delta": {"text": ""}}),
        json!({"delta": {"toolUse": {"input": "{}"}}}),
        json!({"delta": {"reasoningContent": {"text": "hm"}}}),
        json!({"delta": {"reasoningContent": {"signature": "s"}}}),
        json!({"delta": {"reasoningContent": {"redactedContent": "AA=="}}}),
        json!({"start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
        json!({"start": {"toolUse": {"toolUseId": "t", "name": "f", "type": "server_tool_use"}}}),
        json!({"start": {}}),
    ]);
    let sensible = (part, 0..3_u8).prop_map(|(mut part, index)| {
        part["contentBlockIndex"] = json!(index);
        // All kinds find their field in one payload, so that starts and deltas meet.
        part["start"] = part
            .get("start")
            .cloned()
            .unwrap_or_else(|| json!({"toolUse": {"toolUseId": "u", "name": "g"}}));
        part
    });
    prop_oneof![4 => sensible, 1 => any_json(WORDS, KEYS)]
}

/// A frame may promise 16 MiB: one that does not come is a stream that broke off, one that promises more is refused.
#[test]
fn memory_is_bounded_by_one_frame() {
    for name in [CHAT, ANTHROPIC] {
        let mut translator = streaming(name);
        let mut out = Vec::new();
        // No checksum fits, so the first 12 bytes decide; what follows is not even looked at.
        for _ in 0..64 {
            translator.stream(&vec![b'x'; 1024 * 1024], &mut out);
        }
        assert!(matches!(translator.stream_state(), StreamState::Failed(_)));
        assert!(out.is_empty());
    }
}

#[test]
fn time_grows_with_the_input_and_not_faster() {
    assert_linear("messages", |scale| {
        let messages: Vec<Value> = (0..300 * scale)
            .map(|number| match number % 3 {
                0 => json!({"role": "user", "content": [
                    {"type": "file", "file": {"filename": "same.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
                ]}),
                1 => json!({"role": "assistant", "content": "", "tool_calls": [
                    {"id": format!("call/{number}"), "type": "function", "function": {"name": format!("f/{number}"), "arguments": "{}"}},
                ]}),
                _ => json!({"role": "tool", "tool_call_id": format!("call/{}", number - 1), "content": "1"}),
            })
            .collect();
        assert!(translated(CHAT, &json!({"model": "m", "messages": messages}), "m").is_some());
    });
    for name in [CHAT, ANTHROPIC] {
        assert_linear("stream", |scale| {
            let mut input = Vec::new();
            for index in 0..200 * scale {
                let start = json!({"toolUse": {"toolUseId": "t", "name": "f"}});
                event(
                    "contentBlockStart",
                    &json!({"contentBlockIndex": index, "start": start}),
                    &mut input,
                );
                event(
                    "contentBlockDelta",
                    &json!({"contentBlockIndex": index, "delta": {"toolUse": {"input": "{}"}}}),
                    &mut input,
                );
                event(
                    "contentBlockStop",
                    &json!({"contentBlockIndex": index}),
                    &mut input,
                );
            }
            feed(streaming(name), input.chunks(100));
        });
    }
}

/// What AWS's own Python client says of requests and frames; `None` where it is not installed.
fn ask_botocore(script: &str, input: &[Value]) -> Option<Vec<Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = root.join("../../shared/conformance/tools");
    let python = std::env::var_os("KT_TEST_PYTHON")
        .map_or_else(|| root.join("../.tools/venv/bin/python"), PathBuf::from);
    if !tools.join("awses.py").is_file() || !python.exists() {
        eprintln!(
            "skipped: {} or {} is not there",
            tools.display(),
            python.display()
        );
        return None;
    }
    let mut child = Command::new(python)
        .args(["-c", &format!("import json, sys, awses\nfor line in sys.stdin:\n    case = json.loads(line)\n{script}")])
        .env("PYTHONPATH", tools)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = input.iter().map(|case| format!("{case}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    Some(
        answers
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

#[test]
fn aws_accepts_every_request() {
    let mut requests = Vec::new();
    for name in [CHAT, ANTHROPIC] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name)
            .join("request");
        for case in fs::read_dir(folder).unwrap() {
            let expected = fs::read(case.unwrap().path().join("expected.json")).unwrap();
            let expected: Value = serde_json::from_slice(&expected).unwrap();
            if expected.get("error").is_none() {
                requests.push(json!({"path": expected["path"], "body": expected["body"]}));
            }
        }
    }
    let mut runner = TestRunner::deterministic();
    for _ in 0..300 {
        let mut sample = |name: &str, request: BoxedStrategy<Value>| {
            let (request, model) = (request, any_model())
                .new_tree(&mut runner)
                .unwrap()
                .current();
            let sent = translated(name, &request, model);
            requests.extend(
                sent.map(|sent| json!({"path": sent.path, "body": body(&sent), "from": request})),
            );
        };
        sample(CHAT, chat_request().boxed());
        sample(ANTHROPIC, anthropic_request().boxed());
    }
    assert!(requests.len() > 200, "{}", requests.len());
    let script = "    print(json.dumps(awses.validate_converse_request(case['body'], stream=case['path'].endswith('-stream'))))";
    let Some(answers) = ask_botocore(script, &requests) else {
        return;
    };
    assert_eq!(answers.len(), requests.len());
    for (request, answer) in requests.iter().zip(answers) {
        assert_eq!(answer, json!([]), "{request}");
    }
}

#[test]
fn aws_writes_the_same_paths() {
    let models = [
        "anthropic.claude-3-haiku-20240307-v1:0",
        "us.amazon.nova-2-lite-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-6-v1",
    ];
    let cases = models.map(|model| json!({"modelId": model, "messages": []}));
    let Some(answers) = ask_botocore(
        "    print(json.dumps(awses.wire_request(case, stream=True)[1]))",
        &cases,
    ) else {
        return;
    };
    for (model, path) in models.iter().zip(answers) {
        let request =
            json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "x"}]});
        let sent = translated(CHAT, &request, model).unwrap();
        assert_eq!(path, sent.path);
    }
}

#[test]
fn aws_reads_the_frames_that_the_encoder_writes() {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(CHAT)
            .join("stream/tools/input.frames"),
    )
    .unwrap();
    let bytes = frames::encode_all(&text);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let script = "    print(json.dumps([[m[0][':event-type'], json.loads(m[1])] for m in awses.decode(bytes.fromhex(case))]))";
    let Some(answers) = ask_botocore(script, &[json!(hex)]) else {
        return;
    };
    let expected: Vec<Value> = text
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(kind, payload)| json!([kind, serde_json::from_str::<Value>(payload).unwrap()]))
        .collect();
    assert_eq!(answers, [json!(expected)]);
}
