//! Requests have spans where the policy exports traces, and providers are told of them.

use serde_json::Value;

use super::telemetry::{events, observed};
use super::upstream_filter::{answered, attempt};
use super::{POLICY, Visit};
use crate::host::fake::Phase;

const JSON: &str = "application/json";
const CHAT: &str =
    r#"{"model": "chain", "messages": [{"role": "user", "content": "Where is the pen?"}]}"#;
const ANSWER: &str = r#"{"id":"x","choices":[{"message":{"content":"Here."}}],"usage":{"prompt_tokens":10,"completion_tokens":2}}"#;
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn policy(sampling: &str) -> String {
    format!(
        "{POLICY}telemetry: {{otlp: {{endpoint: 'http://127.0.0.1:4318'}}, sampling: {sampling}}}\n"
    )
}

/// The event of a request that the second target served, and what each target got as `traceparent`.
fn served(policy: &str, traceparent: Option<&str>) -> (Value, Vec<Option<String>>) {
    let mut headers = vec![("content-type", JSON), ("x-request-id", "r-1")];
    headers.extend(traceparent.map(|parent| ("traceparent", parent)));
    let mut visit = Visit::new(
        &observed(policy),
        "POST",
        "/v1/chat/completions",
        &headers,
        CHAT,
    );
    visit.enter();
    let sent = |visit: &Visit| {
        let headers = visit.host.request_headers.borrow();
        let found: Vec<String> = headers
            .iter()
            .filter(|(name, _)| name == "traceparent")
            .map(|(_, value)| String::from_utf8(value.clone()).unwrap())
            .collect();
        assert!(found.len() <= 1, "{found:?}");
        found.into_iter().next()
    };
    let mut first = attempt(&visit);
    let mut parents = vec![sent(&visit)];
    visit.host.now_ms.set(visit.host.now_ms.get() + 300);
    answered(
        &visit.host,
        &mut first,
        "503",
        JSON,
        r#"{"error":{"message":"no"}}"#,
    );
    let mut second = attempt(&visit);
    parents.push(sent(&visit));
    visit.host.now_ms.set(visit.host.now_ms.get() + 700);
    answered(&visit.host, &mut second, "200", JSON, ANSWER);
    visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
    (events(&visit).remove(0), parents)
}

#[test]
fn each_attempt_is_a_span_of_the_clients_trace() {
    let (event, parents) = served(&policy("0"), Some(PARENT));
    let trace = &event["trace"];
    assert_eq!(trace["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(trace["parent_span_id"], "00f067aa0ba902b7");
    assert_eq!(trace["sampled"], true, "the client has decided");
    let spans: Vec<&str> = (event["attempts"].as_array().unwrap().iter())
        .map(|attempt| attempt["span_id"].as_str().unwrap())
        .collect();
    assert_ne!(spans[0], spans[1]);
    assert!(!spans.contains(&trace["span_id"].as_str().unwrap()));
    for (span, parent) in spans.iter().zip(&parents) {
        let expected = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01");
        assert_eq!(parent.as_deref(), Some(expected.as_str()));
    }
    assert_eq!(event["attempts"][0]["started_after_ms"], 0);
    assert_eq!(event["attempts"][1]["started_after_ms"], 300);
    assert_eq!(event["endpoint"], "/v1/chat/completions");
}

#[test]
fn a_trace_that_begins_here_is_sampled_by_the_policys_share() {
    for (sampling, sampled, flags) in [("1", true, "-01"), ("0", false, "-00")] {
        let (event, parents) = served(&policy(sampling), None);
        assert_eq!(event["trace"]["sampled"], sampled);
        assert_eq!(event["trace"]["parent_span_id"], Value::Null);
        assert!(
            parents
                .iter()
                .all(|parent| parent.as_deref().unwrap().ends_with(flags))
        );
        let (broken, _) = served(&policy(sampling), Some("00-nonsense"));
        assert_eq!(broken["trace"]["parent_span_id"], Value::Null);
    }
}

#[test]
fn without_traces_the_clients_context_goes_through_as_it_came() {
    let (event, parents) = served(POLICY, Some(PARENT));
    assert_eq!(event.get("trace"), None);
    assert_eq!(event["attempts"][0].get("span_id"), None);
    assert_eq!(parents, [Some(PARENT.to_owned()), Some(PARENT.to_owned())]);
    let (_, parents) = served(POLICY, None);
    assert_eq!(parents, [None, None]);
}
