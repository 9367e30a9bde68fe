//! Bad input: refused with a clear answer, and without harm.

use collector::{Api as _, Dimension, Field, FieldKind};
use serde_json::{Value, json};

use crate::support::{API, INGEST, Service, batch, decision};

/// For a query.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn a_bad_line_is_rejected_and_the_rest_is_kept() {
    let service = Service::start();
    let good = |number| decision(number, "2026-11-21T11:00:00Z", json!({}));
    let mut no_status = good(3);
    no_status.as_object_mut().unwrap().remove("status_code");
    let text = format!("{}\n\nnot json\n{}\n{}\r\n", good(1), no_status, good(2));
    let mut bytes = text.into_bytes();
    bytes.extend(b"\"\xff\"\n{\"event_type\":\"unknown\"}\n");
    let (status, answer) = service.post("/v1/events", INGEST, &bytes);
    assert_eq!(status, 200);
    assert_eq!(
        (&answer["accepted"], &answer["repeated"]),
        (&json!(2), &json!(0))
    );
    let lines: Vec<_> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [3, 4, 6, 7]);
    let reason = answer["rejected"][1]["error"].as_str().unwrap();
    assert!(reason.contains("status_code"), "{reason}");
    assert_eq!(
        service.post("/v1/events", INGEST, b"").0,
        200,
        "an empty batch is none"
    );
}

#[test]
fn a_batch_over_the_limit_is_413_announced_or_not() {
    let service = Service::start();
    let large = vec![b' '; collector::MAX_BATCH_BYTES + 1];
    let (status, answer) = service.post("/v1/events", INGEST, &large);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (413, &json!("batch_too_large"))
    );
    // Chunked: nobody knows before it is there.
    let answer = crate::support::agent()
        .post(service.url("/v1/events"))
        .header("authorization", format!("Bearer {INGEST}"))
        .send(ureq::SendBody::from_owned_reader(std::io::Cursor::new(
            large,
        )));
    assert_eq!(answer.unwrap().status(), 413);
    let one = decision(1, "2026-11-21T11:00:00Z", json!({}));
    assert_eq!(service.deliver(&[one]).accepted, 1, "it goes on");
}

#[test]
fn a_wrong_or_missing_token_is_401_everywhere() {
    let service = Service::start();
    let event = batch(&[decision(1, "2026-11-21T11:00:00Z", json!({}))]);
    for token in ["", "wrong", API] {
        let (status, answer) = service.post("/v1/events", token, event.as_bytes());
        assert_eq!(
            (status, &answer["error"]["code"]),
            (401, &json!("invalid_token")),
            "{token}"
        );
        assert_eq!(
            service.get("/v1/control?instance_id=i", token).0,
            401,
            "{token}"
        );
    }
    let paths = [
        "/v1/events",
        "/v1/events/evt_1",
        "/v1/compare",
        "/v1/budgets",
        "/v1/tokens",
        "/v1/webhooks",
    ];
    for token in ["", "wrong", INGEST] {
        for path in paths {
            assert_eq!(service.get(path, token).0, 401, "{path} {token}");
        }
        for path in ["/v1/budgets", "/v1/tokens", "/v1/webhooks"] {
            assert_eq!(service.post(path, token, b"{}").0, 401, "{path} {token}");
            assert_eq!(
                service.delete(&format!("{path}/x"), token).0,
                401,
                "{path} {token}"
            );
        }
    }
    assert_eq!(
        service.get("/v1/events", API).1["data"],
        json!([]),
        "nothing got in"
    );
    assert_eq!(service.get("/v1/health", "").0, 200);
}

#[test]
fn sql_in_any_filter_is_text() {
    let service = Service::start();
    let strange = "x' OR '1'='1";
    service.deliver(&[
        decision(1, "2026-11-21T11:00:00Z", json!({})),
        decision(
            2,
            "2026-11-21T11:00:00Z",
            json!({"tag": strange, "key_name": strange, "model": strange}),
        ),
    ]);
    let attacks = [
        "' OR 1=1 --",
        "'; DROP TABLE event; --",
        "x' OR '1'='1",
        "') UNION SELECT json FROM event_text --",
        "\" OR \"\"=\"",
        "%",
        "_",
        "\\",
        "?1",
        ":a",
        "\u{0}",
    ];
    for field in Field::ALL {
        for attack in attacks {
            let (status, answer) = service.get(
                &format!("/v1/events?{}={}", field.name(), escaped(attack)),
                API,
            );
            match field.kind() {
                FieldKind::Number | FieldKind::Flag => assert_eq!(status, 400, "{}", field.name()),
                FieldKind::Text | FieldKind::List => {
                    assert_eq!(status, 200, "{} {attack}", field.name());
                    let is_there =
                        ["tag", "key_name", "model"].contains(&field.name()) && attack == strange;
                    let found = answer["data"].as_array().unwrap().len();
                    assert_eq!(found, usize::from(is_there), "{} {attack}", field.name());
                }
            }
            let (status, _) = service.get(
                &format!(
                    "/v1/events?group_by=provider&{}={}",
                    field.name(),
                    escaped(attack)
                ),
                API,
            );
            assert!([200, 400].contains(&status), "{} {attack}", field.name());
        }
    }
    for parameter in [
        "group_by",
        "metrics",
        "since",
        "until",
        "cursor",
        "limit",
        "order",
        "event_type",
        "follow",
        "nothing",
    ] {
        for attack in attacks {
            let (status, answer) =
                service.get(&format!("/v1/events?{parameter}={}", escaped(attack)), API);
            assert_eq!(status, 400, "{parameter} {attack}");
            assert_eq!(
                answer["error"]["type"], "invalid_request_error",
                "{parameter} {attack}"
            );
        }
    }
    // Ids in paths.
    for attack in attacks {
        for path in ["/v1/events", "/v1/budgets", "/v1/webhooks"] {
            let (status, _) = if path == "/v1/events" {
                service.get(&format!("{path}/{}", escaped(attack)), API)
            } else {
                service.delete(&format!("{path}/{}", escaped(attack)), API)
            };
            assert_eq!(status, 404, "{path} {attack}");
        }
    }
    assert_eq!(
        service.get("/v1/events", API).1["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn what_does_not_exist_is_said_in_the_shape_of_errors() {
    let service = Service::start();
    for (path, status, code) in [
        ("/v2/events", 404, "not_found"),
        ("/v1/events?colour=red", 400, "invalid_query"),
        ("/v1/events?group_by=colour", 400, "invalid_query"),
        ("/v1/events?metrics=colour", 400, "invalid_query"),
        ("/v1/events?status_code=many", 400, "invalid_query"),
        ("/v1/events?since=tomorrow", 400, "invalid_query"),
        ("/v1/events/evt_0", 404, "not_found"),
        // A place in another order.
        ("/v1/events?cursor=a_1", 400, "invalid_query"),
    ] {
        let (found, answer) = service.get(path, API);
        assert_eq!(
            (found, &answer["error"]["code"]),
            (status, &json!(code)),
            "{path}"
        );
    }
    let (_, answer) = service.get("/v1/events?colour=red", API);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("model_group")
    );
    assert_eq!(service.delete("/v1/events", API).0, 405);
    for (path, body) in [
        (
            "/v1/budgets",
            json!({"provider": "openai", "limit_usd": -1, "period": "daily"}),
        ),
        (
            "/v1/budgets",
            json!({"provider": "openai", "limit_usd": 1, "period": "yearly"}),
        ),
        (
            "/v1/budgets",
            json!({"provider": "", "limit_usd": 1, "period": "daily"}),
        ),
        (
            "/v1/budgets",
            json!({"provider": "openai", "limit_usd": 1, "period": "daily", "colour": 1}),
        ),
        ("/v1/tokens", json!({"name": ""})),
        ("/v1/tokens", json!({"name": "a\nb"})),
        ("/v1/tokens", json!({"name": "a", "models": []})),
        ("/v1/tokens", json!({"name": "a", "requests_per_minute": 0})),
        (
            "/v1/tokens",
            json!({"name": "a", "limit": {"limit_usd": 0, "period": "daily"}}),
        ),
        ("/v1/webhooks", json!({"url": "ftp://h"})),
        ("/v1/webhooks", json!({"url": "http://"})),
        (
            "/v1/webhooks",
            json!({"url": "http://h", "event_types": ["everything"]}),
        ),
        ("/v1/budgets", Value::Null),
    ] {
        let (status, answer) = service.post(path, API, body.to_string().as_bytes());
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("invalid_value")),
            "{body}"
        );
    }
}

#[test]
fn more_groups_than_memory_is_for_are_refused() {
    let service = Service::start();
    let events: Vec<_> = (0..10_001)
        .map(|number| {
            decision(
                number,
                "2026-11-21T11:00:00Z",
                json!({"model": format!("m-{number}")}),
            )
        })
        .collect();
    for part in events.chunks(2_000) {
        service.deliver(part);
    }
    let (status, answer) = service.get("/v1/events?group_by=model", API);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (400, &json!("too_many_groups"))
    );
    let report = service.remote().aggregate(&collector::AggregateQuery {
        group_by: vec![Dimension::Provider],
        ..Default::default()
    });
    assert_eq!(report.unwrap().rows.len(), 1);
}

/// Whoever wrote it: an event is stored, counted and paid for, and what the store keeps of it is bounded.
#[test]
fn an_event_that_is_too_long_is_kept_short_and_says_so() {
    const EVENTS: u64 = 100;
    let service = Service::start();
    let huge = "m".repeat(256 * 1024);
    let event = |number| {
        let long = json!({"model": huge, "key_name": huge, "request_body": huge, "provider": "openai",
            "from_the_future": huge, "actual_cost_usd": 0.5, "status_code": 409, "decision": "blocked"});
        decision(number, "2026-11-21T11:00:00Z", long)
    };
    for portion in (0..EVENTS).collect::<Vec<_>>().chunks(3) {
        let events: Vec<_> = portion.iter().map(|number| event(*number)).collect();
        assert_eq!(service.deliver(&events).accepted, events.len() as u64);
    }
    let (_, page) = service.get("/v1/events?since=24h&limit=1", API);
    let kept = &page["data"][0];
    assert_eq!(
        kept["truncated"],
        json!(["model", "key_name", "request_body"])
    );
    assert_eq!(kept["model"], "m".repeat(512));
    assert_eq!(kept["request_body"].as_str().unwrap().len(), 32 * 1024);
    assert_eq!(kept["actual_cost_usd"], 0.5);
    assert_eq!(kept.get("from_the_future"), None);
    let (_, spent) = service.get(
        "/v1/events?since=24h&group_by=provider&metrics=total_cost",
        API,
    );
    assert_eq!(spent["data"][0]["total_cost"], 50.0, "{spent}");

    let size = |entry: std::fs::DirEntry| entry.metadata().unwrap().len();
    let folder = std::fs::read_dir(service.dir.path()).unwrap();
    let stored: u64 = folder.map(|entry| size(entry.unwrap())).sum();
    // 32 KiB of body and some names each, in the file and once more in its log.
    assert!(stored < EVENTS * 2 * 40 * 1024, "{stored} bytes");
}

#[test]
fn parameters_that_nothing_has_are_refused_as_everything_is() {
    let service = Service::start();
    let (status, answer) = service.get("/v1/health/history?nothing=1", API);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (400, &json!("invalid_query"))
    );
    let (status, answer) = service.delete("/v1/thresholds?panel=nothing", API);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (400, &json!("invalid_query"))
    );
}
