use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::format::ClientFormat::{
    self, AnthropicMessages, ChatCompletions, Embeddings, Responses,
};
use crate::format::UpstreamFormat::{self, Anthropic, Bedrock, Ollama, OpenAi};
use crate::translator::test_attempt;

/// What the filter makes of an answer.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    FailedOver(FailoverReason),
    Answered {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
}

/// Where the upstream's answer ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Properly,
    ByReset,
}

fn attempt(client: ClientFormat, upstream: UpstreamFormat) -> Attempt {
    test_attempt(client, upstream)
}

fn streaming(client: ClientFormat, upstream: UpstreamFormat) -> Attempt {
    Attempt {
        stream: true,
        ..attempt(client, upstream)
    }
}

fn headers(list: &[(&str, &str)]) -> Headers {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// Plays the filter: keeps `out` while the verdict is `Hold`, and sends it on otherwise.
fn play(
    attempt: &Attempt,
    status: u16,
    head: &Headers,
    pieces: &[&[u8]],
    end: End,
) -> (Outcome, Report) {
    let mut exchange = Exchange::new(attempt.clone()).unwrap();
    let mut sent: Option<(u16, Headers)> = None;
    let mut body = Vec::new();
    let mut out = Vec::new();
    if let Verdict::FailOver(reason) = exchange.response_head(status, head, false) {
        return (Outcome::FailedOver(reason), exchange.report());
    }
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len() && end == End::Properly;
        let before = out.len();
        let verdict = exchange.response_body(piece, last, &mut out);
        match verdict {
            Verdict::Hold => {
                assert!(
                    sent.is_none() && !last,
                    "held after something was passed on, or at the end"
                );
                continue;
            }
            Verdict::FailOver(reason) => {
                assert!(
                    sent.is_none() && out.is_empty(),
                    "failed over after something was passed on"
                );
                return (Outcome::FailedOver(reason), exchange.report());
            }
            Verdict::PassUnchanged => {
                assert_eq!(
                    (out.len(), before),
                    (0, 0),
                    "nothing is appended, and nothing was held"
                );
                body.extend_from_slice(piece);
            }
            Verdict::Pass => body.append(&mut out),
        }
        sent.get_or_insert_with(|| exchange.response_headers(head));
    }
    if end == End::ByReset {
        match exchange.on_reset(&mut out) {
            Verdict::FailOver(reason) => {
                assert!(sent.is_none() && out.is_empty());
                return (Outcome::FailedOver(reason), exchange.report());
            }
            _ => body.append(&mut out),
        }
        sent.get_or_insert_with(|| exchange.response_headers(head));
    }
    let (status, headers) = sent.unwrap();
    if let Some((_, length)) = headers.iter().find(|(name, _)| name == "content-length") {
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
        .map(|(name, value)| (name, text(value)))
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

/// Plays an answer whole, in odd pieces and byte by byte, with and without its length, and insists on one body.
fn answer(attempt: &Attempt, status: u16, head: &[(&str, &str)], body: &str) -> (Outcome, Report) {
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

/// An outcome without `content-length`, which is known or not depending on the pieces.
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
fn json_passes_with_metadata_in_front() {
    let attempt = Attempt {
        metadata: Some(r#"{"provider":"p"}"#.to_owned()),
        ..attempt(ChatCompletions, OpenAi)
    };
    for (before, after) in [("", ""), ("\n\n \r\n", ""), ("", "\n")] {
        let (outcome, report) = answer(&attempt, 200, &[JSON], &format!("{before}{CHAT}{after}"));
        let expected = CHAT.replacen('{', r#"{"keeptrusts_metadata":{"provider":"p"},"#, 1) + after;
        assert_eq!(body_of(&outcome), expected);
        assert_eq!(header(&outcome, "content-type"), Some("application/json"));
        assert_eq!(
            report.usage,
            Some(Usage {
                prompt: 3,
                completion: 2,
                ..Usage::default()
            })
        );
        assert_eq!(report.served_model.as_deref(), Some("gpt-4o"));
        assert!(report.complete && report.content_sent && report.error.is_none());
    }
}

#[test]
fn json_without_metadata_passes_untouched() {
    let attempt = attempt(ChatCompletions, OpenAi);
    let (outcome, report) = answer(&attempt, 200, &[JSON], CHAT);
    assert_eq!(body_of(&outcome), CHAT);
    assert!(report.complete);
    let mut exchange = Exchange::new(attempt).unwrap();
    assert_eq!(
        exchange.response_head(200, &headers(&[JSON]), false),
        Verdict::Hold
    );
    let mut out = Vec::new();
    assert_eq!(
        exchange.response_body(CHAT.as_bytes(), true, &mut out),
        Verdict::PassUnchanged
    );
    assert!(out.is_empty());
}

#[test]
fn a_long_json_answer_passes_before_its_end() {
    let numbers = vec!["0.123456789"; 10_000].join(",");
    let body = format!(
        r#"{{"object":"list","data":[{{"embedding":[{numbers}]}}],"model":"e","usage":{{"prompt_tokens":8,"total_tokens":8}}}}"#
    );
    let attempt = Attempt {
        metadata: Some("{}".to_owned()),
        stream: true,
        ..attempt(Embeddings, OpenAi)
    };
    let mut exchange = Exchange::new(attempt.clone()).unwrap();
    let head = headers(&[JSON, ("content-length", &body.len().to_string())]);
    assert_eq!(exchange.response_head(200, &head, false), Verdict::Hold);
    let mut out = Vec::new();
    assert_eq!(
        exchange.response_body(&body.as_bytes()[..100], false, &mut out),
        Verdict::Hold
    );
    assert_eq!(
        exchange.response_body(&body.as_bytes()[100..9000], false, &mut out),
        Verdict::Pass
    );
    assert!(out.starts_with(b"{\"keeptrusts_metadata\":{},\"object\"") && out.len() > 9000);
    let (_, passed) = exchange.response_headers(&head);
    let length = body.len() + r#""keeptrusts_metadata":{},"#.len();
    assert!(passed.contains(&("content-length".to_owned(), length.to_string().into_bytes())));

    let (outcome, report) = answer(&attempt, 200, &[JSON], &body);
    assert_eq!(body_of(&outcome).len(), length);
    assert_eq!(
        report.usage,
        Some(Usage {
            prompt: 8,
            ..Usage::default()
        })
    );
    assert!(report.complete);
}

#[test]
fn json_that_needs_translation_is_gathered() {
    let attempt = Attempt {
        metadata: Some("{\"provider\":\"p\"}".to_owned()),
        ..attempt(ChatCompletions, Anthropic)
    };
    let upstream = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-1",
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 3, "output_tokens": 2}});
    let (outcome, report) = answer(&attempt, 200, &[JSON], &upstream.to_string());
    let body: Value = serde_json::from_str(body_of(&outcome)).unwrap();
    assert_eq!(body["keeptrusts_metadata"]["provider"], "p");
    assert_eq!(body["choices"][0]["message"]["content"], "Hi");
    assert!(header(&outcome, "content-length").is_some());
    assert!(report.complete && report.content_sent);
    assert_eq!(report.usage.map(|usage| usage.total()), Some(5));

    // Ollama's answers are read whole, and go on as they are where nothing has to change.
    let ollama = Attempt {
        upstream: Ollama,
        ..attempt
    };
    let (outcome, _) = answer(&ollama, 200, &[JSON], CHAT);
    assert!(body_of(&outcome).starts_with(r#"{"keeptrusts_metadata":{"provider":"p"},"id":"c""#));
}

#[test]
fn errors_in_the_clothes_of_success_fail_over() {
    use FailoverReason::{Upstream5xx, UpstreamRateLimited};
    let table = [
        (
            r#"{"error":{"message":"busy","type":"server_error"}}"#,
            Upstream5xx,
        ),
        (
            r#"{"error":{"message":"busy","code":429}}"#,
            UpstreamRateLimited,
        ),
        (
            r#"{"id":"x","error":{"message":"Overloaded","type":"overloaded_error"}}"#,
            Upstream5xx,
        ),
        (
            r#"{"object":"error","message":"busy","code":500}"#,
            Upstream5xx,
        ),
        (
            r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#,
            Upstream5xx,
        ),
        ("", Upstream5xx),
        ("  \n", Upstream5xx),
        ("ok", Upstream5xx),
        ("[]", Upstream5xx),
        ("\"Hi\"", Upstream5xx),
    ];
    for upstream in [OpenAi, Anthropic, Ollama] {
        for (body, reason) in table {
            let (outcome, report) = answer(&attempt(ChatCompletions, upstream), 200, &[JSON], body);
            assert_eq!(outcome, Outcome::FailedOver(reason), "{upstream:?} {body}");
            assert!(report.error.is_some() && !report.content_sent);
        }
    }
    let long = format!(
        r#"{{"error":{{"message":"{}","code":500}}}}"#,
        "x".repeat(20_000)
    );
    let (outcome, _) = answer(&attempt(ChatCompletions, OpenAi), 200, &[JSON], &long);
    assert_eq!(outcome, Outcome::FailedOver(Upstream5xx));
}

#[test]
fn the_clients_own_fault_is_its_answer_whatever_the_status() {
    let body = r#"{"error":{"message":"bad","code":400,"type":"invalid_request_error"}}"#;
    let (outcome, report) = answer(&attempt(ChatCompletions, OpenAi), 200, &[JSON], body);
    let Outcome::Answered { status, body, .. } = outcome else {
        panic!("failed over")
    };
    assert_eq!(status, 400);
    assert_eq!(
        body,
        r#"{"error":{"message":"bad","type":"invalid_request_error","code":"400","param":null}}"#
    );
    assert!(!report.content_sent && !report.complete);
}

#[test]
fn answers_of_the_wrong_kind_fail_over() {
    let json = attempt(ChatCompletions, OpenAi);
    let stream = streaming(ChatCompletions, OpenAi);
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
        let (outcome, report) = answer(attempt, 200, head, body);
        assert_eq!(outcome, Outcome::FailedOver(*reason), "{head:?}");
        assert!(report.error.is_some());
    }
    // What is not labelled is read.
    assert!(body_of(&answer(&json, 200, &[], CHAT).0).contains("Hi"));
    assert!(
        body_of(
            &answer(
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
        body_of(&answer(&stream, 200, &[("content-type", "text/plain")], &whole).0),
        whole
    );
}

#[test]
fn error_answers() {
    use FailoverReason::{
        ModelNotFound, Upstream5xx, UpstreamAuth, UpstreamRateLimited, UpstreamTimeout,
    };
    let table: &[(u16, &str, Option<FailoverReason>)] = &[
        (
            400,
            r#"{"error":{"message":"bad","type":"invalid_request_error","param":"x","code":null}}"#,
            None,
        ),
        (422, r#"{"detail":"unprocessable"}"#, None),
        (413, "too large", None),
        (
            404,
            r#"{"error":{"code":"404","message":"Resource not found"}}"#,
            None,
        ),
        (
            400,
            r#"{"error":{"message":"maximum context length","code":"context_length_exceeded"}}"#,
            None,
        ),
        (
            400,
            r#"{"error":{"message":"filtered","code":"content_filter"}}"#,
            None,
        ),
        (401, "", Some(UpstreamAuth)),
        (403, "<html></html>", Some(UpstreamAuth)),
        (
            404,
            r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            Some(ModelNotFound),
        ),
        (408, "", Some(UpstreamTimeout)),
        (429, "", Some(UpstreamRateLimited)),
        (500, "", Some(Upstream5xx)),
        (503, "no healthy upstream", Some(Upstream5xx)),
        (529, "", Some(Upstream5xx)),
        (302, "", Some(Upstream5xx)),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
            Some(Upstream5xx),
        ),
        (
            400,
            r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Some(Upstream5xx),
        ),
    ];
    for stream in [false, true] {
        for (status, body, reason) in table {
            let attempt = Attempt {
                stream,
                ..attempt(ChatCompletions, OpenAi)
            };
            let (outcome, report) = answer(&attempt, *status, &[JSON], body);
            match (&outcome, reason) {
                (Outcome::FailedOver(found), Some(expected)) => {
                    assert_eq!(found, expected, "{status} {body}")
                }
                (
                    Outcome::Answered {
                        status: answered,
                        body,
                        ..
                    },
                    None,
                ) => {
                    assert_eq!(answered, status);
                    let body: Value = serde_json::from_str(body).unwrap();
                    assert_eq!(body["error"]["type"], "invalid_request_error");
                    assert_eq!(header(&outcome, "content-type"), Some("application/json"));
                }
                _ => panic!("{status} {body}: {outcome:?}"),
            }
            assert!(report.error.is_some() && !report.content_sent && !report.complete);
        }
    }
}

#[test]
fn context_length_and_filter_fail_over_where_the_policy_says_so() {
    let asked = Attempt {
        fail_over_on_context_length: true,
        fail_over_on_content_policy: true,
        ..attempt(ChatCompletions, OpenAi)
    };
    for (code, reason) in [
        ("context_length_exceeded", FailoverReason::ContextLength),
        ("content_filter", FailoverReason::ContentPolicy),
    ] {
        let body = json!({"error": {"message": "m", "code": code}}).to_string();
        assert_eq!(
            answer(&asked, 400, &[JSON], &body).0,
            Outcome::FailedOver(reason)
        );
        let stream = Attempt {
            stream: true,
            ..asked.clone()
        };
        let event = format!("data: {body}\n\n");
        assert_eq!(
            answer(&stream, 200, &[SSE], &event).0,
            Outcome::FailedOver(reason)
        );
    }
}

#[test]
fn a_failed_attempt_has_an_answer_for_the_last_one() {
    let head = headers(&[JSON, ("retry-after", "2"), ("set-cookie", "x")]);
    for (client, shape) in [
        (ChatCompletions, "rate_limit_error"),
        (AnthropicMessages, "rate_limit_error"),
    ] {
        let upstream = if client == AnthropicMessages {
            Anthropic
        } else {
            OpenAi
        };
        let mut exchange = Exchange::new(attempt(client, upstream)).unwrap();
        exchange.response_head(429, &head, false);
        let verdict = exchange.response_body(
            br#"{"error":{"message":"slow down"}}"#,
            true,
            &mut Vec::new(),
        );
        assert_eq!(
            verdict,
            Verdict::FailOver(FailoverReason::UpstreamRateLimited)
        );
        let (status, list, body) = exchange.error_answer().unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status, &body["error"]["type"], &body["error"]["message"]),
            (429, &json!(shape), &json!("slow down"))
        );
        assert!(list.contains(&("retry-after".to_owned(), b"2".to_vec())));
        assert!(!list.iter().any(|(name, _)| name == "set-cookie"));
        assert_eq!(exchange.report().error.unwrap().retry_after_ms, Some(2000));
    }
    let mut exchange = Exchange::new(attempt(ChatCompletions, OpenAi)).unwrap();
    assert_eq!(
        exchange.on_reset(&mut Vec::new()),
        Verdict::FailOver(FailoverReason::UpstreamReset)
    );
    assert_eq!(exchange.error_answer(), None, "there was no answer");
}

#[test]
fn a_date_to_retry_after_is_read_without_the_providers_clock() {
    let late = Attempt {
        created: 784_111_740,
        ..attempt(ChatCompletions, OpenAi)
    };
    let head = [("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
    let (_, report) = answer(&late, 503, &head, "");
    assert_eq!(report.error.unwrap().retry_after_ms, Some(37_000));
}

#[test]
fn an_answer_without_a_body_is_decided_at_its_head() {
    let table = [
        (
            ChatCompletions,
            500,
            Verdict::FailOver(FailoverReason::Upstream5xx),
        ),
        (
            ChatCompletions,
            200,
            Verdict::FailOver(FailoverReason::Upstream5xx),
        ),
        (ChatCompletions, 400, Verdict::Pass),
    ];
    for (client, status, expected) in table {
        let mut exchange = Exchange::new(attempt(client, OpenAi)).unwrap();
        assert_eq!(
            exchange.response_head(status, &headers(&[]), true),
            expected
        );
    }
    let mut exchange = Exchange::new(streaming(ChatCompletions, OpenAi)).unwrap();
    let verdict = exchange.response_head(200, &headers(&[SSE]), true);
    assert_eq!(verdict, Verdict::FailOver(FailoverReason::EmptyStream));
}

#[test]
fn a_compressed_error_is_judged_by_its_status() {
    let (outcome, report) = answer(
        &attempt(ChatCompletions, OpenAi),
        400,
        &[("content-encoding", "gzip")],
        "\u{1f}\u{8b}",
    );
    assert!(body_of(&outcome).contains("the provider answered 400 without a message"));
    assert_eq!(report.error.unwrap().kind, ErrorKind::InvalidRequest);
}

#[test]
fn a_stream_is_held_until_it_shows_content() {
    let stream = hello() + &chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
    let (outcome, report) = answer(
        &streaming(ChatCompletions, OpenAi),
        200,
        &[SSE, ("x-request-id", "r")],
        &stream,
    );
    assert_eq!(body_of(&outcome), stream);
    assert_eq!(header(&outcome, "content-type"), Some("text/event-stream"));
    assert_eq!(header(&outcome, "content-length"), None);
    assert_eq!(header(&outcome, "x-request-id"), Some("r"));
    assert!(report.complete && report.content_sent && report.error.is_none());

    let mut exchange = Exchange::new(streaming(ChatCompletions, OpenAi)).unwrap();
    exchange.response_head(200, &headers(&[SSE]), false);
    let mut out = Vec::new();
    let mut give =
        |text: &str, out: &mut Vec<u8>| exchange.response_body(text.as_bytes(), false, out);
    assert_eq!(give(": ping\n\n", &mut out), Verdict::Hold);
    let role = chunk(r#"{"role":"assistant","content":""}"#, "null");
    assert_eq!(give(&role, &mut out), Verdict::Hold);
    let content = chunk(r#"{"content":"a"}"#, "null");
    assert_eq!(give(&content, &mut out), Verdict::Pass);
    assert_eq!(
        std::mem::take(&mut out),
        format!(": ping\n\n{role}{content}").into_bytes()
    );
    assert_eq!(give(&content, &mut out), Verdict::PassUnchanged);
}

#[test]
fn a_stream_whose_first_piece_shows_content_passes_without_a_copy() {
    let mut exchange = Exchange::new(streaming(ChatCompletions, OpenAi)).unwrap();
    exchange.response_head(200, &headers(&[SSE]), false);
    let mut out = Vec::new();
    assert_eq!(
        exchange.response_body(hello().as_bytes(), false, &mut out),
        Verdict::PassUnchanged
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
        (format!("{role}data: <html>\n\n"), ErrorInStream),
    ];
    for (stream, reason) in table {
        let (outcome, report) = answer(&streaming(ChatCompletions, OpenAi), 200, &[SSE], &stream);
        assert_eq!(outcome, Outcome::FailedOver(reason), "{stream}");
        assert!(
            report.error.is_some() && !report.content_sent && !report.complete,
            "{stream}"
        );
    }
    let overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    for client in [ChatCompletions, AnthropicMessages] {
        let (outcome, report) = answer(&streaming(client, Anthropic), 200, &[SSE], overloaded);
        assert_eq!(outcome, Outcome::FailedOver(ErrorInStream));
        assert_eq!(report.error.unwrap().kind, ErrorKind::Overloaded);
    }
}

#[test]
fn a_finish_reason_that_explains_an_empty_answer_is_an_answer() {
    let stream = chunk("{}", "\"length\"") + "data: [DONE]\n\n";
    assert_eq!(
        body_of(&answer(&streaming(ChatCompletions, OpenAi), 200, &[SSE], &stream).0),
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
        &streaming(ChatCompletions, OpenAi),
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
            &streaming(ChatCompletions, OpenAi),
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
        &streaming(ChatCompletions, OpenAi),
        200,
        &headers(&[SSE]),
        &[stream.as_bytes()],
        End::Properly,
    );
    assert_eq!(outcome, Outcome::FailedOver(FailoverReason::ErrorInStream));
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
        reset(&attempt(ChatCompletions, OpenAi), 200, &[JSON], "{\"id\""),
        broken
    );
    assert_eq!(
        reset(
            &attempt(ChatCompletions, Anthropic),
            200,
            &[JSON],
            "{\"id\""
        ),
        broken
    );
    assert_eq!(
        reset(&streaming(ChatCompletions, OpenAi), 200, &[SSE], &role),
        broken
    );
    assert_eq!(
        reset(&streaming(ChatCompletions, OpenAi), 200, &[JSON], "{"),
        broken
    );
    let unavailable = Outcome::FailedOver(FailoverReason::Upstream5xx);
    assert_eq!(
        reset(&attempt(ChatCompletions, OpenAi), 503, &[], "no heal"),
        unavailable
    );
    assert!(
        body_of(&reset(
            &attempt(ChatCompletions, OpenAi),
            400,
            &[],
            "bad req"
        ))
        .contains("bad req")
    );
    // The rest of a JSON answer cannot be made up.
    let long = format!("{{\"a\":\"{}", "x".repeat(5000));
    let (outcome, report) = play(
        &attempt(ChatCompletions, OpenAi),
        200,
        &headers(&[JSON]),
        &[long.as_bytes()],
        End::ByReset,
    );
    assert_eq!(body_of(&outcome), long);
    assert!(!report.complete && report.content_sent);
}

#[test]
fn a_reset_after_the_end_changes_nothing() {
    let stream = hello() + &chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
    let (outcome, report) = play(
        &streaming(ChatCompletions, OpenAi),
        200,
        &headers(&[SSE]),
        &[stream.as_bytes()],
        End::ByReset,
    );
    assert_eq!(body_of(&outcome), stream);
    assert!(report.complete && report.error.is_none());
}

#[test]
fn memory_is_bounded() {
    let piece = vec![b' '; 1024 * 1024];
    let mut exchange = Exchange::new(attempt(ChatCompletions, Anthropic)).unwrap();
    exchange.response_head(200, &headers(&[JSON]), false);
    let mut out = Vec::new();
    let verdicts: Vec<Verdict> = (0..40)
        .map(|_| exchange.response_body(&piece, false, &mut out))
        .collect();
    assert_eq!(
        verdicts
            .iter()
            .position(|verdict| *verdict != Verdict::Hold),
        Some(32)
    );
    assert_eq!(verdicts[32], Verdict::FailOver(FailoverReason::Upstream5xx));

    let mut exchange = Exchange::new(streaming(ChatCompletions, OpenAi)).unwrap();
    exchange.response_head(200, &headers(&[SSE]), false);
    let ping = b": ping\n\n".repeat(128 * 1024);
    let verdicts: Vec<Verdict> = (0..40)
        .map(|_| exchange.response_body(&ping, false, &mut out))
        .collect();
    let decided = verdicts
        .iter()
        .position(|verdict| *verdict != Verdict::Hold)
        .unwrap();
    assert!(decided <= 17);
    assert_eq!(
        verdicts[decided],
        Verdict::FailOver(FailoverReason::EmptyStream)
    );

    let mut exchange = Exchange::new(attempt(ChatCompletions, OpenAi)).unwrap();
    exchange.response_head(400, &headers(&[]), false);
    assert_eq!(
        exchange.response_body(&[b'x'; 70_000], false, &mut out),
        Verdict::Pass
    );
    assert!(out.len() < 5000, "a cut message");
    out.clear();
    assert_eq!(
        exchange.response_body(b"more", true, &mut out),
        Verdict::Pass
    );
    assert!(out.is_empty());
}

#[test]
fn requests_ask_for_answers_that_can_be_read() {
    let body = br#"{"model":"m","messages":[]}"#;
    let attempt = Attempt {
        model_span: 9..12,
        ..attempt(ChatCompletions, OpenAi)
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
        (ClientFormat::Completions, Anthropic),
        (Embeddings, Anthropic),
        (ClientFormat::AnthropicCountTokens, OpenAi),
        (ClientFormat::Completions, Bedrock),
    ] {
        let error = Exchange::new(attempt(client, upstream)).err().unwrap();
        assert_eq!(
            error.message,
            format!(
                "{} is not served by {} upstreams",
                client.path(),
                upstream.name()
            )
        );
    }
    let native = Attempt {
        native_responses: true,
        ..attempt(Responses, OpenAi)
    };
    assert!(Exchange::new(native).is_ok());
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
        let attempt = Attempt { stream, metadata: metadata.then(|| "{\"a\":1}".to_owned()), ..attempt(ChatCompletions, OpenAi) };
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
        for upstream in [OpenAi, Ollama, Anthropic] {
            let mut exchange = Exchange::new(Attempt { stream, ..attempt(ChatCompletions, upstream) }).unwrap();
            let head = headers(&[if stream { SSE } else { JSON }]);
            let mut out = Vec::new();
            if exchange.response_head(status, &head, false) == Verdict::Hold {
                let verdict = exchange.response_body(&bytes, true, &mut out);
                prop_assert_ne!(verdict, Verdict::Hold, "held at the end");
            }
        }
    }
}
