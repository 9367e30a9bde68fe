//! Streams.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::UpstreamFormat;

use super::*;
use crate::error::ErrorKind;

#[test]
fn a_stream_is_held_until_it_shows_content() {
    let stream = hello() + &chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
    let (outcome, report) = response(
        &streaming(ChatCompletions, Provider::COMPATIBLE),
        200,
        &[SSE, ("x-request-id", "r")],
        &stream,
    );
    assert_eq!(body_of(&outcome), stream);
    assert_eq!(header(&outcome, "content-type"), Some("text/event-stream"));
    assert_eq!(header(&outcome, "content-length"), None);
    assert_eq!(header(&outcome, "x-request-id"), Some("r"));
    assert!(report.complete && report.content_sent && report.error.is_none());

    let mut exchange = Exchange::new(streaming(ChatCompletions, Provider::COMPATIBLE)).unwrap();
    exchange.response_head(200, &headers(&[SSE]), false);
    let mut out = Vec::new();
    let mut give =
        |text: &str, out: &mut Vec<u8>| exchange.response_body(text.as_bytes(), false, out);
    assert_eq!(give(": ping\n\n", &mut out), ResponseAction::Buffer);
    let role = chunk(r#"{"role":"assistant","content":""}"#, "null");
    assert_eq!(give(&role, &mut out), ResponseAction::Buffer);
    let content = chunk(r#"{"content":"a"}"#, "null");
    assert_eq!(give(&content, &mut out), ResponseAction::Replace);
    assert_eq!(
        std::mem::take(&mut out),
        format!(": ping\n\n{role}{content}").into_bytes()
    );
    assert_eq!(give(&content, &mut out), ResponseAction::Forward);
}

#[test]
fn the_only_choices_stream_goes_out_as_it_begins() {
    let begin = || {
        let exchange = Exchange::new(streaming(ChatCompletions, Provider::COMPATIBLE)).unwrap();
        let mut exchange = exchange.without_failover();
        exchange.response_head(200, &headers(&[SSE]), false);
        exchange
    };
    let role = chunk(r#"{"role":"assistant","content":""}"#, "null");
    let mut exchange = begin();
    let mut out = Vec::new();
    assert_eq!(
        exchange.response_body(role.as_bytes(), false, &mut out),
        ResponseAction::Replace
    );
    assert_eq!(std::mem::take(&mut out), role.as_bytes());
    // A stream that never shows content must not look complete.
    assert_eq!(
        exchange.response_body(&[], true, &mut out),
        ResponseAction::Replace
    );
    let end = String::from_utf8(out).unwrap();
    assert!(
        end.contains("\"error\"") && !end.contains("[DONE]"),
        "{end}"
    );

    // Nor one that fails before content, whichever translator is used.
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\nevent: content_block_start\n\
        data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
    let failure = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n";
    let exchange = Exchange::new(streaming(ChatCompletions, providers::ANTHROPIC)).unwrap();
    let mut exchange = exchange.without_failover();
    exchange.response_head(200, &headers(&[SSE]), false);
    let mut out = Vec::new();
    let action = exchange.response_body(start.as_bytes(), false, &mut out);
    assert_eq!(action, ResponseAction::Replace);
    assert!(String::from_utf8_lossy(&out).contains("assistant"));
    out.clear();
    exchange.response_body(failure.as_bytes(), false, &mut out);
    exchange.response_body(&[], true, &mut out);
    let end = String::from_utf8(out).unwrap();
    assert_eq!(end.matches("\"error\"").count(), 1, "{end}");
    assert!(!end.contains("[DONE]"), "{end}");

    // An error at the very start keeps its own status.
    let error = "data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n";
    let mut exchange = begin();
    assert_eq!(
        exchange.response_body(error.as_bytes(), false, &mut Vec::new()),
        ResponseAction::Failover(FailoverReason::ErrorInStream)
    );
    assert!(exchange.error_response().is_some());
}

#[test]
fn a_stream_whose_first_piece_shows_content_passes_without_a_copy() {
    let mut exchange = Exchange::new(streaming(ChatCompletions, Provider::COMPATIBLE)).unwrap();
    exchange.response_head(200, &headers(&[SSE]), false);
    let mut out = Vec::new();
    assert_eq!(
        exchange.response_body(hello().as_bytes(), false, &mut out),
        ResponseAction::Forward
    );
    assert!(out.is_empty());
}

#[test]
fn a_stream_without_content_fails_over() {
    use FailoverReason::{EmptyStream, ErrorInStream};
    let role = chunk(r#"{"role":"assistant","content":""}"#, "null");
    let table = [
        (String::new(), EmptyStream),
        ("data: [DONE]\n\n".to_owned(), EmptyStream),
        (format!("{role}data: [DONE]\n\n"), EmptyStream),
        (
            format!(
                ": ping\n\n{role}{}data: [DONE]\n\n",
                chunk("{}", "\"stop\"")
            ),
            EmptyStream,
        ),
        (format!("{role}data: {{\"choi"), EmptyStream),
        (
            "data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n".to_owned(),
            ErrorInStream,
        ),
        (
            format!("{role}data: {{\"error\":{{\"message\":\"bad\",\"code\":400}}}}\n\n"),
            ErrorInStream,
        ),
        (
            "event: error\ndata: {\"error\":\"x\"}\n\n".to_owned(),
            ErrorInStream,
        ),
        (format!("{role}data: <html>\n\n"), EmptyStream),
        (format!("{role}data: [1]\n\n"), ErrorInStream),
    ];
    for (stream, reason) in table {
        let (outcome, report) = response(
            &streaming(ChatCompletions, Provider::COMPATIBLE),
            200,
            &[SSE],
            &stream,
        );
        assert_eq!(outcome, Outcome::FailedOver(reason), "{stream}");
        assert!(report.error.is_some() && !report.content_sent, "{stream}");
        // Whoever has nothing to say and says so has not failed.
        assert_eq!(report.complete, stream.ends_with("[DONE]\n\n"), "{stream}");
    }
    let overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    for client in [ChatCompletions, AnthropicMessages] {
        let (outcome, report) = response(
            &streaming(client, providers::ANTHROPIC),
            200,
            &[SSE],
            overloaded,
        );
        assert_eq!(outcome, Outcome::FailedOver(ErrorInStream));
        assert_eq!(report.error.unwrap().kind, ErrorKind::Overloaded);
    }
}

#[test]
fn a_whole_stream_without_content_is_the_answer_where_nobody_else_is_left() {
    let role = chunk(r#"{"role":"assistant","content":""}"#, "null");
    let stream = format!("{role}{}data: [DONE]\n\n", chunk("{}", "\"stop\""));
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":1}}}\n\n";
    let stop = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":0}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    for client in [ChatCompletions, AnthropicMessages, Responses] {
        for (provider, stream) in [
            (Provider::COMPATIBLE, stream.clone()),
            (providers::ANTHROPIC, format!("{start}{stop}")),
        ] {
            for only in [false, true] {
                let exchange = Exchange::new(streaming(client, provider)).unwrap();
                let mut exchange = if only {
                    exchange.without_failover()
                } else {
                    exchange.as_last_attempt()
                };
                exchange.response_head(200, &headers(&[SSE]), false);
                let mut out = Vec::new();
                let action = exchange.response_body(stream.as_bytes(), false, &mut out);
                assert!(
                    !matches!(action, ResponseAction::Failover(_)),
                    "{client:?} {provider:?}"
                );
                exchange.response_body(&[], true, &mut out);
                let report = exchange.report();
                assert!(
                    report.complete && report.error.is_none(),
                    "{client:?} {provider:?}"
                );
                let text = String::from_utf8(out).unwrap();
                assert!(!text.contains("\"error\":{"), "{text}");
                let end = match client {
                    AnthropicMessages => "message_stop",
                    Responses => "response.completed",
                    _ => "[DONE]",
                };
                assert!(text.contains(end), "{client:?} {provider:?}: {text}");
            }
        }
    }
}

#[test]
fn a_finish_reason_that_explains_an_empty_answer_is_an_answer() {
    let stream = chunk("{}", "\"length\"") + "data: [DONE]\n\n";
    assert_eq!(
        body_of(
            &response(
                &streaming(ChatCompletions, Provider::COMPATIBLE),
                200,
                &[SSE],
                &stream
            )
            .0
        ),
        stream
    );
}

#[test]
fn a_stream_that_dies_after_content_ends_with_an_error_event() {
    let frame = "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n";
    let role = chunk(r#"{"role":"assistant"}"#, "null");
    let pieces = [hello(), role, format!("{frame}data: [DONE]\n\n")];
    let pieces: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
    let (outcome, report) = play(
        &streaming(ChatCompletions, Provider::COMPATIBLE),
        200,
        &headers(&[SSE]),
        &pieces,
        End::Properly,
    );
    let body = body_of(&outcome);
    assert!(body.starts_with(&hello()) && body.contains("boom") && !body.contains("[DONE]"));
    assert!(report.content_sent && !report.complete && report.error.is_some());

    for end in [End::ByReset, End::Properly] {
        let cut = hello();
        let pieces: [&[u8]; 2] = [cut.as_bytes(), b"data: {\"choices\":[{"];
        let (outcome, report) = play(
            &streaming(ChatCompletions, Provider::COMPATIBLE),
            200,
            &headers(&[SSE]),
            &pieces,
            end,
        );
        let error = body_of(&outcome).strip_prefix(&cut).unwrap();
        assert!(
            error.starts_with("data: {\"error\":{") && error.ends_with("}\n\n"),
            "{error}"
        );
        assert!(!report.complete && report.error.is_some());
    }
}

#[test]
fn content_that_was_not_passed_on_does_not_keep_an_error_from_failing_over() {
    let stream = hello() + "data: {\"error\":{\"message\":\"boom\"}}\n\n";
    let (outcome, _) = play(
        &streaming(ChatCompletions, Provider::COMPATIBLE),
        200,
        &headers(&[SSE]),
        &[stream.as_bytes()],
        End::Properly,
    );
    assert_eq!(outcome, Outcome::FailedOver(FailoverReason::ErrorInStream));
}

#[test]
fn a_reset_after_the_end_changes_nothing() {
    let stream = hello() + &chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
    let (outcome, report) = play(
        &streaming(ChatCompletions, Provider::COMPATIBLE),
        200,
        &headers(&[SSE]),
        &[stream.as_bytes()],
        End::ByReset,
    );
    assert_eq!(body_of(&outcome), stream);
    assert!(report.complete && report.error.is_none());
}

#[test]
fn a_stream_without_content_fails_over_for_every_pair() {
    let chat = [
        String::new(),
        "data: [DONE]\n\n".to_owned(),
        chunk(r#"{"role":"assistant","content":""}"#, "null"),
        chunk("{}", "\"stop\"") + "data: [DONE]\n\n",
    ];
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":1}}}\n\n";
    let stop = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":0}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let messages = [
        String::new(),
        "event: ping\ndata: {\"type\":\"ping\"}\n\n".to_owned(),
        start.to_owned(),
        format!("{start}{stop}"),
    ];
    for client in [
        ChatCompletions,
        ClientFormat::Completions,
        Responses,
        AnthropicMessages,
    ] {
        for upstream in [
            Provider::COMPATIBLE,
            providers::AZURE_OPENAI,
            providers::OLLAMA,
            providers::ANTHROPIC,
            providers::BEDROCK,
        ] {
            let attempt = streaming(client, upstream);
            if Exchange::new(attempt.clone()).is_err() {
                continue;
            }
            let (head, streams) = match upstream.format() {
                UpstreamFormat::OpenAi => (SSE, &chat[..]),
                UpstreamFormat::Anthropic => (SSE, &messages[..]),
                UpstreamFormat::Bedrock => (
                    ("content-type", "application/vnd.amazon.eventstream"),
                    &chat[..1],
                ),
            };
            for stream in streams {
                let (outcome, report) = response(&attempt, 200, &[head], stream);
                let expected = Outcome::FailedOver(FailoverReason::EmptyStream);
                assert_eq!(outcome, expected, "{client:?} {upstream:?} {stream}");
                assert!(report.error.is_some());
            }
        }
    }
}

/// These events are forwarded unchanged because their clients know them; as the first of a stream they still fail over.
#[test]
fn an_error_that_passes_unchanged_fails_over_where_it_comes_first() {
    let native = Attempt {
        native_responses: true,
        ..streaming(Responses, Provider::COMPATIBLE)
    };
    for event in [
        "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n",
        "event: error\ndata: {\"type\":\"error\",\"message\":\"boom\"}\n\n",
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"error\":{\"message\":\"boom\"}}}\n\n",
    ] {
        let mut exchange = Exchange::new(native.clone()).unwrap();
        exchange.response_head(200, &headers(&[SSE]), false);
        let mut out = Vec::new();
        let action = exchange.response_body(event.as_bytes(), false, &mut out);
        assert_eq!(
            action,
            ResponseAction::Failover(FailoverReason::ErrorInStream),
            "{event}"
        );
        assert!(out.is_empty());
    }
}
