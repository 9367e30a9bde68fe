//! Error responses.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::error::ErrorKind;

#[test]
fn error_answers() {
    use FailoverReason::{
        ModelNotFound, Upstream5xx, UpstreamAuth, UpstreamRateLimited, UpstreamRefused,
        UpstreamTimeout,
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
            Some(UpstreamRefused),
        ),
        (
            404,
            r#"{"error":{"message":"No such File object: file-1","type":"invalid_request_error"}}"#,
            None,
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"Input flagged","metadata":{"reasons":["violence"]}}}"#,
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
        (403, "<html></html>", Some(UpstreamRefused)),
        (
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"no"}}"#,
            Some(UpstreamAuth),
        ),
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
                ..attempt(ChatCompletions, Provider::COMPATIBLE)
            };
            let (outcome, report) = response(&attempt, *status, &[JSON], body);
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
        ..attempt(ChatCompletions, Provider::COMPATIBLE)
    };
    for (code, reason) in [
        ("context_length_exceeded", FailoverReason::ContextLength),
        ("content_filter", FailoverReason::ContentPolicy),
    ] {
        let body = json!({"error": {"message": "m", "code": code}}).to_string();
        assert_eq!(
            response(&asked, 400, &[JSON], &body).0,
            Outcome::FailedOver(reason)
        );
        let stream = Attempt {
            stream: true,
            ..asked.clone()
        };
        let event = format!("data: {body}\n\n");
        assert_eq!(
            response(&stream, 200, &[SSE], &event).0,
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
            providers::ANTHROPIC
        } else {
            Provider::COMPATIBLE
        };
        let mut exchange = Exchange::new(attempt(client, upstream)).unwrap();
        exchange.response_head(429, &head, false);
        let action = exchange.response_body(
            br#"{"error":{"message":"slow down"}}"#,
            true,
            &mut Vec::new(),
        );
        assert_eq!(
            action,
            ResponseAction::Failover(FailoverReason::UpstreamRateLimited)
        );
        let (status, list, body) = exchange.error_response().unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status, &body["error"]["type"], &body["error"]["message"]),
            (429, &json!(shape), &json!("slow down"))
        );
        assert!(list.contains(&("retry-after", b"2".into())));
        assert!(!list.iter().any(|(name, _)| *name == "set-cookie"));
        assert_eq!(exchange.report().error.unwrap().retry_after_ms, Some(2000));
    }
    let mut exchange = Exchange::new(attempt(ChatCompletions, Provider::COMPATIBLE)).unwrap();
    assert_eq!(
        exchange.on_reset(&mut Vec::new()),
        ResponseAction::Failover(FailoverReason::UpstreamReset)
    );
    assert_eq!(exchange.error_response(), None, "there was no answer");
}

#[test]
fn a_date_to_retry_after_is_read_without_the_providers_clock() {
    let late = Attempt {
        created: 784_111_740,
        ..attempt(ChatCompletions, Provider::COMPATIBLE)
    };
    let head = [("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
    let (_, report) = response(&late, 503, &head, "");
    assert_eq!(report.error.unwrap().retry_after_ms, Some(37_000));
}

#[test]
fn a_compressed_error_is_judged_by_its_status() {
    let (outcome, report) = response(
        &attempt(ChatCompletions, Provider::COMPATIBLE),
        400,
        &[("content-encoding", "gzip")],
        "\u{1f}\u{8b}",
    );
    assert!(body_of(&outcome).contains("the provider answered 400 without a message"));
    assert_eq!(report.error.unwrap().kind, ErrorKind::InvalidRequest);
}
