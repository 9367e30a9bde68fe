//! JSON responses.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn json_passes_with_metadata_in_front() {
    let attempt = Attempt {
        metadata: Some(r#"{"provider":"p"}"#.to_owned()),
        ..attempt(ChatCompletions, Provider::COMPATIBLE)
    };
    for (before, after) in [("", ""), ("\n\n \r\n", ""), ("", "\n")] {
        let (outcome, report) = response(&attempt, 200, &[JSON], &format!("{before}{CHAT}{after}"));
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
    let attempt = attempt(ChatCompletions, Provider::COMPATIBLE);
    let (outcome, report) = response(&attempt, 200, &[JSON], CHAT);
    assert_eq!(body_of(&outcome), CHAT);
    assert!(report.complete);
    let mut exchange = Exchange::new(attempt).unwrap();
    assert_eq!(
        exchange.response_head(200, &headers(&[JSON]), false),
        ResponseAction::Buffer
    );
    let mut out = Vec::new();
    assert_eq!(
        exchange.response_body(CHAT.as_bytes(), true, &mut out),
        ResponseAction::Forward
    );
    assert!(out.is_empty());
}

#[test]
fn half_an_answer_fails_over_although_its_framing_is_right() {
    let whole = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"}}]}"#;
    for (body, is_answer) in [
        (whole, true),
        (&whole[..40], false),
        (r#"{"choices":[]}"#, false),
        (r#"{"choices" : [ ] , "usage":{}}"#, false),
        // Not the answer's own list.
        (r#"{"x":{"choices":[]},"choices":[{"index":0}]}"#, true),
        (
            r#"{"choices":[{"index":0,"message":{"content":"\"choices\":[]"}}]}"#,
            true,
        ),
    ] {
        for pieces in [1, 2] {
            let length = body.len().to_string();
            let head = headers(&[JSON, ("content-length", &length)]);
            let cut = body.len() / pieces;
            let bytes = [&body.as_bytes()[..cut], &body.as_bytes()[cut..]];
            let attempt = attempt(ChatCompletions, Provider::COMPATIBLE);
            let (outcome, report) = play(&attempt, 200, &head, &bytes, End::Properly);
            if is_answer {
                assert_eq!(body_of(&outcome), body);
            } else {
                let expected = Outcome::FailedOver(FailoverReason::Upstream5xx);
                assert_eq!(outcome, expected, "{body}");
                assert_eq!(report.error.as_ref().unwrap().status, 502);
            }
            assert_eq!(
                (report.complete, report.content_sent),
                (is_answer, is_answer)
            );
        }
    }
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
        ..attempt(Embeddings, Provider::COMPATIBLE)
    };
    let mut exchange = Exchange::new(attempt.clone()).unwrap();
    let length = body.len().to_string();
    let head = headers(&[JSON, ("content-length", &length)]);
    assert_eq!(
        exchange.response_head(200, &head, false),
        ResponseAction::Buffer
    );
    let mut out = Vec::new();
    assert_eq!(
        exchange.response_body(&body.as_bytes()[..100], false, &mut out),
        ResponseAction::Buffer
    );
    assert_eq!(
        exchange.response_body(&body.as_bytes()[100..9000], false, &mut out),
        ResponseAction::Buffer
    );
    assert_eq!(
        exchange.response_body(&body.as_bytes()[9000..90_000], false, &mut out),
        ResponseAction::Replace
    );
    assert!(out.starts_with(b"{\"keeptrusts_metadata\":{},\"object\"") && out.len() > 90_000);
    let (_, passed) = exchange.response_headers(&head);
    let length = body.len() + r#""keeptrusts_metadata":{},"#.len();
    assert!(passed.contains(&("content-length", length.to_string().into_bytes().into())));

    let (outcome, report) = response(&attempt, 200, &[JSON], &body);
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
        ..attempt(ChatCompletions, providers::ANTHROPIC)
    };
    let upstream = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-1",
        "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 3, "output_tokens": 2}});
    let (outcome, report) = response(&attempt, 200, &[JSON], &upstream.to_string());
    let body: Value = serde_json::from_str(body_of(&outcome)).unwrap();
    assert_eq!(body["keeptrusts_metadata"]["provider"], "p");
    assert_eq!(body["choices"][0]["message"]["content"], "Hi");
    assert!(header(&outcome, "content-length").is_some());
    assert!(report.complete && report.content_sent);
    assert_eq!(report.usage.map(|usage| usage.total()), Some(5));

    // Ollama's responses are collected, and forwarded unchanged if nothing has to change.
    let ollama = Attempt {
        provider: providers::OLLAMA,
        ..attempt
    };
    let (outcome, _) = response(&ollama, 200, &[JSON], CHAT);
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
    for upstream in [
        Provider::COMPATIBLE,
        providers::ANTHROPIC,
        providers::OLLAMA,
    ] {
        for (body, reason) in table {
            let (outcome, report) =
                response(&attempt(ChatCompletions, upstream), 200, &[JSON], body);
            assert_eq!(outcome, Outcome::FailedOver(reason), "{upstream:?} {body}");
            assert!(report.error.is_some() && !report.content_sent);
        }
    }
    let long = format!(
        r#"{{"error":{{"message":"{}","code":500}}}}"#,
        "x".repeat(20_000)
    );
    let (outcome, _) = response(
        &attempt(ChatCompletions, Provider::COMPATIBLE),
        200,
        &[JSON],
        &long,
    );
    assert_eq!(outcome, Outcome::FailedOver(Upstream5xx));
}

#[test]
fn the_clients_own_fault_is_its_answer_whatever_the_status() {
    let body = r#"{"error":{"message":"bad","code":400,"type":"invalid_request_error"}}"#;
    let (outcome, report) = response(
        &attempt(ChatCompletions, Provider::COMPATIBLE),
        200,
        &[JSON],
        body,
    );
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
