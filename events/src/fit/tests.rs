#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;
use crate::read_event;

fn event(changes: &serde_json::Value) -> (Event<'static>, usize) {
    let mut event = json!({
        "event_type": "decision", "id": "evt_018bcfe5680000000000000000000007",
        "timestamp": "2023-11-14T22:13:20.000000Z", "request_id": "r", "decision": "allowed", "model": "m",
        "model_group": null, "resolved_model": null, "provider": "p", "vendor": null, "strategy": null, "stream": false,
        "status_code": 200, "latency_ms": 1, "upstream_latency_ms": null, "time_to_first_token_ms": null, "tokens": null,
        "estimated_cost_usd": null, "actual_cost_usd": 0.5, "fallback_count": 0,
        "failover": {"triggered": false, "original_provider": null, "reason": null},
    });
    for (name, value) in changes.as_object().unwrap() {
        event[name] = value.clone();
    }
    let line = event.to_string();
    (read_event(line.as_bytes()).unwrap(), line.len())
}

/// The event with these members after truncation, and what it says was truncated. Checks that it is within the limit
/// and still an event.
fn fitted(changes: &serde_json::Value) -> Option<(serde_json::Value, Vec<String>)> {
    let (event, bytes) = event(changes);
    let short = event.fitted(bytes, MAX_EVENT_BYTES)?;
    let mut line = Vec::new();
    short.write_ndjson(&mut line);
    assert!(line.len() <= MAX_EVENT_BYTES, "{} bytes", line.len());
    let again = read_event(&line).unwrap();
    assert_eq!(again.fitted(line.len(), MAX_EVENT_BYTES), None);
    assert_eq!(again.id(), event.id());
    let kept: serde_json::Value = serde_json::from_slice(&line).unwrap();
    // Its cost, and who pays, survive every truncation.
    assert_eq!(kept["actual_cost_usd"], 0.5);
    let names = kept["truncated"].as_array().unwrap().iter();
    let names = names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    Some((kept, names))
}

#[test]
fn what_fits_stays_as_it_is() {
    let body = "x".repeat(MAX_BODY_BYTES);
    for changes in [
        json!({}),
        json!({"model": "x".repeat(MAX_TEXT_BYTES)}),
        json!({"request_body": body, "response_body": body}),
        json!({"from_the_future": "x".repeat(64 * 1024)}),
        json!({"truncated": ["request_body"]}),
    ] {
        assert_eq!(fitted(&changes), None);
    }
}

#[test]
fn what_is_too_long_is_cut_and_named() {
    let huge = "é".repeat(128 * 1024);
    let (kept, names) = fitted(&json!({"model": huge, "key_name": huge})).unwrap();
    assert_eq!(names, ["model", "key_name"]);
    assert_eq!(kept["model"], "é".repeat(MAX_TEXT_BYTES / 2));

    // Every character takes six bytes in JSON.
    let body = "\u{1}".repeat(MAX_BODY_BYTES);
    let (kept, names) = fitted(&json!({"request_body": body, "response_body": body})).unwrap();
    assert_eq!(names, ["request_body", "response_body"]);
    assert_eq!(
        kept["request_body"].as_str().unwrap().len(),
        MAX_BODY_BYTES / 4
    );

    let many = |item: serde_json::Value| vec![item; 5_000];
    let attempt = json!({"provider": "p", "model": "m", "status_code": 500, "reason": huge.get(..600), "latency_ms": 1});
    let passed_over = json!({"provider": "p", "reason": "unhealthy"});
    let policy = json!({"name": "p".repeat(200), "result": "passed"});
    let (kept, names) = fitted(&json!({
        "attempts": many(attempt), "passed_over": many(passed_over), "policies_evaluated": many(policy),
        "truncated": ["request_body", "attempts"],
    }))
    .unwrap();
    assert_eq!(
        names,
        [
            "request_body",
            "attempts",
            "passed_over",
            "policies_evaluated"
        ]
    );
    assert!(!kept["attempts"].as_array().unwrap().is_empty());

    let (kept, names) = fitted(&json!({"from_the_future": huge})).unwrap();
    assert_eq!(names, [UNKNOWN_MEMBERS]);
    assert_eq!(kept.get("from_the_future"), None);
}

#[test]
fn a_change_of_health_too() {
    let line = json!({
        "event_type": "gateway.health_changed", "id": "evt_018bcfe5680000000000000000000007",
        "timestamp": "2023-11-14T22:13:20.000000Z", "provider": "p", "from": "healthy", "to": "unhealthy",
        "reason": "x".repeat(300_000), "consecutive_failures": 3,
    })
    .to_string();
    let event = read_event(line.as_bytes()).unwrap();
    let Some(Event::HealthChanged(short)) = event.fitted(line.len(), MAX_EVENT_BYTES) else {
        panic!("it is too long");
    };
    assert_eq!(short.reason.len(), MAX_TEXT_BYTES);
    assert_eq!(short.truncated, ["reason"]);
}

/// The largest possible event can still be truncated to an event.
#[test]
fn there_is_no_event_that_cannot_be_cut_short_enough() {
    let worst = "\u{1}".repeat(10_000);
    let item = json!({"provider": worst, "model": worst, "reason": worst, "name": worst, "result": "passed", "latency_ms": 1});
    let list = vec![item; 50];
    let (_, names) = fitted(&json!({
        "request_id": worst, "model": worst, "model_group": worst, "resolved_model": worst, "provider": worst,
        "vendor": worst, "tag": worst, "region": worst, "strategy": worst, "error_code": worst, "key_name": worst,
        "team": worst, "simulated": true,
        "conversation_id": worst, "config_version": worst, "gateway_id": worst, "instance_id": worst,
        "request_body": worst, "response_body": worst, "attempts": list, "passed_over": list,
        "policies_evaluated": list, "failover": {"triggered": true, "original_provider": worst, "reason": worst},
        "truncated": vec![worst.clone(); 200],
    }))
    .unwrap();
    assert!(names.len() >= 19, "{names:?}");
}
