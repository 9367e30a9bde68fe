//! What leaves the downstream filter, and what it answers itself.

use serde_json::{Value, json};

use super::{POLICY, Visit};
use crate::Flow;

#[test]
fn a_request_leaves_for_the_first_target_with_its_retries() {
    let mut visit = Visit::chat(r#"{"model": "chain", "messages": []}"#);
    assert_eq!(visit.enter(), Flow::Continue);
    assert_eq!(visit.cluster(), "kt/first/1000ms");
    assert_eq!(
        visit.host.request_header("x-envoy-max-retries").as_deref(),
        Some("3")
    );
    assert_eq!(
        visit
            .host
            .request_header("x-envoy-upstream-rq-per-try-timeout-ms"),
        None
    );
    assert_eq!(visit.vm.registry.len(), 1);
    visit.gateway.on_end(&visit.host);
    assert!(visit.vm.registry.is_empty());
}

#[test]
fn a_stream_is_timed_to_its_first_byte_only() {
    let mut visit = Visit::chat(r#"{"model": "chain-alias", "stream": true, "messages": []}"#);
    assert_eq!(visit.enter(), Flow::Continue);
    assert_eq!(visit.cluster(), "kt/first/1000ms");
    assert_eq!(
        visit
            .host
            .request_header("x-envoy-upstream-rq-per-try-timeout-ms")
            .as_deref(),
        Some("1000")
    );
    assert_eq!(
        visit
            .host
            .request_header("x-envoy-upstream-stream-duration-ms")
            .as_deref(),
        Some("0")
    );
}

#[test]
fn a_stream_with_the_shorter_of_two_timeouts_takes_the_hop() {
    let mut visit = Visit::chat(r#"{"model": "mixed", "stream": true, "messages": []}"#);
    visit.enter();
    assert_eq!(visit.cluster(), "kt/first-byte");
    assert_eq!(
        visit
            .host
            .request_header("x-envoy-upstream-rq-per-try-timeout-ms")
            .as_deref(),
        Some("2000")
    );
    let mut json = Visit::chat(r#"{"model": "mixed", "messages": []}"#);
    json.enter();
    assert_eq!(json.cluster(), "kt/first/500ms");
}

#[test]
fn what_a_client_must_not_bring_is_taken_off() {
    let headers = [
        ("authorization", "Bearer client"),
        ("x-api-key", "client"),
        ("cookie", "a=b"),
        ("x-kt-token", "7"),
        ("x-envoy-max-retries", "99"),
        ("x-envoy-retry-on", "5xx"),
        ("user-agent", "test"),
    ];
    let mut visit = Visit::new(
        POLICY,
        "POST",
        "/v1/chat/completions",
        &headers,
        r#"{"model": "chain", "messages": []}"#,
    );
    visit.enter();
    for name in [
        "authorization",
        "x-api-key",
        "cookie",
        "x-kt-token",
        "x-envoy-retry-on",
    ] {
        assert_eq!(visit.host.request_header(name), None, "{name}");
    }
    assert_eq!(
        visit.host.request_header("x-envoy-max-retries").as_deref(),
        Some("3")
    );
    assert_eq!(
        visit.host.request_header("user-agent").as_deref(),
        Some("test")
    );
}

#[test]
fn bad_requests_are_answered_in_the_clients_shape() {
    let cases = [
        ("POST", "/v1/chat/completions", "nonsense", 400),
        ("POST", "/v1/chat/completions", "{}", 400),
        ("POST", "/v1/chat/completions", "", 400),
        (
            "POST",
            "/v1/chat/completions",
            r#"{"model": "unknown", "messages": []}"#,
            404,
        ),
        ("GET", "/v1/chat/completions", "", 405),
        ("GET", "/favicon.ico", "", 404),
    ];
    for (method, path, body, status) in cases {
        let mut visit = Visit::new(POLICY, method, path, &[], body);
        assert_eq!(visit.enter(), Flow::Pause, "{method} {path} {body}");
        assert_eq!(visit.answer().status, status, "{method} {path} {body}");
        assert_eq!(
            visit.answer_json()["error"]["type"],
            "invalid_request_error",
            "{method} {path} {body}"
        );
        assert!(visit.vm.registry.is_empty());
    }
    let mut anthropic = Visit::new(POLICY, "POST", "/v1/messages", &[], "nonsense");
    anthropic.enter();
    assert_eq!(anthropic.answer_json()["type"], "error");
    assert_eq!(
        anthropic.answer_json()["error"]["type"],
        "invalid_request_error"
    );
}

#[test]
fn bodies_over_the_limit_are_refused_before_they_are_read() {
    let announced = [("content-length", "2001")];
    let mut visit = Visit::new(POLICY, "POST", "/v1/chat/completions", &announced, "x");
    visit.enter();
    assert_eq!(visit.answer().status, 413);
    let mut unannounced = Visit::chat(&"x".repeat(2001));
    unannounced.enter();
    assert_eq!(unannounced.answer().status, 413);
}

#[test]
fn models_are_groups_and_their_aliases() {
    let mut visit = Visit::new(POLICY, "GET", "/v1/models", &[], "");
    visit.enter();
    let body = visit.answer_json();
    let names: Vec<_> = body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["chain", "chain-alias", "mixed"]);
}

#[test]
fn a_models_name_may_be_percent_encoded() {
    let policy = POLICY.replace("chain-alias", "org/model");
    for (path, status, code) in [
        ("/v1/models/org%2Fmodel", 200, Value::Null),
        ("/v1/models/org/model", 200, Value::Null),
        ("/v1/models/org%252Fmodel", 404, json!("model_not_found")),
        ("/v1/models/org%2", 400, json!("invalid_value")),
    ] {
        let mut visit = Visit::new(&policy, "GET", path, &[], "");
        visit.enter();
        assert_eq!(visit.answer().status, status, "{path}");
        let body = visit.answer_json();
        assert_eq!(body["error"]["code"], code, "{path}");
        if status == 200 {
            assert_eq!(body["id"], "org/model");
        } else {
            assert_eq!(body["error"]["type"], "invalid_request_error");
        }
    }
}

#[test]
fn metrics_are_left_to_envoys_route() {
    let mut visit = Visit::new(POLICY, "GET", "/metrics", &[], "");
    assert_eq!(visit.enter(), Flow::Continue);
    assert!(visit.host.answer.borrow().is_none());
}
