//! Content policies: what is blocked, what is taken out, and what the event says of it.

use serde_json::{Value, json};

use super::telemetry::{chat, events};
use super::{POLICY, Visit};
use crate::Flow;
use crate::host::fake::Phase;

/// Policies over the common providers; the second provider moderates.
fn with(policies: &str) -> String {
    format!(
        "{POLICY}\npolicies:\n  chain: [{}]\n  policy:\n{policies}",
        names(policies)
    )
}

fn names(policies: &str) -> String {
    let names = policies
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split(':').next().unwrap());
    names.collect::<Vec<_>>().join(", ")
}

const AUDIT: &str = "    audit-logger:\n      immutable: true\n      retention_days: 30\n      log_all_access: true\n";

fn filter(action: &str, more: &str) -> String {
    format!("{AUDIT}    content_filter:\n      categories: [pii]\n      action: {action}\n{more}")
}

fn body(text: &str) -> String {
    json!({"model": "chain", "messages": [{"role": "user", "content": text}]}).to_string()
}

fn only_event(visit: &mut Visit) -> Value {
    visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
    let mut events = events(visit);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn results(event: &Value) -> Vec<(&str, &str)> {
    let policies = event["policies_evaluated"].as_array().unwrap();
    policies
        .iter()
        .map(|policy| {
            (
                policy["name"].as_str().unwrap(),
                policy["result"].as_str().unwrap(),
            )
        })
        .collect()
}

const SECRET: &str = "write to jane.doe@example.com please";

#[test]
fn what_is_found_is_blocked_taken_out_or_only_told() {
    for (action, result, decision) in [
        ("block", "blocked", "blocked"),
        ("redact", "redacted", "flagged"),
        ("flag", "flagged", "flagged"),
    ] {
        let mut visit = chat(&with(&filter(action, "")), &body(SECRET));
        let flow = visit.enter();
        let sent = String::from_utf8(visit.host.request_body.borrow().clone()).unwrap();
        assert_eq!(sent.contains("jane.doe"), action != "redact", "{sent}");
        if action == "block" {
            assert_eq!(flow, Flow::Pause);
            assert_eq!(visit.answer().status, 409);
            let error = &visit.answer_json()["error"];
            assert_eq!(error["type"], "policy_violation");
            assert_eq!(error["code"], "input_blocked");
            assert_eq!(error["policy"], "content-filter");
            assert!(!error.to_string().contains("jane"));
        } else {
            assert_eq!(flow, Flow::Continue);
            assert_eq!(visit.cluster(), "kt/first/1000ms");
        }
        let event = only_event(&mut visit);
        assert_eq!(event["decision"], decision);
        assert_eq!(event["model"], "chain");
        assert_eq!(
            results(&event),
            [("audit-logger", "logged"), ("content-filter", result)]
        );
        assert!(!event.to_string().contains("jane"), "{event}");
    }
}

#[test]
fn a_harmless_request_passes() {
    let mut visit = chat(&with(&filter("block", "")), &body("hello"));
    assert_eq!(visit.enter(), Flow::Continue);
    let event = only_event(&mut visit);
    assert_eq!(event["decision"], "allowed");
    assert_eq!(
        results(&event),
        [("audit-logger", "logged"), ("content-filter", "passed")]
    );
}

#[test]
fn a_request_waits_for_its_moderation() {
    let flagged = json!({"results": [{"flagged": true, "categories": {"violence": true}}]});
    let clean = json!({"results": [{"flagged": false, "categories": {"violence": false}}]});
    let error = json!({"error": {"message": "overloaded"}});
    let silent = json!({"results": []});
    let unjudged = json!({"results": [{"flagged": false, "categories": {}}]});
    let cases = [
        ("block", Some(("200", &flagged)), "blocked", 409),
        ("block", Some(("200", &clean)), "passed", 0),
        // Nobody answered, or with an error.
        ("block", None, "blocked", 409),
        ("allow", None, "skipped", 0),
        ("allow", Some(("500", &clean)), "skipped", 0),
        // An answer that judges nothing.
        ("block", Some(("200", &error)), "blocked", 409),
        ("block", Some(("200", &silent)), "blocked", 409),
        ("block", Some(("200", &unjudged)), "blocked", 409),
        ("allow", Some(("200", &unjudged)), "skipped", 0),
    ];
    for (on_error, answer, result, status) in cases {
        let moderation = format!(
            "      moderation: {{provider: second, timeout_ms: 300, on_error: {on_error}}}\n"
        );
        let mut visit = chat(&with(&filter("block", &moderation)), &body("hello"));
        assert_eq!(visit.enter(), Flow::Pause, "it waits");
        assert!(visit.host.answer.borrow().is_none());
        let (cluster, headers) = visit.host.calls.borrow()[0].clone();
        assert_eq!(cluster, "kt/second/calls");
        assert!(headers.contains(&(":path".into(), b"/v1/moderations".to_vec())));
        let asked: Value = serde_json::from_slice(&visit.host.call_bodies.borrow()[0]).unwrap();
        assert_eq!(asked["input"], json!(["hello"]));
        if let Some((status, body)) = answer {
            visit
                .host
                .call_answer
                .replace(vec![(":status".into(), status.into())]);
            visit.host.call_answer_body.replace(body.to_string().into());
        }
        let phase = visit.host.in_phase(Phase::RequestBody);
        visit.gateway.on_call_response(phase, 1);
        match status {
            0 => assert_eq!(visit.cluster(), "kt/first/1000ms"),
            status => assert_eq!(visit.answer().status, status),
        }
        let event = only_event(&mut visit);
        assert_eq!(
            results(&event)[1],
            ("content-filter", result),
            "{on_error} {answer:?}"
        );
    }
}

#[test]
fn a_client_that_left_during_moderation_leaves_an_event() {
    let moderation = "      moderation: {provider: second}\n";
    let mut visit = chat(&with(&filter("block", moderation)), &body("hello"));
    visit.enter();
    let event = only_event(&mut visit);
    assert_eq!(event["client_gone"], true);
    assert_eq!(event["status_code"], 0);
}

#[test]
fn what_cannot_be_read_is_refused_and_goes_nowhere() {
    let policy = with(&filter("redact", ""));
    let mut visit = chat(&policy, "{\"model\": \"chain\", \"messages\": [");
    assert_eq!(visit.enter(), Flow::Pause);
    assert_eq!(visit.answer().status, 400);
    let event = only_event(&mut visit);
    assert_eq!(event["status_code"], 400);

    // Envoy does not give the body away.
    let mut visit = chat(&policy, &body(SECRET));
    let size = visit.host.request_body.borrow().len();
    let headers = visit.host.in_phase(Phase::RequestHeaders);
    visit.gateway.on_request_headers(headers, false);
    let headers = visit.host.in_phase(Phase::RequestHeaders);
    let flow = visit.gateway.on_request_body(headers, size, true);
    assert_eq!(flow, Flow::Pause);
    assert_eq!(visit.answer().status, 409);
    assert_eq!(only_event(&mut visit)["decision"], "blocked");
}
