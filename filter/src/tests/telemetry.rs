//! Every request to a model leaves one event behind, whatever became of it, and what it says is true.

use serde_json::{Value, json};

use super::upstream_filter::{answered, attempt};
use super::{POLICY, Visit};
use crate::host::fake::Phase;
use crate::telemetry::Address;

const CHAT: &str =
    r#"{"model": "chain-alias", "messages": [{"role": "user", "content": "Where is the pen?"}]}"#;
const JSON: &str = "application/json";
const ANSWER: &str = r#"{"id":"x","choices":[{"message":{"content":"In the drawer."}}],"usage":{"prompt_tokens":1000,"completion_tokens":200,"prompt_tokens_details":{"cached_tokens":400}}}"#;
pub(super) const COLLECTOR: Address<'_> = Address {
    cluster: "kt/collector",
    authority: "collector:1",
};

/// `policy` as `kt` hands it over, with a collector.
pub(super) fn observed(policy: &str) -> String {
    let runtime = json!({"gateway_id": "gw", "config_version": "v1", "instance_id": "in_1",
        "collector_cluster": COLLECTOR.cluster, "collector_authority": COLLECTOR.authority});
    json!({"role": "gateway", "runtime": runtime, "policy": policy}).to_string()
}

fn priced() -> String {
    POLICY.replace(
        "model: two,",
        "model: two, cost_per_1k_input: 0.01, cost_per_1k_output: 0.03, cost_per_1k_cached_input: 0.001,",
    )
}

pub(super) fn chat(policy: &str, body: &str) -> Visit {
    let headers = [("content-type", JSON), ("x-request-id", "r-1")];
    Visit::new(
        &observed(policy),
        "POST",
        "/v1/chat/completions",
        &headers,
        body,
    )
}

/// What has left since the last time.
pub(super) fn events(visit: &Visit) -> Vec<Value> {
    let host = visit.host.in_phase(Phase::Outside);
    host.now_ms.set(host.now_ms.get() + 1_000);
    let before = host.calls.borrow().len();
    visit.vm.exporter.on_tick(host, COLLECTOR);
    let bodies = host.call_bodies.borrow();
    let sent = bodies.get(before..).unwrap_or_default();
    let events = sent.iter().flat_map(|batch| events::lines(batch));
    events
        .map(|line| serde_json::from_slice(line.bytes).expect("an event"))
        .collect()
}

pub(super) fn only_event(visit: &mut Visit) -> Value {
    visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
    let mut events = events(visit);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[test]
fn a_request_that_was_served_by_the_second_target() {
    let mut visit = chat(&priced(), CHAT);
    visit.enter();
    let mut first = attempt(&visit);
    visit.host.now_ms.set(visit.host.now_ms.get() + 300);
    answered(
        &visit.host,
        &mut first,
        "503",
        JSON,
        r#"{"error":{"message":"no"}}"#,
    );
    let mut second = attempt(&visit);
    visit.host.now_ms.set(visit.host.now_ms.get() + 700);
    answered(&visit.host, &mut second, "200", JSON, ANSWER);
    let mut event = only_event(&mut visit);
    let object = event.as_object_mut().unwrap();
    let id = object.remove("id").unwrap();
    assert!(events::EventId::parse(id.as_str().unwrap()).is_some());
    assert!(
        object
            .remove("conversation_id")
            .unwrap()
            .as_str()
            .unwrap()
            .len()
            == 16
    );
    let estimated = object.remove("estimated_cost_usd").unwrap();
    // The first target has no price.
    assert_eq!(estimated, Value::Null);
    // 600 × 0.01/1000 + 400 × 0.001/1000 + 200 × 0.03/1000, and no binary fraction more.
    assert_eq!(object.remove("actual_cost_usd").unwrap(), json!(0.0124));
    assert_eq!(
        event,
        json!({
            "event_type": "decision",
            "timestamp": "2026-04-23T10:25:30.000000Z",
            "request_id": "r-1",
            "decision": "allowed",
            "model": "chain-alias",
            "model_group": "chain",
            "resolved_model": "two",
            "provider": "second",
            "vendor": "openai-compatible",
            "tag": null,
            "region": null,
            "strategy": "failover",
            "endpoint": "/v1/chat/completions",
            "stream": false,
            "status_code": 200,
            "latency_ms": 1000,
            "upstream_latency_ms": 700,
            "time_to_first_token_ms": null,
            "tokens": {"prompt": 1000, "completion": 200, "cached": 400, "total": 1200},
            "fallback_count": 1,
            "failover": {"triggered": true, "original_provider": "first", "reason": "upstream_5xx"},
            "attempts": [
                {"provider": "first", "model": "one", "status_code": 503, "reason": "upstream_5xx", "latency_ms": 300},
                {"provider": "second", "model": "two", "status_code": 200, "reason": null, "latency_ms": 700},
            ],
            "policies_evaluated": [],
            "key_name": null,
            "config_version": "v1",
            "gateway_id": "gw",
            "instance_id": "in_1",
        })
    );
}

#[test]
fn what_anthropic_wrote_to_its_cache_has_the_price_of_that() {
    let policy = POLICY.replace(
        "base_url: 'http://127.0.0.1:1/v1', type: openai-compatible",
        "base_url: 'http://127.0.0.1:1', type: anthropic",
    );
    let policy = policy.replace("model: one,", "model: claude-sonnet-4,");
    let mut visit = chat(&policy, CHAT);
    visit.enter();
    let mut target = attempt(&visit);
    let answer = r#"{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4","stop_reason":"end_turn","content":[{"type":"text","text":"In the drawer."}],"usage":{"input_tokens":100,"output_tokens":200,"cache_read_input_tokens":300,"cache_creation_input_tokens":600}}"#;
    answered(&visit.host, &mut target, "200", JSON, answer);
    let event = only_event(&mut visit);
    assert_eq!(
        event["tokens"],
        json!({"prompt": 1_000, "completion": 200, "cached": 300, "cache_written": 600, "total": 1_200})
    );
    // (100 × 3 + 300 × 0.30 + 600 × 3.75 + 200 × 15) / 1,000,000
    assert_eq!(event["actual_cost_usd"], json!(0.005_64));
}

#[test]
fn requests_that_never_had_a_plan() {
    let too_long = "x".repeat(2_001);
    let cases = [
        ("nonsense", 400, Value::Null, ""),
        (
            r#"{"messages": []}"#,
            400,
            json!("missing_required_parameter"),
            "",
        ),
        (
            r#"{"model": "unknown", "stream": true, "messages": []}"#,
            404,
            json!("model_not_found"),
            "unknown",
        ),
        (&too_long, 413, json!("request_too_large"), ""),
    ];
    for (body, status, code, model) in cases {
        let mut visit = chat(POLICY, body);
        visit.enter();
        let event = only_event(&mut visit);
        assert_eq!(event["status_code"], status, "{body}");
        assert_eq!(event["model"], model, "{body}");
        assert_eq!(event["error_code"], code, "{body}");
        assert_eq!(event["provider"], Value::Null, "{body}");
        assert_eq!(event["decision"], "allowed", "{body}");
        assert_eq!(event["attempts"], json!([]), "{body}");
        assert_eq!(event["stream"], model == "unknown");
    }
}

#[test]
fn nobody_could_serve() {
    let mut visit = chat(POLICY, CHAT);
    visit.enter();
    for _ in 0..2 {
        let mut target = attempt(&visit);
        visit.host.now_ms.set(visit.host.now_ms.get() + 100);
        target.on_end(visit.host.in_phase(Phase::Outside));
    }
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    visit.gateway.on_response_headers(phase);
    let event = only_event(&mut visit);
    assert_eq!(event["status_code"], 503);
    assert_eq!(event["error_code"], "all_providers_unavailable");
    assert_eq!(event["provider"], "second");
    assert_eq!(event["tokens"], Value::Null);
    assert_eq!(event["upstream_latency_ms"], Value::Null);
    assert_eq!(event["attempts"][0]["reason"], "upstream_connect");
    assert_eq!(event["attempts"][0]["status_code"], Value::Null);
}

#[test]
fn clients_that_left() {
    // While their body was on its way.
    let mut early = chat(POLICY, CHAT);
    let phase = early.host.in_phase(Phase::RequestHeaders);
    early.gateway.on_request_headers(phase, false);
    let event = only_event(&mut early);
    assert_eq!(
        (&event["status_code"], &event["client_gone"]),
        (&json!(0), &json!(true))
    );
    // While the provider thought.
    let mut waiting = chat(POLICY, CHAT);
    waiting.enter();
    let _target = attempt(&waiting);
    let event = only_event(&mut waiting);
    assert_eq!(
        (&event["status_code"], &event["client_gone"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(event["provider"], "first");
    // In the middle of a stream: what came is estimated.
    let body = CHAT.replace("\"messages\"", "\"stream\": true, \"messages\"");
    let mut streaming = chat(
        &priced().replace(
            "model: one,",
            "model: one, cost_per_1k_input: 1.0, cost_per_1k_output: 1.0,",
        ),
        &body,
    );
    streaming.enter();
    let mut target = attempt(&streaming);
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"In the drawer.\"}}]}\n\n";
    streaming.host.set_response(
        &[(":status", "200"), ("content-type", "text/event-stream")],
        text.as_bytes(),
    );
    target.on_response_headers(streaming.host.in_phase(Phase::ResponseHeaders), false);
    streaming.host.now_ms.set(streaming.host.now_ms.get() + 50);
    target.on_response_body(
        streaming.host.in_phase(Phase::ResponseBody),
        text.len(),
        false,
    );
    let event = only_event(&mut streaming);
    assert_eq!(
        (&event["status_code"], &event["client_gone"]),
        (&json!(200), &json!(true))
    );
    assert_eq!(event["time_to_first_token_ms"], 50);
    assert_eq!(event["tokens"]["estimated"], true);
    // Fourteen bytes of text.
    assert_eq!(event["tokens"]["completion"], 4);
    let total = event["tokens"]["total"].as_f64().unwrap();
    assert!((event["actual_cost_usd"].as_f64().unwrap() - total / 1_000.0).abs() < 1e-12);
}

#[test]
fn an_answer_that_envoy_gave_in_our_place() {
    let mut visit = chat(POLICY, CHAT);
    let phase = visit.host.in_phase(Phase::RequestHeaders);
    visit.gateway.on_request_headers(phase, false);
    visit.host.set_response(&[(":status", "408")], b"");
    let phase = visit.host.in_phase(Phase::ResponseHeaders);
    visit.gateway.on_response_headers(phase);
    assert_eq!(only_event(&mut visit)["status_code"], 408);
}

#[test]
fn bodies_are_told_only_where_that_was_asked_for() {
    for log_bodies in [false, true] {
        let policy = format!("{POLICY}\nlog_bodies: {log_bodies}\n");
        let mut visit = chat(&policy, CHAT);
        visit.enter();
        let mut target = attempt(&visit);
        answered(&visit.host, &mut target, "200", JSON, ANSWER);
        let event = only_event(&mut visit).to_string();
        assert_eq!(event.contains("Where is"), log_bodies, "{event}");
        assert_eq!(event.contains("drawer"), log_bodies, "{event}");
    }
}

#[test]
fn without_a_collector_nothing_is_gathered() {
    let mut visit = Visit::chat(CHAT);
    visit.enter();
    visit.gateway.on_end(visit.host.in_phase(Phase::Outside));
    assert_eq!(events(&visit), Vec::<Value>::new());
}

#[test]
fn a_change_of_health_is_told_once() {
    let mut visit = chat(POLICY, CHAT);
    for _ in 0..4 {
        visit.host.answer.replace(None);
        let mut next = chat(POLICY, CHAT);
        std::mem::swap(&mut next.vm, &mut visit.vm);
        next.gateway = crate::downstream_filter::DownstreamFilter::new(
            std::rc::Rc::clone(&next.vm),
            super::gateway_config(&observed(POLICY)),
        );
        next.host.shared.replace(visit.host.shared.take());
        next.enter();
        let mut target = attempt(&next);
        answered(&next.host, &mut target, "500", JSON, "{}");
        next.gateway.on_end(next.host.in_phase(Phase::Outside));
        visit = next;
    }
    let all = events(&visit);
    let of_health = |event: &&Value| event["event_type"] == "gateway.health_changed";
    let changes: Vec<_> = all.iter().filter(of_health).collect();
    assert_eq!(changes.len(), 1, "{all:?}");
    assert_eq!(changes[0]["provider"], "first");
    assert_eq!(changes[0]["from"], "healthy");
    assert_eq!(changes[0]["to"], "unhealthy");
    assert_eq!(changes[0]["reason"], "upstream_5xx");
    assert_eq!(changes[0]["consecutive_failures"], 3);
}

#[test]
fn a_batch_waits_for_a_collector_that_is_away() {
    let mut visit = chat(POLICY, "nonsense");
    visit.enter();
    assert_eq!(events(&visit).len(), 1);
    let host = &visit.host;
    let (cluster, headers) = host.calls.borrow()[0].clone();
    assert_eq!(cluster, "kt/collector");
    for (name, value) in [
        (":method", "POST"),
        (":path", "/v1/events"),
        (":authority", "collector:1"),
        ("content-type", "application/x-ndjson"),
    ] {
        assert!(
            headers.contains(&(name.to_owned(), value.as_bytes().to_vec())),
            "{name}"
        );
    }
    let metric = |name: &str| {
        let metrics = host.metrics.borrow();
        metrics
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| *value)
    };
    assert_eq!(metric("kt_events_pending"), Some(1));
    let answered = |status: Option<&str>| {
        let headers = status.map(|status| (String::from(":status"), status.as_bytes().to_vec()));
        host.call_answer.replace(headers.into_iter().collect());
        let token = u32::try_from(host.calls.borrow().len()).unwrap();
        assert!(visit.vm.exporter.on_call_response(host, token, COLLECTOR));
        // A late or foreign answer changes nothing.
        assert!(!visit.vm.exporter.on_call_response(host, token, COLLECTOR));
    };
    for status in [None, Some("503"), Some("401")] {
        answered(status);
        assert_eq!(metric("kt_events_pending"), Some(1));
        host.now_ms.set(host.now_ms.get() + 29_000);
        assert_eq!(events(&visit).len(), 1, "sent again after {status:?}");
    }
    answered(Some("200"));
    assert_eq!(metric("kt_events_pending"), Some(0));
    assert_eq!(metric("kt_events_dropped"), Some(0));
    assert_eq!(events(&visit), Vec::<Value>::new());
}

/// A name or a body is never the reason why there is no event.
#[test]
fn a_request_that_says_too_much_has_its_event() {
    let huge = "x".repeat(256 * 1024);
    let policy = POLICY.replace("max_request_bytes: 2000", "max_request_bytes: 1000000");
    let with_filter = format!(
        "{policy}log_bodies: true\npolicies:\n  - {{name: words, type: content-filter, action: block, config: {{categories: [pii]}}}}\n"
    );
    let cases = [
        (
            policy.as_str(),
            format!(r#"{{"model": "{huge}", "messages": []}}"#),
            400,
        ),
        (
            with_filter.as_str(),
            format!(
                r#"{{"model": "{huge}", "messages": [{{"role": "user", "content": "4111 1111 1111 1111"}}]}}"#
            ),
            409,
        ),
        (
            with_filter.as_str(),
            format!(
                r#"{{"messages": [{{"role": "user", "content": "{}"}}], "model": "chain"}}"#,
                "\\\"".repeat(60_000)
            ),
            0,
        ),
    ];
    for (policy, body, status) in cases {
        let mut visit = chat(policy, &body);
        visit.enter();
        let event = only_event(&mut visit);
        assert_eq!(event["status_code"], status);
        assert!(event.to_string().len() <= events::MAX_EVENT_BYTES);
        if let Some(kept) = event["request_body"].as_str() {
            assert_eq!(kept, &body[..kept.len()]);
            assert_eq!(event["truncated"], json!(["request_body"]));
        }
    }
}
