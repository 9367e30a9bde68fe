#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use events::{EventId, FailoverSummary, PolicyResult, PolicyVerdict, Timestamp, Tokens};

use super::*;
use crate::PrometheusText;
use crate::registry::MAX_SERIES;

fn event(model: &str, status: u16) -> DecisionEvent<'static> {
    DecisionEvent {
        id: EventId::new(1_700_000_000_000, 7),
        timestamp: Timestamp::from_millis(1_700_000_000_000),
        request_id: "r".into(),
        decision: Decision::Allowed,
        model: model.to_owned().into(),
        model_group: Some(model.to_owned().into()),
        resolved_model: Some("m-1".into()),
        provider: Some("second".into()),
        vendor: Some("azure-openai".into()),
        tag: None,
        region: None,
        strategy: Some("failover".into()),
        similarity: None,
        endpoint: Some("/v1/chat/completions".into()),
        stream: true,
        status_code: status,
        error_code: None,
        client_gone: false,
        latency_ms: 1_100,
        upstream_latency_ms: Some(800),
        time_to_first_token_ms: Some(100),
        finish_reason: None,
        tokens: Some(Tokens {
            prompt: 10,
            completion: 5,
            cached: 2,
            reasoning: 1,
            total: 15,
            ..Tokens::default()
        }),
        estimated_cost_usd: None,
        actual_cost_usd: Some(0.001_5),
        fallback_count: 1,
        failover: FailoverSummary {
            triggered: true,
            original_provider: Some("first".into()),
            reason: Some("upstream_timeout".into()),
        },
        attempts: vec![
            AttemptRecord {
                provider: "first".into(),
                model: "m-0".into(),
                status_code: None,
                reason: Some("upstream_timeout".into()),
                latency_ms: 300,
                started_after_ms: None,
                span_id: None,
            },
            AttemptRecord {
                provider: "second".into(),
                model: "m-1".into(),
                status_code: Some(status),
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
        key_name: Some("ci\"\\\n".into()),
        team: None,
        simulated: false,
        conversation_id: None,
        trace: None,
        config_version: "v".into(),
        gateway_id: "g".into(),
        instance_id: "i".into(),
        request_body: None,
        response_body: None,
        truncated: Vec::new(),
    }
}

fn text(registry: &Registry) -> String {
    let mut text = PrometheusText::default();
    text.registry(registry);
    text.into_string()
}

#[test]
fn a_request_is_counted_under_every_name() {
    let mut registry = Registry::default();
    let choice = LabelChoice {
        key: true,
        ..LabelChoice::default()
    };
    registry.record(&event("chat", 200), choice);
    let page = text(&registry);
    let usage = r#"gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",keeptrusts_provider="second",gen_ai_request_model="chat",gen_ai_response_model="m-1",keeptrusts_model_group="chat",keeptrusts_key_name="ci\"\\\n""#;
    let short = r#"operation="chat",vendor="azure.ai.openai",provider="second",requested_model="chat",model="m-1",model_group="chat",key_name="ci\"\\\n""#;
    for line in [
        format!("gen_ai_client_token_usage_bucket{{{usage},gen_ai_token_type=\"input\",le=\"16\"}} 1"),
        format!("gen_ai_client_token_usage_bucket{{{usage},gen_ai_token_type=\"input\",le=\"4\"}} 0"),
        format!("gen_ai_client_token_usage_sum{{{usage},gen_ai_token_type=\"output\"}} 5"),
        format!("gen_ai_server_time_to_first_token_seconds_sum{{{usage}}} 0.1"),
        // (1100 − 100) ms for the four tokens after the first one.
        format!("gen_ai_server_time_per_output_token_seconds_sum{{{usage}}} 0.25"),
        format!("gen_ai_server_request_duration_seconds_count{{{usage},http_response_status_code=\"200\"}} 1"),
        format!("keeptrusts_gateway_requests_total{{{short},status=\"200\"}} 1"),
        format!("keeptrusts_gateway_request_duration_seconds_bucket{{{short},status=\"200\",le=\"2.5\"}} 1"),
        format!("keeptrusts_gateway_request_duration_seconds_bucket{{{short},status=\"200\",le=\"+Inf\"}} 1"),
        format!("keeptrusts_gateway_tokens_total{{{short},direction=\"output\"}} 5"),
        format!("keeptrusts_gateway_cached_tokens_total{{{short}}} 2"),
        format!("keeptrusts_gateway_reasoning_tokens_total{{{short}}} 1"),
        format!("keeptrusts_gateway_cost_usd_total{{{short}}} 0.0015"),
        r#"keeptrusts_gateway_attempts_total{operation="chat",provider="first",requested_model="m-0",model_group="chat",status="0",error_type="upstream_timeout"} 1"#.to_owned(),
        r#"gen_ai_client_operation_duration_seconds_sum{gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",keeptrusts_provider="second",gen_ai_request_model="m-1",keeptrusts_model_group="chat",http_response_status_code="200"} 0.8"#.to_owned(),
        r#"keeptrusts_gateway_failovers_total{provider="first",model_group="chat",reason="upstream_timeout"} 1"#.to_owned(),
        r#"keeptrusts_gateway_policy_evaluations_total{policy="audit-logger",result="logged"} 1"#.to_owned(),
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\nin\n{page}");
    }
    for (at, head) in page.match_indices("# TYPE ") {
        let name = page[at + head.len()..].split(' ').next().unwrap();
        assert_eq!(
            page.matches(&format!("# TYPE {name} ")).count(),
            1,
            "{name}"
        );
    }
}

#[test]
fn workers_add_up_whatever_way_they_come() {
    let mut together = Registry::default();
    let mut parts = [Registry::default(), Registry::default()];
    for (index, (model, status)) in [("a", 200), ("b", 200), ("a", 503), ("a", 200), ("b", 0)]
        .into_iter()
        .enumerate()
    {
        let event = event(model, status);
        together.record(&event, LabelChoice::default());
        parts[index % 2].record(&event, LabelChoice::default());
    }
    let [first, second] = parts;
    let mut merged = Registry::decode(&first.encode());
    merged.merge(&second);
    assert_eq!(merged, together);
    assert_eq!(Registry::decode(&together.encode()), together);
    let mut other_way = second;
    other_way.merge(&first);
    assert_eq!(text(&other_way), text(&together));
}

#[test]
fn damaged_bytes_are_read_as_far_as_they_make_sense() {
    let mut registry = Registry::default();
    registry.record(&event("a", 200), LabelChoice::default());
    let bytes = registry.encode();
    for end in 0..bytes.len() {
        let read = Registry::decode(&bytes[..end]);
        assert!(read.points().count() <= registry.points().count());
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        Registry::decode(&damaged);
    }
}

#[test]
fn there_is_an_end_to_series() {
    let mut registry = Registry::default();
    for number in 0..MAX_SERIES {
        registry.record(&event(&format!("m{number}"), 200), LabelChoice::default());
    }
    let page = text(&registry);
    let series = page
        .lines()
        .filter(|line| line.starts_with("keeptrusts_gateway_requests_total{"));
    assert!(series.clone().count() < MAX_SERIES);
    let total: u64 = series
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(total, MAX_SERIES as u64, "none is lost");
    assert!(page.contains("keeptrusts_gateway_requests_total{overflow=\"true\"} "));
}

#[test]
fn labels_are_chosen() {
    let mut registry = Registry::default();
    let none = LabelChoice {
        provider: false,
        model: false,
        group: false,
        key: false,
        team: false,
    };
    registry.record(&event("chat", 500), none);
    let page = text(&registry);
    assert!(
        page.contains("keeptrusts_gateway_requests_total{operation=\"chat\",status=\"500\",error_type=\"500\"} 1\n"),
        "{page}"
    );
    assert!(
        !page.contains("\"second\"") && !page.contains("m-1"),
        "{page}"
    );
}
