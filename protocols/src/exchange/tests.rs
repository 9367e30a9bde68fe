//! Feeds responses as the filter does, in every way that a network may split them.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

mod errors;
mod json;
mod streams;

use catalog::{Provider, providers};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::format::ClientFormat::{
    self, AnthropicMessages, ChatCompletions, Embeddings, Responses,
};
use crate::translator::test_attempt;

/// What the filter would do.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    FailedOver(FailoverReason),
    Answered {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
}

/// How the upstream's response ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Properly,
    ByReset,
}

fn attempt(client: ClientFormat, provider: Provider) -> Attempt {
    test_attempt(client, provider)
}

fn streaming(client: ClientFormat, provider: Provider) -> Attempt {
    Attempt {
        stream: true,
        ..attempt(client, provider)
    }
}

fn headers<'a>(list: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a [u8])> {
    list.iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect()
}

/// Plays the filter: keeps `out` while the action is `Buffer`, otherwise sends it.
fn play(
    attempt: &Attempt,
    status: u16,
    head: &HeaderSlice<'_>,
    pieces: &[&[u8]],
    end: End,
) -> (Outcome, Report) {
    let mut exchange = Exchange::new(attempt.clone()).unwrap();
    let mut sent: Option<(u16, ResponseHeaders<'_>)> = None;
    let mut body = Vec::new();
    let mut out = Vec::new();
    if let ResponseAction::Failover(reason) = exchange.response_head(status, head, false) {
        return (Outcome::FailedOver(reason), exchange.report());
    }
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len() && end == End::Properly;
        let before = out.len();
        let action = exchange.response_body(piece, last, &mut out);
        match action {
            ResponseAction::Buffer => {
                assert!(
                    sent.is_none() && !last,
                    "held after something was passed on, or at the end"
                );
                continue;
            }
            ResponseAction::Failover(reason) => {
                assert!(
                    sent.is_none() && out.is_empty(),
                    "failed over after something was passed on"
                );
                return (Outcome::FailedOver(reason), exchange.report());
            }
            ResponseAction::Forward => {
                assert_eq!(
                    (out.len(), before),
                    (0, 0),
                    "nothing is appended, and nothing was held"
                );
                body.extend_from_slice(piece);
            }
            ResponseAction::Replace => body.append(&mut out),
        }
        sent.get_or_insert_with(|| exchange.response_headers(head));
    }
    if end == End::ByReset {
        match exchange.on_reset(&mut out) {
            ResponseAction::Failover(reason) => {
                assert!(sent.is_none() && out.is_empty());
                return (Outcome::FailedOver(reason), exchange.report());
            }
            _ => body.append(&mut out),
        }
        sent.get_or_insert_with(|| exchange.response_headers(head));
    }
    let (status, headers) = sent.unwrap();
    if let Some((_, length)) = headers.iter().find(|(name, _)| *name == "content-length") {
        let length: usize = std::str::from_utf8(length).unwrap().parse().unwrap();
        assert!(
            length == body.len() || end == End::ByReset,
            "content-length {length} for {} bytes",
            body.len()
        );
    }
    let text = |value: Vec<u8>| String::from_utf8(value).unwrap();
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), text(value.into_owned())))
        .collect();
    (
        Outcome::Answered {
            status,
            headers,
            body: text(body),
        },
        exchange.report(),
    )
}

/// Plays a response whole, in odd chunks and byte by byte, with and without `content-length`, and requires one result.
fn response(
    attempt: &Attempt,
    status: u16,
    head: &[(&str, &str)],
    body: &str,
) -> (Outcome, Report) {
    let length = body.len().to_string();
    let with_length: Vec<(&str, &str)> = head
        .iter()
        .copied()
        .chain([("content-length", length.as_str())])
        .collect();
    let (whole, report) = play(
        attempt,
        status,
        &headers(head),
        &[body.as_bytes()],
        End::Properly,
    );
    for size in [1, 3, 100, 5000] {
        for head in [head, &with_length] {
            let mut pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
            if pieces.is_empty() || size == 3 {
                pieces.push(b"");
            }
            let (outcome, again) = play(attempt, status, &headers(head), &pieces, End::Properly);
            assert_eq!(essence(&outcome), essence(&whole), "pieces of {size}");
            assert_eq!(again, report, "pieces of {size}");
        }
    }
    (whole, report)
}

/// An outcome without `content-length`, which depends on the chunks.
fn essence(outcome: &Outcome) -> Outcome {
    let mut outcome = outcome.clone();
    if let Outcome::Answered { headers, .. } = &mut outcome {
        headers.retain(|(name, _)| name != "content-length");
    }
    outcome
}

fn body_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Answered { body, .. } => body,
        Outcome::FailedOver(reason) => panic!("failed over: {reason:?}"),
    }
}

fn header<'a>(outcome: &'a Outcome, name: &str) -> Option<&'a str> {
    match outcome {
        Outcome::Answered { headers, .. } => headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str()),
        Outcome::FailedOver(reason) => panic!("failed over: {reason:?}"),
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const SSE: (&str, &str) = ("content-type", "text/event-stream");
const CHAT: &str = r#"{"id":"c","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;

fn chunk(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

fn hello() -> String {
    chunk(r#"{"role":"assistant","content":""}"#, "null") + &chunk(r#"{"content":"Hello"}"#, "null")
}

#[test]
fn answers_of_the_wrong_kind_fail_over() {
    let json = attempt(ChatCompletions, Provider::COMPATIBLE);
    let stream = streaming(ChatCompletions, Provider::COMPATIBLE);
    type Row<'a> = (
        &'a Attempt,
        &'a [(&'a str, &'a str)],
        &'a str,
        FailoverReason,
    );
    let table: &[Row<'_>] = &[
        (
            &json,
            &[("content-type", "text/html; charset=utf-8")],
            "<html>",
            FailoverReason::Upstream5xx,
        ),
        (
            &stream,
            &[("content-type", "text/html")],
            "<html>",
            FailoverReason::Upstream5xx,
        ),
        (&json, &[SSE], "data: {}\n\n", FailoverReason::Upstream5xx),
        (&stream, &[JSON], CHAT, FailoverReason::Upstream5xx),
        (
            &stream,
            &[JSON],
            r#"{"error":{"message":"x"}}"#,
            FailoverReason::ErrorInStream,
        ),
        (
            &json,
            &[JSON, ("content-encoding", "gzip")],
            "\u{1f}",
            FailoverReason::Upstream5xx,
        ),
        (
            &stream,
            &[SSE, ("content-encoding", "br")],
            "\u{1f}",
            FailoverReason::Upstream5xx,
        ),
    ];
    for (attempt, head, body, reason) in table {
        let (outcome, report) = response(attempt, 200, head, body);
        assert_eq!(outcome, Outcome::FailedOver(*reason), "{head:?}");
        assert!(report.error.is_some());
    }
    // An unlabelled body is read.
    assert!(body_of(&response(&json, 200, &[], CHAT).0).contains("Hi"));
    assert!(
        body_of(
            &response(
                &json,
                200,
                &[
                    ("content-type", "text/plain"),
                    ("content-encoding", "identity")
                ],
                CHAT
            )
            .0
        )
        .contains("Hi")
    );
    let whole = hello() + &chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
    assert_eq!(
        body_of(&response(&stream, 200, &[("content-type", "text/plain")], &whole).0),
        whole
    );
}

#[test]
fn an_answer_without_a_body_is_decided_at_its_head() {
    let table = [
        (
            ChatCompletions,
            500,
            ResponseAction::Failover(FailoverReason::Upstream5xx),
        ),
        (
            ChatCompletions,
            200,
            ResponseAction::Failover(FailoverReason::Upstream5xx),
        ),
        (ChatCompletions, 400, ResponseAction::Replace),
    ];
    for (client, status, expected) in table {
        let mut exchange = Exchange::new(attempt(client, Provider::COMPATIBLE)).unwrap();
        assert_eq!(
            exchange.response_head(status, &headers(&[]), true),
            expected
        );
    }
    let mut exchange = Exchange::new(streaming(ChatCompletions, Provider::COMPATIBLE)).unwrap();
    let action = exchange.response_head(200, &headers(&[SSE]), true);
    assert_eq!(
        action,
        ResponseAction::Failover(FailoverReason::EmptyStream)
    );
}

#[test]
fn a_reset_before_anything_was_passed_on_fails_over() {
    let reset = |attempt: &Attempt, status, head: &[(&str, &str)], body: &str| {
        play(
            attempt,
            status,
            &headers(head),
            &[body.as_bytes()],
            End::ByReset,
        )
        .0
    };
    let broken = Outcome::FailedOver(FailoverReason::UpstreamReset);
    let role = chunk(r#"{"role":"assistant"}"#, "null");
    assert_eq!(
        reset(
            &attempt(ChatCompletions, Provider::COMPATIBLE),
            200,
            &[JSON],
            "{\"id\""
        ),
        broken
    );
    assert_eq!(
        reset(
            &attempt(ChatCompletions, providers::ANTHROPIC),
            200,
            &[JSON],
            "{\"id\""
        ),
        broken
    );
    assert_eq!(
        reset(
            &streaming(ChatCompletions, Provider::COMPATIBLE),
            200,
            &[SSE],
            &role
        ),
        broken
    );
    assert_eq!(
        reset(
            &streaming(ChatCompletions, Provider::COMPATIBLE),
            200,
            &[JSON],
            "{"
        ),
        broken
    );
    let unavailable = Outcome::FailedOver(FailoverReason::Upstream5xx);
    assert_eq!(
        reset(
            &attempt(ChatCompletions, Provider::COMPATIBLE),
            503,
            &[],
            "no heal"
        ),
        unavailable
    );
    assert!(
        body_of(&reset(
            &attempt(ChatCompletions, Provider::COMPATIBLE),
            400,
            &[],
            "bad req"
        ))
        .contains("bad req")
    );
    // The rest of a JSON response cannot be made up.
    let long = format!("{{\"a\":\"{}", "x".repeat(70_000));
    let (outcome, report) = play(
        &attempt(ChatCompletions, Provider::COMPATIBLE),
        200,
        &headers(&[JSON]),
        &[long.as_bytes()],
        End::ByReset,
    );
    assert_eq!(body_of(&outcome), long);
    assert!(!report.complete && report.content_sent);
}

#[test]
fn memory_is_bounded() {
    let piece = vec![b' '; 1024 * 1024];
    let mut exchange = Exchange::new(attempt(ChatCompletions, providers::ANTHROPIC)).unwrap();
    exchange.response_head(200, &headers(&[JSON]), false);
    let mut out = Vec::new();
    let verdicts: Vec<ResponseAction> = (0..40)
        .map(|_| exchange.response_body(&piece, false, &mut out))
        .collect();
    assert_eq!(
        verdicts
            .iter()
            .position(|action| *action != ResponseAction::Buffer),
        Some(32)
    );
    assert_eq!(
        verdicts[32],
        ResponseAction::Failover(FailoverReason::Upstream5xx)
    );

    let mut exchange = Exchange::new(streaming(ChatCompletions, Provider::COMPATIBLE)).unwrap();
    exchange.response_head(200, &headers(&[SSE]), false);
    let ping = b": ping\n\n".repeat(128 * 1024);
    let verdicts: Vec<ResponseAction> = (0..40)
        .map(|_| exchange.response_body(&ping, false, &mut out))
        .collect();
    let decided = verdicts
        .iter()
        .position(|action| *action != ResponseAction::Buffer)
        .unwrap();
    assert!(decided <= 17);
    assert_eq!(
        verdicts[decided],
        ResponseAction::Failover(FailoverReason::EmptyStream)
    );

    let mut exchange = Exchange::new(attempt(ChatCompletions, Provider::COMPATIBLE)).unwrap();
    exchange.response_head(400, &headers(&[]), false);
    assert_eq!(
        exchange.response_body(&[b'x'; 70_000], false, &mut out),
        ResponseAction::Replace
    );
    assert!(out.len() < 5000, "a cut message");
    out.clear();
    assert_eq!(
        exchange.response_body(b"more", true, &mut out),
        ResponseAction::Replace
    );
    assert!(out.is_empty());
}

#[test]
fn requests_ask_for_answers_that_can_be_read() {
    let body = br#"{"model":"m","messages":[]}"#;
    let attempt = Attempt {
        model_span: 9..12,
        ..attempt(ChatCompletions, Provider::COMPATIBLE)
    };
    let outgoing = Exchange::new(attempt).unwrap().request(body).unwrap();
    assert!(
        outgoing
            .headers
            .contains(&("accept-encoding", "identity".to_owned()))
    );
}

#[test]
fn pairs_that_nobody_serves_say_so() {
    for (client, upstream) in [
        (ClientFormat::Completions, providers::ANTHROPIC),
        (Embeddings, providers::ANTHROPIC),
        (ClientFormat::AnthropicCountTokens, Provider::COMPATIBLE),
        (ClientFormat::Completions, providers::BEDROCK),
    ] {
        let error = Exchange::new(attempt(client, upstream)).err().unwrap();
        assert_eq!(
            error.message,
            format!(
                "{} is not served by {} upstreams",
                client.path(),
                upstream.format().title()
            )
        );
    }
    let native = Attempt {
        native_responses: true,
        ..attempt(Responses, Provider::COMPATIBLE)
    };
    assert!(Exchange::new(native).is_ok());
}

/// Who is asked where, of those whose model refuses tools on Chat Completions while it thinks.
#[test]
fn tools_and_thinking_go_over_responses_where_chat_completions_refuses_both() {
    let tools = r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#;
    let chat = |more: &str| {
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{more}}}"#)
    };
    let messages = r#"{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"x"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"kt-encrypted:enc"},
            {"type":"tool_use","id":"c","name":"f","input":{}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"y"}]}],
        "tools":[{"name":"f","input_schema":{"type":"object"}}],"output_config":{"effort":"high"}}"#;
    let with_tools = chat(&format!(",{tools}"));
    let with_both = chat(&format!(r#",{tools},"reasoning_effort":"high""#));
    let chat_path = "/v1/chat/completions";
    let rows: [(ClientFormat, &str, bool, &str, &str); 8] = [
        (
            ChatCompletions,
            "gpt-5.4",
            true,
            &with_both,
            "/v1/responses",
        ),
        (ChatCompletions, "gpt-5.4", true, &with_tools, chat_path),
        (
            ChatCompletions,
            "gpt-5.6-sol",
            true,
            &with_tools,
            "/v1/responses",
        ),
        (
            ChatCompletions,
            "gpt-5.4",
            true,
            &chat(r#","reasoning_effort":"high""#),
            chat_path,
        ),
        (ChatCompletions, "gpt-5.4", false, &with_both, chat_path),
        (ChatCompletions, "gpt-5.1", true, &with_both, chat_path),
        (
            AnthropicMessages,
            "gpt-5.4",
            true,
            messages,
            "/v1/responses",
        ),
        (AnthropicMessages, "gpt-5.1", true, messages, chat_path),
    ];
    for (client, model, native_responses, body, path) in rows {
        let info = crate::request_info::scan(client, body.as_bytes()).unwrap();
        let mut exchange = Exchange::new(Attempt {
            model: model.to_owned(),
            native_responses,
            traits: info.traits,
            model_span: info.model_span.clone(),
            ..attempt(client, providers::OPENAI)
        })
        .unwrap();
        let sent = exchange.request(body.as_bytes()).unwrap();
        assert_eq!(sent.path, path, "{model}: {body}");
        let body = String::from_utf8(sent.body.applied(body.as_bytes()).into_owned()).unwrap();
        if client == AnthropicMessages && path != chat_path {
            assert!(body.contains(r#""encrypted_content":"enc""#), "{body}");
        }
        assert!(!body.contains("kt-encrypted"), "{body}");
    }
}

proptest! {
    #[test]
    fn cuts_change_no_answer(
        cuts in proptest::collection::vec(0usize..1500, 0..8),
        which in 0usize..5,
        metadata in any::<bool>(),
    ) {
        let whole = hello() + &chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
        let (stream, status, body) = [
            (false, 200, CHAT.to_owned()),
            (false, 200, "{}".to_owned()),
            (true, 200, whole),
            (true, 200, "data: {\"error\":{\"message\":\"x\"}}\n\n".to_owned()),
            (false, 400, "bad".to_owned()),
        ][which].clone();
        let attempt = Attempt { stream, metadata: metadata.then(|| "{\"a\":1}".to_owned()), ..attempt(ChatCompletions, Provider::COMPATIBLE) };
        let head = headers(&[if stream { SSE } else { JSON }]);
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= body.len()).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &body.as_bytes()[pair[0]..pair[1]]).collect();
        let (cut, cut_report) = play(&attempt, status, &head, &pieces, End::Properly);
        let (whole, report) = play(&attempt, status, &head, &[body.as_bytes()], End::Properly);
        prop_assert_eq!(essence(&cut), essence(&whole));
        prop_assert_eq!(cut_report, report);
    }

    #[test]
    fn any_answer_gets_a_verdict(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        status in 0u16..700,
        stream in any::<bool>(),
    ) {
        for upstream in [Provider::COMPATIBLE, providers::OLLAMA, providers::ANTHROPIC] {
            let mut exchange = Exchange::new(Attempt { stream, ..attempt(ChatCompletions, upstream) }).unwrap();
            let head = headers(&[if stream { SSE } else { JSON }]);
            let mut out = Vec::new();
            if exchange.response_head(status, &head, false) == ResponseAction::Buffer {
                let action = exchange.response_body(&bytes, true, &mut out);
                prop_assert_ne!(action, ResponseAction::Buffer, "held at the end");
            }
        }
    }
}
