//! An attempt, from the client's request to the provider's and back.

use std::rc::Rc;

use super::Visit;
use crate::host::fake::{FakeHost, Phase};
use crate::per_try_timeout::PerTryTimeoutFilter;
use crate::upstream_filter::UpstreamFilter;
use crate::{Flow, state};

const CHAT: &str = r#"{"messages": [], "model":  "chain"}"#;

/// The next attempt of a visit's request: as Envoy does it, on the header map that the attempt before left, but with the
/// body that the downstream filter left.
pub(super) fn attempt(visit: &Visit) -> UpstreamFilter {
    let mut target = UpstreamFilter::new(Rc::clone(&visit.vm));
    visit.host.request_body.replace(visit.body.clone());
    // Envoy's router takes its orders out of the head.
    let mut headers = visit.host.request_headers.borrow_mut();
    headers.retain(|(name, _)| name != "x-envoy-max-retries");
    drop(headers);
    enter(&visit.host, &mut target);
    target
}

fn enter(host: &FakeHost, target: &mut UpstreamFilter) -> Flow {
    target.on_request_headers(
        host.in_phase(Phase::RequestHeaders),
        host.header_count(),
        false,
    );
    let size = host.request_body.borrow().len();
    target.on_request_body(host.in_phase(Phase::RequestBody), size, true)
}

pub(super) fn answered(
    host: &FakeHost,
    target: &mut UpstreamFilter,
    status: &str,
    content_type: &str,
    body: &str,
) -> Flow {
    host.set_response(
        &[(":status", status), ("content-type", content_type)],
        body.as_bytes(),
    );
    let head = target.on_response_headers(host.in_phase(Phase::ResponseHeaders), false);
    assert_eq!(head, Flow::Pause, "an undecided answer is held");
    target.on_response_body(host.in_phase(Phase::ResponseBody), body.len(), true)
}

/// A piece of an answer as Envoy hands it over, behind what the filter keeps back, with the wake-ups that it has asked for.
pub(super) fn piece(
    host: &FakeHost,
    target: &mut UpstreamFilter,
    bytes: &str,
    end_of_stream: bool,
) -> Flow {
    if !host.has_paused_body.get() {
        host.response_body.borrow_mut().clear();
    }
    host.response_body.borrow_mut().extend(bytes.bytes());
    let size = host.response_body.borrow().len();
    let flow = target.on_response_body(host.in_phase(Phase::ResponseBody), size, end_of_stream);
    host.has_paused_body.set(flow == Flow::Pause);
    if flow == Flow::Continue {
        let sent = host.response_body.take();
        host.sent.borrow_mut().extend(sent);
    }
    if host.wake_ups.take() > 0 {
        target.on_wake_up(host.in_phase(Phase::Outside));
    }
    flow
}

fn response_header(host: &FakeHost, name: &str) -> String {
    let headers = host.response_headers.borrow();
    let value = headers
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.clone());
    String::from_utf8(value.unwrap_or_default()).unwrap()
}

#[test]
fn the_request_becomes_the_providers() {
    let mut visit = Visit::chat(CHAT);
    visit.enter();
    attempt(&visit);
    assert_eq!(
        visit.host.request_header(":authority").as_deref(),
        Some("127.0.0.1:1")
    );
    assert_eq!(
        visit.host.request_header(":path").as_deref(),
        Some("/v1/chat/completions")
    );
    assert_eq!(
        visit.host.request_header("accept-encoding").as_deref(),
        Some("identity")
    );
    assert_eq!(
        *visit.host.request_body.borrow(),
        br#"{"messages": [], "model":  "one"}"#
    );
    assert_eq!(
        visit.host.request_header("content-length").as_deref(),
        Some("33")
    );
    assert_eq!(
        visit.cluster(),
        "kt/second/1000ms",
        "the router finds the next attempt's cluster"
    );
    attempt(&visit);
    assert_eq!(
        *visit.host.request_body.borrow(),
        br#"{"messages": [], "model":  "two"}"#
    );
    assert_eq!(
        visit.host.request_header(":authority").as_deref(),
        Some("127.0.0.1:2")
    );
}

#[test]
fn what_is_added_behind_the_gateway_filter_stays_behind() {
    for (added, crosses) in [("x-envoy-attempt-count", false), ("traceparent", true)] {
        let mut visit = Visit::chat(CHAT);
        visit.enter();
        let header = (added.to_owned(), b"1".to_vec());
        visit.host.request_headers.borrow_mut().push(header);
        attempt(&visit);
        let sent = |name: &str| visit.host.request_header(name);
        assert_eq!(sent(added).is_some(), crosses, "{added}");
        assert_eq!(sent(":authority").as_deref(), Some("127.0.0.1:1"));
        assert_eq!(sent("accept-encoding").as_deref(), Some("identity"));
        assert_eq!(sent("content-length").as_deref(), Some("33"));
    }
}

#[test]
fn a_served_answer_tells_who_served() {
    let mut visit = Visit::chat(CHAT);
    visit.enter();
    let mut target = attempt(&visit);
    let flow = answered(
        &visit.host,
        &mut target,
        "200",
        "application/json",
        r#"{"id":"x","choices":[{"index":0}]}"#,
    );
    assert_eq!(flow, Flow::Continue);
    assert_eq!(response_header(&visit.host, ":status"), "200");
    assert_eq!(
        response_header(&visit.host, "x-keeptrusts-provider"),
        "first"
    );
    let body: serde_json::Value =
        serde_json::from_slice(&visit.host.response_body.borrow()).unwrap();
    assert_eq!(body["id"], "x");
    assert_eq!(body["keeptrusts_metadata"]["model"], "one");
    let gateway = visit
        .gateway
        .on_response_headers(visit.host.in_phase(Phase::ResponseHeaders));
    assert_eq!(gateway, Flow::Continue);
    assert!(visit.host.answer.borrow().is_none());
}

#[test]
fn a_failed_answer_becomes_a_status_that_envoy_retries() {
    let mut visit = Visit::chat(CHAT);
    visit.enter();
    for _ in 0..2 {
        let mut target = attempt(&visit);
        let body = r#"{"error":{"message":"bad key","type":"invalid_request_error","code":"invalid_api_key"}}"#;
        answered(&visit.host, &mut target, "401", "application/json", body);
        assert_eq!(response_header(&visit.host, ":status"), "503");
        target.on_end(visit.host.in_phase(Phase::Outside));
    }
    // The plan is used up: the downstream filter answers.
    visit
        .gateway
        .on_response_headers(visit.host.in_phase(Phase::ResponseHeaders));
    assert_eq!(visit.answer().status, 502);
    assert_eq!(visit.answer_json()["error"]["code"], "upstream_failed");
    assert!(
        visit.answer_json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("first: upstream_auth")
    );
}

#[test]
fn attempts_without_an_answer_are_told_apart() {
    let cases = [
        (1000, true, "upstream_timeout"),
        (10, true, "upstream_reset"),
        (10, false, "upstream_connect"),
    ];
    for (waited_ms, connected, reason) in cases {
        let mut visit = Visit::chat(CHAT);
        visit.enter();
        let mut target = attempt(&visit);
        visit.host.now_ms.set(visit.host.now_ms.get() + waited_ms);
        if connected {
            visit
                .host
                .properties
                .borrow_mut()
                .insert("upstream.local_address".into(), b"127.0.0.1:9".to_vec());
        }
        target.on_end(visit.host.in_phase(Phase::Outside));
        visit
            .gateway
            .on_response_headers(visit.host.in_phase(Phase::ResponseHeaders));
        let message = visit.answer_json()["error"]["message"].to_string();
        assert!(message.contains(&format!("first: {reason}")), "{message}");
        assert_eq!(visit.answer().status, 503, "{reason}");
    }
}

#[test]
fn the_attempt_after_a_hop_is_its_own() {
    let mut visit = Visit::chat(r#"{"model": "mixed", "stream": true, "messages": []}"#);
    visit.enter();
    assert_eq!(visit.cluster(), "kt/first-byte");
    let mut hop = PerTryTimeoutFilter::new(Rc::clone(&visit.vm));
    hop.on_request_headers(visit.host.in_phase(Phase::RequestHeaders));
    assert_eq!(
        visit.host.request_header("x-kt-inner-cluster").as_deref(),
        Some("kt/first/500ms")
    );
    assert_eq!(
        visit
            .host
            .request_header("x-envoy-upstream-rq-per-try-timeout-ms")
            .as_deref(),
        Some("500")
    );

    // The inner request: the same headers, but filter state of its own.
    let inner = FakeHost::default();
    inner
        .request_headers
        .replace(visit.host.request_headers.borrow().clone());
    inner
        .request_body
        .replace(visit.host.request_body.borrow().clone());
    let mut target = UpstreamFilter::new(Rc::clone(&visit.vm));
    enter(&inner, &mut target);
    assert_eq!(
        inner.request_header(":authority").as_deref(),
        Some("127.0.0.1:1")
    );
    assert_eq!(inner.request_header("x-kt-token"), None);
    assert!(inner.state(state::CLUSTER).is_none());
    answered(
        &inner,
        &mut target,
        "200",
        "text/event-stream",
        "data: {\"error\":{\"message\":\"overloaded\"}}\n\n",
    );
    assert_eq!(response_header(&inner, ":status"), "503");

    // The outer request still carries the hop's headers when Envoy retries it.
    assert_eq!(visit.cluster(), "kt/second/2000ms");
    attempt(&visit);
    assert_eq!(
        visit.host.request_header(":authority").as_deref(),
        Some("127.0.0.1:2")
    );
    assert!(String::from_utf8_lossy(&visit.host.request_body.borrow()).contains("\"two\""));
    assert_eq!(visit.host.request_header("x-kt-token"), None);
}

#[test]
fn a_probe_passes_without_its_marks() {
    let visit = Visit::chat(CHAT);
    let probe = FakeHost::with_request(
        "GET",
        "/v1/models",
        &[("x-kt-probe", "1"), ("x-forwarded-for", "x")],
        b"",
    );
    let mut target = UpstreamFilter::new(Rc::clone(&visit.vm));
    let flow = target.on_request_headers(
        probe.in_phase(Phase::RequestHeaders),
        probe.header_count(),
        true,
    );
    assert_eq!(flow, Flow::Continue);
    assert_eq!(probe.request_header("x-kt-probe"), None);
    assert_eq!(probe.request_header("x-forwarded-for"), None);
}

#[test]
fn a_request_of_a_vm_that_is_gone_is_refused() {
    let mut visit = Visit::chat(CHAT);
    visit.enter();
    let successor = Rc::new(crate::worker::Worker::new(&visit.host));
    let mut target = UpstreamFilter::new(successor);
    assert_eq!(
        target.on_request_headers(
            visit.host.in_phase(Phase::RequestHeaders),
            visit.host.header_count(),
            false
        ),
        Flow::Pause
    );
    assert_eq!(visit.answer().status, 503);
}
