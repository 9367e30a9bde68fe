//! The JSON of events, on which consumers rely.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use events::{
    AttemptRecord, Decision, DecisionEvent, Event, EventId, FailoverSummary, PolicyResult,
    PolicyVerdict, Timestamp, Tokens, lines, read_event,
};
use serde_json::{Value, json};

fn decision() -> DecisionEvent<'static> {
    DecisionEvent {
        id: EventId::new(1_700_000_000_000, 7),
        timestamp: Timestamp::from_millis(1_700_000_000_000),
        request_id: "r-1".into(),
        decision: Decision::Allowed,
        model: "reliable-chat".into(),
        model_group: Some("reliable-chat".into()),
        resolved_model: Some("claude-sonnet-4-20250514".into()),
        provider: Some("anthropic".into()),
        vendor: Some("anthropic".into()),
        tag: Some("control".into()),
        region: None,
        strategy: Some("failover".into()),
        similarity: None,
        endpoint: None,
        stream: false,
        status_code: 200,
        error_code: None,
        client_gone: false,
        latency_ms: 812,
        upstream_latency_ms: Some(800),
        time_to_first_token_ms: None,
        finish_reason: None,
        tokens: Some(Tokens {
            prompt: 10,
            completion: 5,
            cached: 2,
            cache_written: 0,
            reasoning: 0,
            total: 15,
            estimated: false,
        }),
        estimated_cost_usd: Some(0.002),
        actual_cost_usd: Some(0.0015),
        fallback_count: 1,
        failover: FailoverSummary {
            triggered: true,
            original_provider: Some("openai".into()),
            reason: Some("upstream_timeout".into()),
        },
        attempts: vec![
            AttemptRecord {
                provider: "openai".into(),
                model: "gpt-4o".into(),
                status_code: None,
                reason: Some("upstream_timeout".into()),
                latency_ms: 10,
                started_after_ms: None,
                span_id: None,
            },
            AttemptRecord {
                provider: "anthropic".into(),
                model: "claude-sonnet-4-20250514".into(),
                status_code: Some(200),
                reason: None,
                latency_ms: 800,
                started_after_ms: None,
                span_id: None,
            },
        ]
        .into(),
        passed_over: Vec::new(),
        policies_evaluated: vec![PolicyResult {
            name: "audit-logger".into(),
            result: PolicyVerdict::Logged,
        }]
        .into(),
        key_name: Some("ci".into()),
        team: None,
        simulated: false,
        conversation_id: Some("00ff".into()),
        trace: None,
        config_version: "v1".into(),
        gateway_id: "gw".into(),
        instance_id: "i".into(),
        request_body: None,
        response_body: None,
        truncated: Vec::new(),
    }
}

#[test]
fn a_decision_has_the_names_of_the_contract() {
    let event = serde_json::to_value(Event::Decision(Box::new(decision()))).unwrap();
    assert_eq!(
        event,
        json!({
            "event_type": "decision",
            "id": "evt_018bcfe5680000000000000000000007",
            "timestamp": "2023-11-14T22:13:20.000000Z",
            "request_id": "r-1",
            "decision": "allowed",
            "model": "reliable-chat",
            "model_group": "reliable-chat",
            "resolved_model": "claude-sonnet-4-20250514",
            "provider": "anthropic",
            "vendor": "anthropic",
            "tag": "control",
            "region": null,
            "strategy": "failover",
            "stream": false,
            "status_code": 200,
            "latency_ms": 812,
            "upstream_latency_ms": 800,
            "time_to_first_token_ms": null,
            "tokens": {"prompt": 10, "completion": 5, "cached": 2, "total": 15},
            "estimated_cost_usd": 0.002,
            "actual_cost_usd": 0.0015,
            "fallback_count": 1,
            "failover": {"triggered": true, "original_provider": "openai", "reason": "upstream_timeout"},
            "attempts": [
                {"provider": "openai", "model": "gpt-4o", "status_code": null, "reason": "upstream_timeout", "latency_ms": 10},
                {"provider": "anthropic", "model": "claude-sonnet-4-20250514", "status_code": 200, "reason": null, "latency_ms": 800},
            ],
            "policies_evaluated": [{"name": "audit-logger", "result": "logged"}],
            "key_name": "ci",
            "conversation_id": "00ff",
            "config_version": "v1",
            "gateway_id": "gw",
            "instance_id": "i",
        })
    );
}

#[test]
fn an_event_is_read_back_from_a_line_of_a_batch() {
    let event = Event::Decision(Box::new(decision()));
    let line = serde_json::to_string(&event).unwrap();
    let batch = format!("\n{line}\r\n\n{line}");
    let read: Vec<_> = lines(batch.as_bytes())
        .map(|line| (line.number, read_event(line.bytes).unwrap()))
        .collect();
    assert_eq!(read, [(2, event.clone()), (4, event)]);
}

#[test]
fn members_unknown_here_are_ignored_and_missing_ones_named() {
    let mut event = serde_json::to_value(Event::Decision(Box::new(decision()))).unwrap();
    event["from_the_future"] = json!(1);
    assert!(read_event(event.to_string().as_bytes()).is_ok());
    event.as_object_mut().unwrap().remove("status_code");
    let error = read_event(event.to_string().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("status_code"), "{error}");
    for (name, value) in [
        ("event_type", json!("unknown")),
        ("timestamp", json!("today")),
        ("id", json!("1")),
    ] {
        let mut event: Value = serde_json::to_value(Event::Decision(Box::new(decision()))).unwrap();
        event[name] = value;
        assert!(read_event(event.to_string().as_bytes()).is_err(), "{name}");
    }
}
