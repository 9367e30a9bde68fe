//! However a request ends, its request is complete when the downstream filter lets go of it.

use std::cell::RefCell;
use std::rc::Rc;

use protocols::exchange::FailoverReason;

use super::Visit;
use super::upstream_filter::{answered, attempt};
use crate::host::fake::Phase;
use crate::request_context::RequestContext;

const CHAT: &str = r#"{"model": "chain", "messages": []}"#;
const STREAM: &str = r#"{"model": "chain", "stream": true, "messages": []}"#;
const CONTENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
const JSON: &str = "application/json";

fn context(visit: &Visit) -> Rc<RefCell<RequestContext>> {
    visit
        .vm
        .registry
        .any()
        .expect("the request has been planned")
}

fn over(visit: &mut Visit, context: &RefCell<RequestContext>) {
    visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
    assert!(visit.vm.registry.is_empty());
    for attempt in &context.borrow().attempts {
        assert!(attempt.ended_ns.is_some(), "{attempt:?}");
        assert!(attempt.report.is_some(), "{attempt:?}");
        assert!(attempt.exchange.is_none(), "{attempt:?}");
    }
}

#[test]
fn an_answer_that_was_served() {
    let mut visit = Visit::chat(CHAT);
    visit.enter();
    let context = context(&visit);
    let mut target = attempt(&visit);
    visit.host.now_ms.set(visit.host.now_ms.get() + 40);
    let body =
        r#"{"id":"x","choices":[{"index":0}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    answered(&visit.host, &mut target, "200", JSON, body);
    target.on_end(visit.host.in_phase(Phase::Outside));
    over(&mut visit, &context);
    let context = context.borrow();
    assert_eq!(context.client_status, Some(200));
    let attempt = &context.attempts[0];
    assert!(attempt.answered);
    assert_eq!(attempt.failure, None);
    assert_eq!(attempt.status, Some(200));
    assert_eq!(attempt.ended_ns.unwrap() - attempt.started_ns, 40_000_000);
    let usage = attempt.report.as_ref().unwrap().usage.unwrap();
    assert_eq!(usage.completion, 4);
}

#[test]
fn failures_and_then_no_provider() {
    let mut visit = Visit::chat(CHAT);
    visit.enter();
    let context = context(&visit);
    let mut first = attempt(&visit);
    let limited = r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#;
    answered(&visit.host, &mut first, "429", JSON, limited);
    first.on_end(visit.host.in_phase(Phase::Outside));
    let mut second = attempt(&visit);
    visit.host.now_ms.set(visit.host.now_ms.get() + 1000);
    second.on_end(visit.host.in_phase(Phase::Outside));
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    visit.gateway.on_response_headers(phase);
    // Envoy sends our own answer through the same filter.
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    assert_eq!(
        visit.gateway.on_response_headers(phase),
        crate::Flow::Continue
    );
    over(&mut visit, &context);
    let context = context.borrow();
    assert_eq!(context.client_status, Some(502));
    let seen: Vec<_> = context
        .attempts
        .iter()
        .map(|attempt| (attempt.status, attempt.failure, attempt.answered))
        .collect();
    assert_eq!(
        seen,
        [
            (Some(429), Some(FailoverReason::UpstreamRateLimited), false),
            (None, Some(FailoverReason::UpstreamTimeout), false),
        ]
    );
}

#[test]
fn a_client_that_leaves_before_the_answer_and_one_that_leaves_in_the_middle() {
    for has_begun in [false, true] {
        let mut visit = Visit::chat(STREAM);
        visit.enter();
        let context = context(&visit);
        let mut target = attempt(&visit);
        if has_begun {
            let head = [(":status", "200"), ("content-type", "text/event-stream")];
            visit.host.set_response(&head, CONTENT.as_bytes());
            target.on_response_headers(visit.host.in_phase(Phase::ResponseHeaders), false);
            let phase = visit.host.in_phase(Phase::ResponseBody);
            target.on_response_body(phase, CONTENT.len(), false);
        }
        over(&mut visit, &context);
        // Envoy tears the attempt down afterwards.
        target.on_end(visit.host.in_phase(Phase::Outside));
        let context = context.borrow();
        assert_eq!(context.client_status, has_begun.then_some(200));
        let attempt = &context.attempts[0];
        assert_eq!(attempt.failure, None);
        assert_eq!(attempt.first_content_ns.is_some(), has_begun);
        let report = attempt.report.as_ref().unwrap();
        assert_eq!((report.content_sent, report.complete), (has_begun, false));
    }
}

#[test]
fn a_stream_that_breaks_off() {
    let mut visit = Visit::chat(STREAM);
    visit.enter();
    let context = context(&visit);
    let mut target = attempt(&visit);
    let head = [(":status", "200"), ("content-type", "text/event-stream")];
    visit.host.set_response(&head, CONTENT.as_bytes());
    target.on_response_headers(visit.host.in_phase(Phase::ResponseHeaders), false);
    target.on_response_body(
        visit.host.in_phase(Phase::ResponseBody),
        CONTENT.len(),
        false,
    );
    target.on_end(visit.host.in_phase(Phase::Outside));
    over(&mut visit, &context);
    let context = context.borrow();
    assert_eq!(context.client_status, Some(200));
    assert!(!context.attempts[0].report.as_ref().unwrap().complete);
}

#[test]
fn a_request_that_the_gateway_refuses_on_the_way() {
    // The provider of `translated` speaks Anthropic's protocol, which has no such part.
    let policy = "
providers:
  targets:
    - id: claude
      provider: {base_url: 'http://127.0.0.1:1', type: anthropic, secret_key_ref: {env: A}}
model_groups:
  - name: translated
    models: [{provider: claude, model: claude-sonnet-4}]
";
    let body = r#"{"model": "translated", "messages": [{"role": "nobody", "content": "x"}]}"#;
    let mut visit = Visit::new(policy, "POST", "/v1/chat/completions", &[], body);
    visit.enter();
    let context = context(&visit);
    attempt(&visit);
    assert_eq!(visit.answer().status, 400);
    over(&mut visit, &context);
    let context = context.borrow();
    assert_eq!(context.client_status, Some(400));
    assert_eq!(context.attempts[0].failure, None);
    assert!(!context.attempts[0].answered);
}

/// One target, so nobody else to ask.
const ONLY: &str = "
providers:
  targets:
    - id: only
      provider: {base_url: 'http://127.0.0.1:1/v1', type: openai-compatible, secret_key_ref: {env: A}}
      health_check: {enabled: false}
model_groups:
  - name: chain
    models: [{provider: only, model: one, timeout_ms: 1000}]
";

/// A connection that broke before the answer; `waited_ms` after it was begun.
fn broken(visit: &Visit, waited_ms: u64) {
    let mut target = attempt(visit);
    let address = b"127.0.0.1:9".to_vec();
    let mut properties = visit.host.properties.borrow_mut();
    properties.insert("upstream.local_address".into(), address);
    drop(properties);
    visit.host.now_ms.set(visit.host.now_ms.get() + waited_ms);
    target.on_end(visit.host.in_phase(Phase::Outside));
}

#[test]
fn the_only_target_is_asked_again_after_a_reset() {
    let mut visit = Visit::new(ONLY, "POST", "/v1/chat/completions", &[], CHAT);
    visit.enter();
    assert_eq!(
        visit.host.request_header("x-envoy-max-retries").as_deref(),
        Some("2")
    );
    let context = context(&visit);
    broken(&visit, 10);
    let mut second = attempt(&visit);
    answered(
        &visit.host,
        &mut second,
        "200",
        JSON,
        r#"{"choices":[{"index":0}]}"#,
    );
    over(&mut visit, &context);
    let context = context.borrow();
    let ids: Vec<&str> = (0..context.attempts.len())
        .map(|index| context.target_id(index))
        .collect();
    assert_eq!(ids, ["only", "only"]);
    assert_eq!(
        context.attempts[0].failure,
        Some(FailoverReason::UpstreamReset)
    );
    assert!(context.attempts[1].answered);
    assert_eq!(context.fallback_count(1), 0);
    assert!(!context.failover(1).triggered);
}

#[test]
fn a_broken_connection_is_repeated_before_the_next_target_is_asked() {
    let mut visit = Visit::chat(CHAT);
    visit.enter();
    let context = context(&visit);
    broken(&visit, 10);
    assert_eq!(
        visit.cluster(),
        "kt/first/1000ms",
        "the router goes there again"
    );
    broken(&visit, 10);
    assert_eq!(visit.cluster(), "kt/second/1000ms");
    let mut third = attempt(&visit);
    let body = r#"{"choices":[{"index":0}]}"#;
    answered(&visit.host, &mut third, "200", JSON, body);
    over(&mut visit, &context);
    let context = context.borrow();
    let ids: Vec<&str> = (0..context.attempts.len())
        .map(|index| context.target_id(index))
        .collect();
    assert_eq!(ids, ["first", "first", "second"]);
    assert_eq!(context.fallback_count(2), 1);
}

#[test]
fn the_only_target_is_not_asked_again_after_a_timeout_or_a_second_reset() {
    for waits in [&[1000][..], &[10, 10]] {
        let mut visit = Visit::new(ONLY, "POST", "/v1/chat/completions", &[], CHAT);
        visit.enter();
        let context = context(&visit);
        for wait in waits {
            broken(&visit, *wait);
        }
        // Envoy has a retry left, or would have: it is answered instead of sent.
        attempt(&visit);
        assert_eq!(visit.answer().status, 503);
        over(&mut visit, &context);
        assert_eq!(context.borrow().attempts.len(), waits.len());
        assert_eq!(context.borrow().client_status, Some(503));
    }
}

/// Three at the same time would otherwise open the circuit of a provider that is well.
#[test]
fn a_reset_that_is_repeated_says_nothing_of_health() {
    let mut visit = Visit::new(ONLY, "POST", "/v1/chat/completions", &[], CHAT);
    for _ in 0..5 {
        visit.gateway = crate::downstream_filter::DownstreamFilter::new(
            Rc::clone(&visit.vm),
            super::gateway_config(ONLY),
        );
        visit.host = crate::host::fake::FakeHost::with_request(
            "POST",
            "/v1/chat/completions",
            &[],
            CHAT.as_bytes(),
        );
        visit.enter();
        assert!(
            visit.host.answer.borrow().is_none(),
            "the target is in service"
        );
        broken(&visit, 10);
    }
}
