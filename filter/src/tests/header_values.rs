//! No byte below 0x20 and no 0x7F reaches a header value, whatever clients and providers send: on every attempt, through the
//! hop, in answers, passed-on errors, streams, local replies, probes and callouts.

use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::telemetry::{COLLECTOR, observed};
use super::{POLICY, Visit};
use crate::host::Host;
use crate::host::fake::{FakeHost, Phase};
use crate::per_try_timeout::PerTryTimeoutFilter;
use crate::upstream_filter::UpstreamFilter;
use crate::{Flow, state};

/// What anybody may write, with what splits answers more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(
            &[
                "gpt-4o\r\nset-cookie: evil=1",
                "x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
                "a\0b",
                "\u{7f}",
                "\t",
                "chain\n",
            ][..]
        )
        .prop_map(String::from),
        "[\\x00-\\x7f]{0,24}",
        any::<String>(),
    ]
}

/// Values as an upstream or client may have sent them: Envoy's HTTP/2 codec takes more than its HTTP/1 codec.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![text().prop_map(String::into_bytes), vec(any::<u8>(), 0..24)]
}

#[derive(Debug, Clone)]
struct Case {
    path: &'static str,
    /// A group of the policy, or `None` for any text.
    model: Option<&'static str>,
    text: String,
    stream: bool,
    client_headers: Vec<(&'static str, Vec<u8>)>,
    status: &'static str,
    content_type: &'static str,
    provider_headers: Vec<(&'static str, Vec<u8>)>,
    error: (String, String, String),
    log_bodies: bool,
}

prop_compose! {
    fn case()(
        path in select(&["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/v1/models/x", "/x\r\n"][..]),
        model in select(&[Some("chain"), Some("mixed"), Some("alone"), Some("hedged"), Some("claude"), None, None][..]),
        (text, stream, log_bodies) in (text(), any::<bool>(), any::<bool>()),
        client_headers in vec(
            (
                select(&[
                    "x-request-id", "x-conversation-id", "anthropic-version", "anthropic-beta", "user-agent", "accept",
                    "traceparent", "tracestate", "x-keeptrusts-metadata", "x-tenant",
                ][..]),
                value(),
            ),
            0..6,
        ),
        status in select(&["200", "200", "200", "400", "404", "429", "500", "x"][..]),
        content_type in select(&["application/json", "text/event-stream", "text/html"][..]),
        provider_headers in vec(
            (
                select(&[
                    "x-request-id", "request-id", "retry-after", "x-ratelimit-remaining-tokens", "cache-control",
                    "anthropic-ratelimit-tokens-reset", "openai-processing-ms", "x-should-retry", "set-cookie",
                ][..]),
                value(),
            ),
            0..6,
        ),
        error in (text(), text(), text()),
    ) -> Case {
        Case { path, model, text, stream, client_headers, status, content_type, provider_headers, error, log_bodies }
    }
}

fn policy(log_bodies: bool) -> String {
    let more = "
  - name: alone
    models:
      - {provider: first, timeout_ms: 1000}
  - name: hedged
    hedge_after_ms: 50
    models:
      - {provider: first, model: one, timeout_ms: 1000}
      - {provider: second, model: two, timeout_ms: 1000}
  - name: claude
    models:
      - {provider: third, model: claude-sonnet-4, timeout_ms: 1000}
";
    let third = "    - id: third
      provider: {base_url: 'http://127.0.0.1:3', type: anthropic, secret_key_ref: {env: C}}
      health_check: {enabled: false}
";
    let policy = POLICY.replace("max_request_bytes", &format!("{third}max_request_bytes"));
    format!("{policy}{more}log_bodies: {log_bodies}\n")
}

/// One request, from its head to its event.
fn run(case: &Case) -> FakeHost {
    let body = json!({
        "model": case.model.unwrap_or(&case.text),
        "messages": [{"role": "user", "content": case.text}],
        "input": case.text,
        "stream": case.stream,
        "max_tokens": 5,
        "metadata": {"session_id": case.text},
    });
    let policy = observed(&policy(case.log_bodies));
    let mut visit = Visit::new(&policy, "POST", case.path, &[], &body.to_string());
    for (name, value) in &case.client_headers {
        let header = ((*name).to_owned(), value.clone());
        visit.host.request_headers.borrow_mut().push(header);
    }
    let flow = visit.enter();
    if flow == Flow::Continue && visit.host.state(state::TOKEN).is_some() {
        for _ in 0..2 {
            attempt(&visit, case);
        }
        visit
            .gateway
            .on_response_headers(visit.host.in_phase(Phase::ResponseHeaders));
    }
    visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
    visit.host.now_ms.set(visit.host.now_ms.get() + 1_000);
    let outside = visit.host.in_phase(Phase::Outside);
    visit.vm.exporter.on_tick(outside, COLLECTOR);
    visit.host
}

/// As Envoy makes it: over the hop where the downstream filter has said so.
fn attempt(visit: &Visit, case: &Case) {
    let host = &visit.host;
    host.request_body.replace(visit.body.clone());
    if visit.cluster() == policy::cluster::FIRST_BYTE {
        let mut hop = PerTryTimeoutFilter::new(Rc::clone(&visit.vm));
        hop.on_request_headers(host.in_phase(Phase::RequestHeaders));
    }
    let mut target = UpstreamFilter::new(Rc::clone(&visit.vm));
    let head = host.in_phase(Phase::RequestHeaders);
    target.on_request_headers(head, host.header_count(), false);
    let size = host.request_body.borrow().len();
    target.on_request_body(host.in_phase(Phase::RequestBody), size, true);
    let (message, code, model) = &case.error;
    let answer = json!({
        "id": message,
        "model": model,
        "error": (case.status != "200").then(|| json!({"message": message, "code": code, "param": model, "type": code})),
        "choices": [{"message": {"role": "assistant", "content": message}}],
    });
    let body = if case.content_type == "text/event-stream" {
        format!("data: {answer}\n\ndata: [DONE]\n\n")
    } else {
        answer.to_string()
    };
    let head = [
        (":status", case.status),
        ("content-type", case.content_type),
    ];
    host.set_response(&head, body.as_bytes());
    for (name, value) in &case.provider_headers {
        let header = ((*name).to_owned(), value.clone());
        host.response_headers.borrow_mut().push(header);
    }
    target.on_response_headers(host.in_phase(Phase::ResponseHeaders), false);
    target.on_response_body(host.in_phase(Phase::ResponseBody), body.len(), true);
    target.on_end(host.in_phase(Phase::Outside));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn have_no_control_character_over_all_inputs(case in case()) {
        let host = run(&case);
        let written = host.written_headers.borrow();
        prop_assert!(!written.is_empty());
        for (name, value) in written.iter() {
            prop_assert!(!value.iter().any(u8::is_ascii_control), "{} is {:?}", name, value);
        }
    }
}

#[test]
fn a_model_that_would_split_an_answer_is_the_clients_error() {
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/responses",
        "/v1/embeddings",
    ] {
        let body = json!({"model": "gpt-4o\r\nset-cookie: evil=1", "messages": [], "input": "x", "max_tokens": 1});
        let mut visit = Visit::new(POLICY, "POST", path, &[], &body.to_string());
        assert_eq!(visit.enter(), Flow::Pause);
        assert_eq!(visit.answer().status, 400, "{path}");
        assert_eq!(
            visit.answer_json()["error"]["type"],
            "invalid_request_error"
        );
        let message = visit.answer_json()["error"]["message"].to_string();
        assert!(message.contains("found U+000D"), "{message}");
    }
}

/// The host does not depend on what a caller has checked.
#[test]
fn are_harmless_whatever_a_filter_sets() {
    let host = FakeHost::default();
    let evil: &[u8] = b"a\r\nset-cookie: evil=1\0";
    host.phase.set(Phase::ResponseHeaders);
    host.set_response_headers(&[(":status", b"200"), ("x", evil)])
        .unwrap();
    host.set_response_header("y", evil).unwrap();
    host.respond(400, &[("z", evil)], b"").unwrap();
    host.call("c", &[(":path", b"/a\r\nb"), ("h", evil)], b"", 1)
        .unwrap();
    host.phase.set(Phase::RequestHeaders);
    host.set_request_headers(&[("q", evil)]).unwrap();
    host.set_request_header(":path", b"/v1\r\nx: y").unwrap();
    assert!(host.set_request_header("a\r\nb", b"1").is_err());
    let written = host.written_headers.borrow();
    let texts: Vec<String> = written
        .iter()
        .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
        .collect();
    let evil = "a  set-cookie: evil=1 ";
    let expected = [
        ":status=200".to_owned(),
        format!("x={evil}"),
        format!("y={evil}"),
        format!("z={evil}"),
        ":path=/a%0d%0ab".to_owned(),
        format!("h={evil}"),
        format!("q={evil}"),
        ":path=/v1%0d%0ax:%20y".to_owned(),
    ];
    assert_eq!(texts, expected);
}
