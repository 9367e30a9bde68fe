//! Attempts of an Envoy that cannot route a retry to another cluster.

use std::rc::Rc;

use super::upstream_filter::attempt;
use super::{POLICY, Visit};
use crate::host::fake::Phase;
use crate::per_try_timeout::PerTryTimeoutFilter;
use crate::{Flow, state};

fn visit(model: &str, stream: bool) -> Visit {
    visit_with(POLICY, model, stream)
}

fn visit_with(policy: &str, model: &str, stream: bool) -> Visit {
    let config = format!(
        r#"{{"role": "gateway", "runtime": {{"attempt_routing": "hop"}}, "policy": {}}}"#,
        serde_json::Value::from(policy)
    );
    let body = format!(r#"{{"model": "{model}", "stream": {stream}, "messages": []}}"#);
    let headers = [("content-type", "application/json")];
    let mut visit = Visit::new(&config, "POST", "/v1/chat/completions", &headers, &body);
    assert_eq!(visit.enter(), Flow::Continue);
    visit
}

fn hop(visit: &Visit) -> PerTryTimeoutFilter {
    let mut hop = PerTryTimeoutFilter::new(Rc::clone(&visit.vm));
    hop.on_request_headers(visit.host.in_phase(Phase::RequestHeaders));
    hop
}

const CLUSTER: &str = "x-kt-inner-cluster";
const PER_TRY_TIMEOUT: &str = "x-envoy-upstream-rq-per-try-timeout-ms";

#[test]
fn every_attempt_goes_to_the_hop_which_picks_its_target_and_times_it() {
    for (stream, timeouts) in [(false, [None, None]), (true, [Some("500"), Some("2000")])] {
        let visit = visit("mixed", stream);
        assert_eq!(visit.host.state(state::CLUSTER), None);
        assert_eq!(visit.host.request_header(PER_TRY_TIMEOUT), None);
        for (cluster, timeout) in ["kt/first/500ms", "kt/second/2000ms"].iter().zip(timeouts) {
            hop(&visit);
            assert_eq!(
                visit.host.request_header(CLUSTER).as_deref(),
                Some(*cluster)
            );
            let set = visit.host.request_header(PER_TRY_TIMEOUT);
            assert_eq!(set.as_deref(), timeout, "{cluster}");
            assert_eq!(visit.host.state(state::CLUSTER), None);
        }
    }
}

#[test]
fn a_cluster_that_envoy_lacks_is_named_and_no_fault_of_the_target() {
    let mut visit = visit("chain", false);
    for _ in 0..2 {
        let mut hop = hop(&visit);
        let answer = [(":status", "503"), ("x-kt-no-cluster", "1")];
        visit.host.set_response(&answer, b"");
        hop.on_response_headers(visit.host.in_phase(Phase::ResponseHeaders));
    }
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    visit.gateway.on_response_headers(phase);
    let message = visit.answer_json()["error"]["message"].to_string();
    for cluster in ["kt/first/1000ms", "kt/second/1000ms"] {
        let told = format!("Envoy has no cluster {cluster}");
        assert!(message.contains(&told), "{message}");
    }
    assert!(visit.host.metrics.borrow().is_empty());
}

#[test]
fn a_provider_cannot_say_that_its_cluster_is_missing() {
    let visit = visit("chain", true);
    let mut hop = hop(&visit);
    let context = visit.vm.registry.any().unwrap();
    // The inner request has the same headers, but no filter state.
    let token = visit.host.properties.borrow_mut().remove(state::TOKEN);
    attempt(&visit);
    visit
        .host
        .properties
        .borrow_mut()
        .extend(token.map(|token| (state::TOKEN.to_owned(), token)));
    let answer = [(":status", "503"), ("x-kt-no-cluster", "1")];
    visit.host.set_response(&answer, b"");
    hop.on_response_headers(visit.host.in_phase(Phase::ResponseHeaders));
    assert!(!context.borrow().attempts[0].has_no_cluster);
}

#[test]
fn the_error_of_an_only_target_is_not_retried_and_its_mark_stays_inside() {
    let policy = POLICY.replace(
        "      - {provider: second, model: two, timeout_ms: 1000}\n",
        "",
    );
    let mut visit = visit_with(&policy, "chain", false);
    let mut hop = hop(&visit);
    let context = visit.vm.registry.any().unwrap();
    context.borrow_mut().answered_by(0, 500, 0);
    visit.host.set_response(&[(":status", "500")], b"");
    hop.on_response_headers(visit.host.in_phase(Phase::ResponseHeaders));
    let is_marked = |visit: &Visit| {
        let headers = visit.host.response_headers.borrow();
        headers
            .iter()
            .any(|(name, _)| name == "x-envoy-ratelimited")
    };
    assert!(is_marked(&visit));
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    visit.gateway.on_response_headers(phase);
    assert!(!is_marked(&visit));
}
