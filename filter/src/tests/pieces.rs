//! Long bodies, which come in pieces.

use serde_json::{Value, json};

use super::telemetry::{self, events};
use super::upstream_filter::attempt;
use super::{POLICY, Visit};
use crate::Flow;
use crate::host::PIECE_BYTES;
use crate::host::fake::Phase;

/// Nobody but the plan reads bodies.
fn policy() -> String {
    POLICY.replace("max_request_bytes: 2000", "max_request_bytes: 2000000")
}

fn long_text() -> String {
    "All work and no play makes for a dull \"prompt\".\n".repeat(20_000)
}

fn body(members: &Value) -> String {
    let mut body = members.clone();
    body["messages"] = json!([{"role": "user", "content": long_text()}]);
    body.to_string()
}

/// Brings the body as Envoy does: what came so far is buffered.
fn bring(visit: &mut Visit, piece: usize) -> Flow {
    let whole = visit.host.request_body.take();
    let headers = visit.host.in_phase(Phase::RequestHeaders);
    assert_eq!(
        visit.gateway.on_request_headers(headers, false),
        Flow::Pause
    );
    visit.host.noted.take();
    let mut flow = Flow::Pause;
    for size in (1..whole.len().div_ceil(piece)).map(|count| count * piece) {
        visit.host.request_body.replace(whole[..size].to_vec());
        let phase = visit.host.in_phase(Phase::RequestBody);
        flow = visit.gateway.on_request_body(phase, size, false);
        assert_eq!(flow, Flow::Pause);
    }
    visit.host.request_body.replace(whole.clone());
    if visit.host.answer.borrow().is_none() {
        let phase = visit.host.in_phase(Phase::RequestBody);
        flow = visit.gateway.on_request_body(phase, whole.len(), true);
    }
    visit.body = visit.host.request_body.borrow().clone();
    flow
}

fn asked_for_bodies(visit: &Visit) -> usize {
    let calls = visit.host.noted.take();
    calls.iter().filter(|call| **call == "request_body").count()
}

/// What the provider is sent, by the downstream filter and the upstream filter together.
fn sent(visit: &Visit) -> Value {
    attempt(visit);
    let body = visit.host.request_body.borrow();
    let length = visit.host.request_header("content-length");
    assert_eq!(length, Some(body.len().to_string()));
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn a_long_body_is_read_while_it_comes_and_goes_on_as_it_came() {
    let first = json!({"model": "chain", "max_tokens": 5});
    for piece in [10_000, 131_072, 300_000] {
        let body = body(&first);
        let mut visit = telemetry::chat(&policy(), &body);
        assert_eq!(bring(&mut visit, piece), Flow::Continue);
        let pieces = body.len().div_ceil(PIECE_BYTES);
        let asked = asked_for_bodies(&visit);
        assert!(
            (pieces..=pieces + 4).contains(&asked),
            "{asked} of {pieces}"
        );
        let mut expected: Value = serde_json::from_str(&body).unwrap();
        expected["model"] = json!("one");
        assert_eq!(sent(&visit), expected);
        assert_eq!(asked_for_bodies(&visit), 0);
    }
}

#[test]
fn no_attempt_copies_a_long_body_to_name_its_model_or_to_ask_for_usage() {
    for (stream, vendor) in [
        (false, "openai-compatible"),
        (true, "openai-compatible"),
        (true, "openai"),
    ] {
        let policy = policy().replace("type: openai-compatible", &format!("type: {vendor}"));
        let asks = stream && vendor == "openai";
        let nameless = body(&json!({"stream": stream}));
        let first = format!(r#"{{"model":"chain",{}"#, &nameless[1..]);
        let last = format!(r#"{},"model":"chain"}}"#, &nameless[..nameless.len() - 1]);
        for body in [first, last] {
            let mut visit = telemetry::chat(&policy, &body);
            assert_eq!(bring(&mut visit, 100_000), Flow::Continue);
            let mut expected: Value = serde_json::from_str(&body).unwrap();
            if asks {
                expected["stream_options"] = json!({"include_usage": true});
            }
            for model in ["one", "two"] {
                expected["model"] = json!(model);
                assert_eq!(
                    sent(&visit),
                    expected,
                    "{model}, {vendor}, stream: {stream}"
                );
            }
            assert!(visit.host.longest_piece.get() <= PIECE_BYTES);
            assert!(!visit.host.noted.borrow().contains(&"set_request_body"));
        }
    }
}

#[test]
fn a_body_that_was_read_whole_is_written_without_a_second_copy() {
    for (size, writes) in [(10_000, 1), (200_000, 4)] {
        let text = "x".repeat(size);
        let body = format!(r#"{{"user":"{text}","model":"chain","messages":[]}}"#);
        let mut visit = telemetry::chat(&format!("log_bodies: true\n{}", policy()), &body);
        visit.enter();
        let calls = visit.host.noted.take();
        let written = calls.iter().filter(|call| call.ends_with("_request_body"));
        assert_eq!(written.count(), writes, "{calls:?}");
        let mut expected: Value = serde_json::from_str(&body).unwrap();
        expected["model"] = json!("one");
        assert_eq!(sent(&visit), expected);
    }
}

#[test]
fn its_event_is_that_of_a_body_read_at_once() {
    let event_of = |policy: &str| {
        let body = body(&json!({"model": "chain", "stream": true}));
        let mut visit = telemetry::chat(policy, &body);
        bring(&mut visit, 100_000);
        visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
        let mut event = events(&visit).remove(0);
        let object = event.as_object_mut().unwrap();
        for own in ["id", "request_body", "truncated"] {
            object.remove(own);
        }
        (asked_for_bodies(&visit), event)
    };
    let (pieces, in_pieces) = event_of(&policy());
    let (once, at_once) = event_of(&format!("log_bodies: true\n{}", policy()));
    assert!(pieces > 1 && once == 1, "{pieces}, {once}");
    assert_eq!(in_pieces, at_once);
}

#[test]
fn what_is_wrong_with_a_long_body_is_told_of_the_whole() {
    let right = body(&json!({"model": "chain"}));
    let middle = right.len() / 2;
    let wrong = [
        format!("{}\u{1}{}", &right[..middle], &right[middle..]),
        format!("{}\\x{}", &right[..middle], &right[middle..]),
        right[..right.len() - 1].to_owned(),
        format!("{right}]"),
        right.replacen(r#""model":"chain""#, r#""model":7"#, 1),
    ];
    for body in wrong {
        let mut visit = telemetry::chat(&policy(), &body);
        bring(&mut visit, 100_000);
        let answer = visit.answer_json();
        let mut at_once = telemetry::chat(&format!("log_bodies: true\n{}", policy()), &body);
        at_once.enter();
        assert_eq!(visit.answer().status, 400, "{answer}");
        assert_eq!(answer["error"], at_once.answer_json()["error"]);
    }
}

#[test]
fn a_long_body_that_ends_with_trailers_is_read_at_once() {
    let body = body(&json!({"model": "chain"}));
    let mut visit = telemetry::chat(&policy(), &body);
    let headers = visit.host.in_phase(Phase::RequestHeaders);
    visit.gateway.on_request_headers(headers, false);
    let phase = visit.host.in_phase(Phase::RequestBody);
    visit.gateway.on_request_body(phase, body.len(), false);
    let phase = visit.host.in_phase(Phase::RequestBody);
    assert_eq!(visit.gateway.on_request_trailers(phase), Flow::Continue);
    visit.body = visit.host.request_body.borrow().clone();
    assert_eq!(sent(&visit)["model"], "one");
}

/// The prompt's tokens in the plan of a long request, and the longest piece of it that was in memory. The first budget comes
/// before its first piece, after it, or never.
fn counted(policy: &str, budget_before: Option<usize>) -> (u32, usize) {
    let body = body(&json!({"model": "chain"}));
    let mut visit = telemetry::chat(policy, &body);
    let publish = |visit: &Visit| {
        let budget = json!({"provider": "first", "limit_usd": 5, "period": "daily", "period_start_ms": 0,
            "period_end_ms": u64::MAX, "spent_elsewhere_usd": 0});
        let control =
            json!({"version": "1", "keys_required": false, "keys": [], "budgets": [budget]});
        let known = serde_json::from_value(control).unwrap();
        crate::shared::publish_control(&visit.host, &known);
        visit.vm.tick(&visit.host);
    };
    let headers = visit.host.in_phase(Phase::RequestHeaders);
    visit.gateway.on_request_headers(headers, false);
    for (index, end_of_stream) in [false, true].into_iter().enumerate() {
        if budget_before == Some(index) {
            publish(&visit);
        }
        let phase = visit.host.in_phase(Phase::RequestBody);
        visit
            .gateway
            .on_request_body(phase, body.len(), end_of_stream);
    }
    let context = visit.vm.registry.any().unwrap();
    let tokens = context.borrow().log.prompt_tokens;
    (tokens, visit.host.longest_piece.get())
}

#[test]
fn tokens_are_counted_in_pieces_and_a_budget_that_comes_in_the_middle_counts_the_whole() {
    let whole = body(&json!({"model": "chain"}));
    let tokens = routing::tokens::of_request(whole.as_bytes());
    let prices = "cost_per_1k_input: 1, cost_per_1k_output: 1, timeout_ms: 1000";
    let by_cost = policy()
        .replace("name: chain\n", "name: chain\n    strategy: cost\n")
        .replace("timeout_ms: 1000", prices);
    let window = policy().replacen("model: one,", "model: one, context_window: 1000000,", 1);
    for (policy, budget_before) in [
        (policy(), Some(0)),
        (by_cost, None),
        (window.clone(), None),
        (window, Some(1)),
    ] {
        assert_eq!(
            counted(&policy, budget_before),
            (tokens, PIECE_BYTES),
            "{policy}"
        );
    }
    assert_eq!(counted(&policy(), Some(1)), (tokens, whole.len()));
    let (estimate, longest) = counted(&policy(), None);
    assert_eq!(longest, PIECE_BYTES);
    assert_ne!(estimate, tokens, "nobody has asked");
}
