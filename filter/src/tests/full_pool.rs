//! Attempts that a limit of Envoy's own turns away: a failover or an error for the client, and nothing against the target.

use std::cell::RefCell;
use std::rc::Rc;

use protocols::exchange::FailoverReason;

use super::health::failures;
use super::upstream_filter::attempt;
use super::{POLICY, Visit, gateway_config};
use crate::host::fake::Phase;
use crate::per_try_timeout::PerTryTimeoutFilter;
use crate::request_context::RequestContext;

fn enter(body: &str) -> (Visit, Rc<RefCell<RequestContext>>) {
    let mut visit = Visit::chat(body);
    visit.enter();
    let context = visit.vm.registry.any();
    (visit, context.expect("the request has been planned"))
}

fn failures_of_first(visit: &Visit) -> u32 {
    failures(&visit.vm, &visit.host, &gateway_config(POLICY))
}

const CHAT: &str = r#"{"model": "chain", "messages": []}"#;
const MIXED_STREAM: &str = r#"{"model": "mixed", "stream": true, "messages": []}"#;

/// The first target's attempt, torn down without an answer after `waited_ms`.
fn unanswered(visit: &Visit, failure: &str, waited_ms: u64) {
    let mut target = attempt(visit);
    let name = String::from("upstream.transport_failure_reason");
    let mut properties = visit.host.properties.borrow_mut();
    properties.insert(name, failure.as_bytes().to_vec());
    drop(properties);
    visit.host.now_ms.set(visit.host.now_ms.get() + waited_ms);
    target.on_end(visit.host.in_phase(Phase::Outside));
}

#[test]
fn a_failed_connection_leaves_its_reason_or_has_waited_and_a_full_pool_neither() {
    // The connection may take as long as the answer, 1000 ms.
    for (failure, waited_ms, turned_away, expected) in [
        ("", 0, true, FailoverReason::UpstreamConnect),
        ("", 499, true, FailoverReason::UpstreamConnect),
        ("", 500, false, FailoverReason::UpstreamConnect),
        ("", 1_000, false, FailoverReason::UpstreamTimeout),
        (
            "delayed connect error: Connection refused",
            0,
            false,
            FailoverReason::UpstreamConnect,
        ),
        (
            "TLS_error:|1:SSL routines",
            0,
            false,
            FailoverReason::UpstreamConnect,
        ),
    ] {
        let (visit, context) = enter(CHAT);
        unanswered(&visit, failure, waited_ms);
        let seen = &context.borrow().attempts[0];
        assert_eq!(
            (seen.turned_away, seen.failure),
            (turned_away, Some(expected)),
            "{failure:?} after {waited_ms} ms"
        );
        let failures = u32::from(!turned_away);
        assert_eq!(failures_of_first(&visit), failures);
    }
}

const OVERLOADED: [(&str, &str); 2] = [(":status", "503"), ("x-envoy-overloaded", "true")];

/// Envoy answers in place of the attempt that a full pool has turned away.
fn overloaded(visit: &mut Visit) {
    visit.host.set_response(&OVERLOADED, b"");
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    visit.gateway.on_response_headers(phase);
}

#[test]
fn an_attempt_that_a_full_pool_turned_away_is_told_of_once() {
    for was_seen in [false, true] {
        let (mut visit, context) = enter(CHAT);
        if was_seen {
            unanswered(&visit, "", 0);
        }
        overloaded(&mut visit);
        assert_eq!(visit.answer().status, 503);
        let message = visit.answer_json()["error"]["message"].to_string();
        assert!(message.contains("(first: upstream_connect)"), "{message}");
        visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
        assert_eq!(context.borrow().attempts.len(), 1);
        assert!(context.borrow().attempts[0].turned_away);
        assert_eq!(failures_of_first(&visit), 0);
    }
}

#[test]
fn behind_a_failed_attempt_a_full_pool_is_another_one() {
    let (mut visit, context) = enter(CHAT);
    unanswered(&visit, "delayed connect error: Connection refused", 0);
    overloaded(&mut visit);
    let seen: Vec<_> = (context.borrow().attempts.iter())
        .map(|attempt| (attempt.entry, attempt.turned_away))
        .collect();
    assert_eq!(seen, [(0, false), (1, true)]);
}

#[test]
fn behind_the_hop_the_attempt_ends_and_the_next_one_is_its_own() {
    let (visit, context) = enter(MIXED_STREAM);
    let mut hop = PerTryTimeoutFilter::new(Rc::clone(&visit.vm));
    hop.on_request_headers(visit.host.in_phase(Phase::RequestHeaders));
    visit.host.set_response(&OVERLOADED, b"");
    hop.on_response_headers(visit.host.in_phase(Phase::ResponseHeaders));
    attempt(&visit);
    let seen: Vec<_> = (context.borrow().attempts.iter())
        .map(|attempt| {
            (
                attempt.entry,
                attempt.turned_away,
                attempt.ended_ns.is_some(),
            )
        })
        .collect();
    assert_eq!(seen, [(0, true, true), (1, false, false)]);
    assert_eq!(failures_of_first(&visit), 0);
}
