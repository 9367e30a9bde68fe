#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use super::*;
use crate::body_edit::BodyEdit;
use crate::error::ErrorKind;
use crate::translator::{Streamed, stream_every_way, test_attempt};

fn attempt() -> Attempt {
    test_attempt(ClientFormat::AnthropicMessages, providers::ANTHROPIC)
}

fn streamed(input: &str) -> Streamed {
    stream_every_way(
        || Box::new(AnthropicPassThrough::new(attempt()).unwrap()),
        input.as_bytes(),
    )
}

fn frame(kind: &str, rest: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n")
}

fn start() -> String {
    frame(
        "message_start",
        r#","message":{"model":"claude-1","usage":{"input_tokens":9,"cache_read_input_tokens":1,"output_tokens":1}}"#,
    )
}

fn delta(delta: &str) -> String {
    frame(
        "content_block_delta",
        &format!(",\"index\":0,\"delta\":{delta}"),
    )
}

#[test]
fn the_request_keeps_its_bytes_and_its_dialect() {
    let body = br#"{"max_tokens":1,"model":"grand","messages":[]}"#;
    let attempt = Attempt {
        model_span: 24..31,
        ..attempt()
    };
    let outgoing = AnthropicPassThrough::new(attempt.clone())
        .unwrap()
        .request(body)
        .unwrap();
    assert_eq!(outgoing.path, "/v1/messages");
    assert_eq!(
        outgoing.headers,
        [("anthropic-version", "2023-06-01".to_owned())]
    );
    assert_eq!(
        outgoing.body,
        BodyEdit::Splice(vec![(24..31, b"\"upstream-model\"".to_vec())])
    );

    let named = Attempt {
        base_path: "/v1".to_owned(),
        model: "grand".to_owned(),
        client: ClientFormat::AnthropicCountTokens,
        anthropic_version: Some("2026-10-21".to_owned()),
        anthropic_beta: Some("a,b".to_owned()),
        ..attempt
    };
    let outgoing = AnthropicPassThrough::new(named)
        .unwrap()
        .request(body)
        .unwrap();
    assert_eq!(outgoing.path, "/v1/messages/count_tokens");
    let headers = [
        ("anthropic-version", "2026-10-21".to_owned()),
        ("anthropic-beta", "a,b".to_owned()),
    ];
    assert_eq!(outgoing.headers, headers);
    assert_eq!(outgoing.body, BodyEdit::Unchanged);
}

#[test]
fn a_stream_passes_as_it_is() {
    let stream = [
        start(),
        frame("ping", ""),
        frame(
            "content_block_start",
            r#","index":0,"content_block":{"type":"text","text":""}"#,
        ),
        delta(r#"{"type":"text_delta","text":"Hi"}"#),
        frame("content_block_stop", r#","index":0"#),
        frame(
            "message_delta",
            r#","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":42}"#,
        ),
        frame("message_stop", ""),
    ]
    .concat();
    let done = streamed(&stream);
    assert_eq!(
        (done.out.as_str(), done.state),
        (stream.as_str(), StreamState::Complete)
    );
    // 9 uncached + 1 read from the cache; the last output count replaces the first.
    assert_eq!(
        done.usage,
        Some(Usage {
            prompt: 10,
            completion: 42,
            cached: 1,
            ..Usage::default()
        })
    );
    assert_eq!(done.served_model.as_deref(), Some("claude-1"));
}

#[test]
fn what_counts_as_content() {
    let block = |block: &str| {
        frame(
            "content_block_start",
            &format!(",\"index\":0,\"content_block\":{block}"),
        )
    };
    let stop = |reason: &str| {
        frame(
            "message_delta",
            &format!(",\"delta\":{{\"stop_reason\":\"{reason}\"}}"),
        )
    };
    let table = [
        (start(), false),
        (frame("ping", ""), false),
        (frame("something_new", ""), false),
        (block(r#"{"type":"text","text":""}"#), false),
        (
            block(r#"{"type":"thinking","thinking":"","signature":""}"#),
            false,
        ),
        (
            block(r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#),
            true,
        ),
        (block(r#"{"type":"redacted_thinking","data":"x"}"#), true),
        (delta(r#"{"type":"text_delta","text":""}"#), false),
        (delta(r#"{"type":"text_delta","text":"a"}"#), true),
        (delta(r#"{"type":"thinking_delta","thinking":"a"}"#), true),
        (stop("end_turn"), false),
        (stop("max_tokens"), true),
        (stop("refusal"), true),
    ];
    for (event, content) in table {
        let mut translator = AnthropicPassThrough::new(attempt()).unwrap();
        assert!(translator.stream(event.as_bytes(), &mut Vec::new()));
        let expected = if content {
            StreamState::Content
        } else {
            StreamState::BeforeContent
        };
        assert_eq!(*translator.stream_state(), expected, "{event}");
    }
    let empty = [start(), frame("message_stop", "")].concat();
    assert_eq!(streamed(&empty).state, StreamState::Empty);
}

#[test]
fn a_stream_that_fails_ends_with_an_error_event() {
    let hello = [start(), delta(r#"{"type":"text_delta","text":"Hello"}"#)].concat();
    let overloaded = frame(
        "error",
        r#","error":{"type":"overloaded_error","message":"Overloaded"}"#,
    );
    let table = [
        (
            format!("{overloaded}{hello}"),
            "Overloaded",
            ErrorKind::Overloaded,
        ),
        (String::new(), "broke off", ErrorKind::Server),
        (
            "event: content_block_delta\ndata: {\"type\":\"cont".to_owned(),
            "broke off",
            ErrorKind::Server,
        ),
        (
            "data: [1]\n\n".to_owned(),
            "cannot be read",
            ErrorKind::Server,
        ),
    ];
    for (rest, message, kind) in table {
        let done = streamed(&format!("{hello}{rest}"));
        let error = done.out.strip_prefix(&hello).unwrap();
        assert!(
            error.starts_with("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\""),
            "{error}"
        );
        assert!(
            error.contains(message) && error.ends_with("}\n\n"),
            "{error}"
        );
        assert!(matches!(done.state, StreamState::Failed(ref error) if error.kind == kind));
    }
}

#[test]
fn an_event_that_is_no_json_is_left_out_and_counted() {
    let hello = [start(), delta(r#"{"type":"text_delta","text":"Hello"}"#)].concat();
    let stop = frame("message_stop", "");
    let mut translator = AnthropicPassThrough::new(attempt()).unwrap();
    let mut out = Vec::new();
    let stream = format!("{hello}data: <html>\n\nevent: x\ndata: {{\"a\":\n\n{stop}");
    translator.stream(stream.as_bytes(), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), format!("{hello}{stop}"));
    assert_eq!(translator.skipped_events(), 2);
    assert_eq!(*translator.stream_state(), StreamState::Complete);
}

#[test]
fn a_last_event_without_its_blank_line_gets_one() {
    let hello = [start(), delta(r#"{"type":"text_delta","text":"Hello"}"#)].concat();
    let done = streamed(&format!(
        "{hello}event: message_stop\ndata: {{\"type\":\"message_stop\"}}"
    ));
    assert_eq!(done.out, format!("{hello}{}", frame("message_stop", "")));
    assert_eq!(done.state, StreamState::Complete);
}

#[test]
fn json_answers_are_watched_while_they_pass() {
    let mut translator = AnthropicPassThrough::new(attempt()).unwrap();
    let response = br#"{"model":"claude-1","content":[{"text":"\"usage\":1"}],"usage":{"input_tokens":3,"output_tokens":2,"cache_creation_input_tokens":4}}"#;
    translator.observe_json(response);
    assert_eq!(*translator.stream_state(), StreamState::Complete);
    // 3 uncached + 4 written to the cache
    assert_eq!(
        translator.usage(),
        Some(Usage {
            prompt: 7,
            completion: 2,
            cache_written: 4,
            ..Usage::default()
        })
    );
    assert_eq!(translator.served_model(), Some("claude-1"));
}

#[test]
fn details_of_a_refusal_reach_the_client_word_for_word() {
    let body = br#"{"type":"error","error":{"type":"invalid_request_error","message":"thread: not supported","details":{"error_code":"thread_unsupported_request","unsupported":["hipaa"]}}}"#;
    let translator = AnthropicPassThrough::new(attempt()).unwrap();
    let error = translator.error(providers::ANTHROPIC, 400, &[], body);
    assert_eq!(
        error.details.as_deref(),
        Some(r#"{"error_code":"thread_unsupported_request","unsupported":["hipaa"]}"#)
    );
}
