//! Reports as the documents ask for them, locally and over HTTP.

use collector::{Api, CompareQuery, Condition, Dimension, EventFilter, EventQuery, Metric};
use serde_json::{Value, json};

use crate::support::{API, Service, decision, health, local};

/// 30 requests of openai in 1 s each, 20 of anthropic in 2 s each, in the same group.
fn experiment(service: &Service) {
    let events: Vec<Value> = (0..50)
        .map(|number| {
            let (provider, ms, tag, cost) = if number < 30 {
                ("openai", 1_000, "control", 0.01)
            } else {
                ("anthropic", 2_000, "experiment", 0.02)
            };
            decision(
                number,
                "2026-11-21T10:00:00Z",
                json!({
                    "model": "summarization-ab-test", "model_group": "summarization-ab-test",
                    "provider": provider, "tag": tag, "latency_ms": ms, "actual_cost_usd": cost,
                }),
            )
        })
        .collect();
    service.deliver(&events);
    // Another group, and the same one long ago.
    service.deliver(&[
        decision(100, "2026-11-21T10:00:00Z", json!({})),
        decision(
            101,
            "2026-11-13T10:00:00Z",
            json!({"model_group": "summarization-ab-test", "latency_ms": 9}),
        ),
    ]);
}

#[test]
fn the_documents_query_works_as_it_is_printed() {
    let service = Service::start();
    experiment(&service);
    let (status, answer) = service.get(
        "/v1/events?model_group=summarization-ab-test&since=7d&group_by=provider&metrics=latency_p50,latency_p99,cost",
        API,
    );
    assert_eq!(status, 200);
    // 30 x $0.01 and 20 x $0.02.
    assert_eq!(
        answer["data"],
        json!([
            {"provider": "openai", "latency_p50": 1_000, "latency_p99": 1_000, "cost": 0.3},
            {"provider": "anthropic", "latency_p50": 2_000, "latency_p99": 2_000, "cost": 0.4},
        ])
    );
}

#[test]
fn here_and_over_http_the_answers_are_the_same() {
    let service = Service::start();
    experiment(&service);
    let (here, there): (&dyn Api, &dyn Api) = (service.running.api(), &service.remote());
    let filter = EventFilter {
        conditions: vec![Condition::try_new("tag", "control").unwrap()],
        ..EventFilter::default()
    };
    for group_by in [
        vec![],
        vec![Dimension::Provider, Dimension::Day],
        vec![Dimension::Hour],
    ] {
        let query = collector::AggregateQuery {
            filter: filter.clone(),
            group_by,
            metrics: Metric::ALL.to_vec(),
            limit: Some(5),
        };
        assert_eq!(
            here.aggregate(&query).unwrap(),
            there.aggregate(&query).unwrap()
        );
    }
    let query = EventQuery {
        filter: filter.clone(),
        limit: 7,
        ..EventQuery::default()
    };
    let (page, other) = (here.events(&query).unwrap(), there.events(&query).unwrap());
    assert_eq!(page.next_cursor, other.next_cursor);
    let texts = |page: &collector::EventPage| -> Vec<String> {
        page.data
            .iter()
            .map(|event| event.get().to_owned())
            .collect()
    };
    assert_eq!(texts(&page), texts(&other));
    assert_eq!(page.data.len(), 7);
    let compare = CompareQuery::default();
    let (one, other) = (
        here.compare(&compare).unwrap(),
        there.compare(&compare).unwrap(),
    );
    assert_eq!((&one.verdict, one.arms.len()), (&other.verdict, 2));
    assert_eq!(one.arms[0].latency_p50_ms, other.arms[0].latency_p50_ms);
    let id = events::EventId::new(crate::support::moment("2026-11-21T10:00:00Z"), 3);
    for api in [here, there] {
        assert!(api.event(id).unwrap().unwrap().get().contains("\"r-3\""));
        assert!(api.event(events::EventId::new(0, 0)).unwrap().is_none());
    }
    // And from a second process's view of the file.
    assert_eq!(
        local(service.dir.path()).events(&query).unwrap().data.len(),
        7
    );
}

#[test]
fn arms_are_compared_by_tag() {
    let service = Service::start();
    experiment(&service);
    let (status, answer) = service.get(
        "/v1/compare?model_group=summarization-ab-test&since=7d&by=tag",
        API,
    );
    assert_eq!(status, 200);
    assert_eq!(answer["arms"][0]["name"], "control");
    assert_eq!(answer["arms"][1]["requests"], 20);
    let verdict = answer["verdict"].as_str().unwrap();
    assert!(
        verdict.starts_with("No difference proved."),
        "20 requests are few: {verdict}"
    );
}

#[test]
fn failover_and_other_fields_are_filters() {
    let service = Service::start();
    service.deliver(&[
        decision(1, "2026-11-21T10:00:00Z", json!({})),
        decision(
            2,
            "2026-11-21T10:00:01Z",
            json!({
                "failover": {"triggered": true, "original_provider": "openai", "reason": "upstream_timeout"},
                "fallback_count": 1, "provider": "anthropic", "error_code": "x",
                "attempts": [{"provider": "azure", "model": "m", "status_code": 503, "reason": "upstream_5xx", "latency_ms": 3}],
                "passed_over": [{"provider": "bedrock", "reason": "unhealthy"}],
                "policies_evaluated": [{"name": "audit-logger", "result": "logged"}],
            }),
        ),
        health(3, "2026-11-21T10:00:02Z", "openai", "unhealthy"),
    ]);
    for (filter, expected) in [
        ("failover=true", vec!["r-2"]),
        ("failover=false", vec!["r-1"]),
        ("failover.triggered=true", vec!["r-2"]),
        ("failover.reason=upstream_timeout", vec!["r-2"]),
        ("fallback_count=1", vec!["r-2"]),
        ("error_code=", vec!["r-1"]),
        ("attempts.provider=azure", vec!["r-2"]),
        ("attempts.reason=upstream_5xx", vec!["r-2"]),
        ("passed_over.provider=bedrock", vec!["r-2"]),
        ("policies_evaluated.name=audit-logger", vec!["r-2"]),
        ("request_id=r-1", vec!["r-1"]),
        ("provider=openai&provider=anthropic", vec!["r-2", "r-1"]),
        ("provider=openai&failover=true", vec![]),
        ("limit=1", vec!["r-2"]),
        ("order=asc&limit=1", vec!["r-1"]),
    ] {
        let (status, answer) = service.get(&format!("/v1/events?{filter}"), API);
        assert_eq!(status, 200, "{filter}");
        let found: Vec<_> = answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["request_id"].as_str().unwrap())
            .collect();
        assert_eq!(found, expected, "{filter}");
    }
    let (_, answer) = service.get(
        "/v1/events?event_type=gateway.health_changed&to=unhealthy",
        API,
    );
    assert_eq!(answer["data"][0]["provider"], "openai");
    let (_, answer) = service.get("/v1/events?event_type=any", API);
    assert_eq!(answer["data"].as_array().unwrap().len(), 3);
}

#[test]
fn rows_beyond_a_limit_are_told_and_by_time_the_latest_stay() {
    let service = Service::start();
    let events: Vec<Value> = (0..10)
        .map(|hour| decision(hour, &format!("2026-11-21T0{hour}:30:00Z"), json!({})))
        .collect();
    service.deliver(&events);
    let ask = |limit: &str| {
        service
            .get(&format!("/v1/events?group_by=hour{limit}"), API)
            .1
    };
    let all = ask("");
    assert_eq!(
        (&all["truncated"], &all["total_rows"]),
        (&json!(false), &json!(10))
    );
    let some = ask("&limit=2");
    let hours: Vec<&str> = some["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["hour"].as_str().unwrap())
        .collect();
    assert_eq!(hours, ["2026-11-21T08:00:00Z", "2026-11-21T09:00:00Z"]);
    assert_eq!(
        (&some["truncated"], &some["total_rows"]),
        (&json!(true), &json!(10))
    );
}

#[test]
fn an_arm_without_a_known_price_is_not_proved_cheaper() {
    let service = Service::start();
    let events: Vec<Value> = (0..200)
        .map(|number| {
            let changes = if number % 2 == 0 {
                json!({"tag": "priced", "provider": "openai"})
            } else {
                json!({"tag": "free", "provider": "local", "actual_cost_usd": null})
            };
            decision(number, "2026-11-21T10:00:00Z", changes)
        })
        .collect();
    service.deliver(&events);
    let (_, comparison) = service.get("/v1/compare?by=tag", API);
    assert!(
        comparison["differences"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["measure"] != "cost_per_request" && one["proved"] == false),
        "{comparison}"
    );
    let arms = comparison["arms"].as_array().unwrap();
    let free = arms.iter().find(|arm| arm["name"] == "free").unwrap();
    assert_eq!(
        (&free["total_cost_usd"], &free["unpriced"]),
        (&Value::Null, &json!(100))
    );
    let (_, report) = service.get(
        "/v1/events?metrics=total_cost,cost_per_request,cost_per_1m_tokens,cost_per_successful_request,unpriced_count",
        API,
    );
    assert_eq!(
        report["data"][0],
        json!({"total_cost": 0.1, "cost_per_request": 0.001, "cost_per_1m_tokens": 0.001 / 120.0 * 1e6,
            "cost_per_successful_request": 0.001, "unpriced_count": 100})
    );
    let (_, free) = service.get(
        "/v1/events?provider=local&metrics=total_cost,cost_per_request",
        API,
    );
    assert_eq!(
        free["data"][0],
        json!({"total_cost": null, "cost_per_request": null})
    );
}
