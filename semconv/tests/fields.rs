//! The table of fields is the event's.
#![cfg(not(target_arch = "wasm32"))]
#![recursion_limit = "256"]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::collections::BTreeSet;

use events::{DecisionEvent, Event, read_event};
use semconv::fields::{DECISION, EventField, FieldType, HEALTH_CHANGED, Presence};
use serde_json::{Value, json};

fn full() -> Value {
    json!({
        "event_type": "decision", "id": "evt_018bcfe5680000000000000000000007", "timestamp": "2023-11-14T22:13:20.000000Z",
        "request_id": "r", "decision": "allowed", "model": "m", "model_group": "m", "resolved_model": "m", "provider": "p",
        "vendor": "v", "tag": "t", "region": "r", "strategy": "failover", "similarity": 0.5, "endpoint": "/v1/chat/completions",
        "stream": true, "status_code": 200, "error_code": "x", "client_gone": true, "latency_ms": 1, "upstream_latency_ms": 1,
        "time_to_first_token_ms": 1, "finish_reason": "stop",
        "tokens": {"prompt": 1, "completion": 1, "cached": 1, "cache_written": 1, "reasoning": 1, "total": 2, "estimated": true},
        "estimated_cost_usd": 0.1, "actual_cost_usd": 0.1, "fallback_count": 1,
        "failover": {"triggered": true, "original_provider": "o", "reason": "r"},
        "attempts": [{"provider": "p", "model": "m", "status_code": 200, "reason": "r", "latency_ms": 1, "started_after_ms": 0,
            "span_id": "00f067aa0ba902b7"}],
        "passed_over": [{"provider": "p", "reason": "r"}],
        "policies_evaluated": [{"name": "n", "result": "passed"}],
        "key_name": "k", "team": "t", "simulated": true, "conversation_id": "c",
        "trace": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7",
            "parent_span_id": "00f067aa0ba902b8", "sampled": true},
        "config_version": "c", "gateway_id": "g", "instance_id": "i", "request_body": "{}", "response_body": "{}",
        "truncated": ["model"]
    })
}

fn health() -> Value {
    json!({
        "event_type": "gateway.health_changed", "id": "evt_018bcfe5680000000000000000000007",
        "timestamp": "2023-11-14T22:13:20.000000Z", "provider": "p", "from": "healthy", "to": "unhealthy", "reason": "r",
        "consecutive_failures": 3, "gateway_id": "g", "instance_id": "i", "config_version": "c", "truncated": ["provider"]
    })
}

/// What Serde writes of what it read: all fields that the types have.
fn written(event: &Value) -> Value {
    let read: Event<'static> = read_event(event.to_string().as_bytes()).unwrap();
    serde_json::to_value(read).unwrap()
}

fn paths(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().unwrap() {
        let path = format!("{prefix}{name}");
        let inner = match value {
            Value::Object(_) => Some(value),
            Value::Array(items) => items.first().filter(|item| item.is_object()),
            _ => None,
        };
        if let Some(inner) = inner {
            paths(inner, &format!("{path}."), found);
        }
        found.insert(path);
    }
}

fn fits(kind: FieldType, value: &Value) -> bool {
    match kind {
        FieldType::Text | FieldType::Time => value.is_string(),
        FieldType::Integer => value.is_u64(),
        FieldType::Number => value.is_number(),
        FieldType::Flag => value.is_boolean(),
        FieldType::Object => value.is_object(),
        FieldType::List => value[0].is_object(),
        FieldType::Texts => value[0].is_string(),
    }
}

#[test]
fn the_table_has_every_field_with_its_type() {
    for (event, table) in [(full(), DECISION), (health(), HEALTH_CHANGED)] {
        let event = written(&event);
        let mut found = BTreeSet::new();
        paths(&event, "", &mut found);
        let rows: BTreeSet<String> = table.iter().map(|row| row.path.to_owned()).collect();
        assert_eq!(rows, found);
        for row in table {
            let mut value = &event;
            for part in row.path.split('.') {
                let inner = if value.is_array() { &value[0] } else { value };
                value = &inner[part];
            }
            assert!(fits(row.kind, value), "{}: {value}", row.path);
        }
    }
}

#[test]
fn what_may_be_left_out_is_what_the_table_says() {
    let of_top_level = |row: &&EventField| !row.path.contains('.');
    let bare = written(&json!({
        "event_type": "decision", "id": "evt_018bcfe5680000000000000000000007", "timestamp": "2023-11-14T22:13:20.000000Z",
        "request_id": "r", "decision": "allowed", "model": "m", "model_group": null, "resolved_model": null, "provider": null,
        "vendor": null, "strategy": null, "stream": false, "status_code": 0, "latency_ms": 0, "upstream_latency_ms": null,
        "time_to_first_token_ms": null, "tokens": null, "estimated_cost_usd": null, "actual_cost_usd": null,
        "fallback_count": 0, "failover": {"triggered": false, "original_provider": null, "reason": null}
    }));
    for row in DECISION.iter().filter(of_top_level) {
        let presence = match bare.get(row.path) {
            None => Presence::Optional,
            Some(Value::Null) => Presence::Nullable,
            Some(_) => Presence::Always,
        };
        assert_eq!(presence, row.presence, "{}", row.path);
    }
    // The type has no field that the events here lack.
    let Event::Decision(event) = read_event(full().to_string().as_bytes()).unwrap() else {
        panic!("a decision");
    };
    let _: Box<DecisionEvent<'static>> = event;
}
