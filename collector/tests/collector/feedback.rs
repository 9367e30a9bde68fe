//! What applications say of answers, and the Quality Score that comes of it.

use collector::{Api, ApiError, CompareQuery, Dimension, NewFeedback};
use events::EventId;
use serde_json::{Value, json};

use crate::support::{API, INGEST, Service, decision, health, moment};

const AT: &str = "2026-11-21T10:00:00Z";

fn id(number: u64) -> String {
    EventId::new(moment(AT), number.into()).to_string()
}

/// 40 requests of openai, 40 of anthropic.
fn deliver(service: &Service) {
    let events: Vec<Value> = (0..80)
        .map(|number| {
            let provider = if number < 40 { "openai" } else { "anthropic" };
            let attempts = json!([
                {"provider": "azure", "model": "gpt-4o", "status_code": 503, "reason": "upstream_5xx", "latency_ms": 10},
                {"provider": provider, "model": "m", "status_code": 200, "reason": null, "latency_ms": 790},
            ]);
            decision(number, AT, json!({"provider": provider, "resolved_model": "m", "attempts": attempts}))
        })
        .collect();
    service.deliver(&events);
}

fn give(service: &Service, event: &str, body: Value) -> (u16, Value) {
    let path = format!("/v1/events/{event}/feedback");
    service.post(&path, API, body.to_string().as_bytes())
}

#[test]
fn an_event_has_one_score_for_each_label_and_reports_have_the_mean() {
    let service = Service::start();
    deliver(&service);
    let (status, answer) = give(&service, &id(1), json!({"score": 0.25, "label": "thumbs"}));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer,
        json!({"score": 0.25, "label": "thumbs", "given_at_ms": moment("2026-11-21T12:00:00Z")})
    );
    // Thought better of.
    assert_eq!(
        give(&service, &id(1), json!({"score": 1, "label": "thumbs"})).0,
        200
    );
    assert_eq!(give(&service, &id(1), json!({"score": 0.8})).0, 200);
    // By what the application has: the id in the answer's header.
    assert_eq!(give(&service, "r-2", json!({"score": 0.5})).0, 200);
    let (_, told) = service.get(&format!("/v1/events/{}/feedback", id(1)), API);
    let scores: Vec<_> = told["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["label"].clone(), one["score"].clone()))
        .collect();
    assert_eq!(
        scores,
        [(json!(null), json!(0.8)), (json!("thumbs"), json!(1.0))]
    );

    for (query, expected) in [
        (
            "group_by=provider",
            json!({"provider": "openai", "quality_score": 0.7, "feedback_count": 2}),
        ),
        // An attempt that another one's answer rescued made no answer.
        (
            "group_by=attempts.provider&limit=3",
            json!({"attempts.provider": "openai", "quality_score": 0.7, "feedback_count": 2}),
        ),
    ] {
        let (_, report) = service.get(
            &format!("/v1/events?{query}&metrics=quality_score,feedback_count"),
            API,
        );
        let rows = report["data"].as_array().unwrap();
        assert!(rows.contains(&expected), "{query}: {report}");
        let others = rows.iter().filter(|row| **row != expected);
        for row in others {
            assert_eq!(
                (&row["quality_score"], &row["feedback_count"]),
                (&json!(null), &json!(0))
            );
        }
    }
}

#[test]
fn what_is_no_score_or_of_no_event_is_refused() {
    let service = Service::start();
    deliver(&service);
    service.deliver(&[health(500, AT, "openai", "unhealthy")]);
    for (event, body, status) in [
        (id(1), json!({"score": 1.01}), 400),
        (id(1), json!({"score": -0.1}), 400),
        (id(1), json!({"score": "good"}), 400),
        (id(1), json!({}), 400),
        (id(1), json!({"score": 1, "stars": 5}), 400),
        (id(1), json!({"score": 1, "label": "x".repeat(201)}), 400),
        (id(900), json!({"score": 1}), 404),
        ("no-such-request".to_owned(), json!({"score": 1}), 404),
        // A change of health is nobody's answer.
        (id(500), json!({"score": 1}), 404),
    ] {
        let (found, answer) = give(&service, &event, body.clone());
        assert_eq!(found, status, "{event} {body}: {answer}");
    }
    let path = format!("/v1/events/{}/feedback", id(1));
    assert_eq!(service.post(&path, INGEST, b"{\"score\":1}").0, 401);
    let refused = service.remote().add_feedback(
        &id(900),
        &NewFeedback {
            score: 1.0,
            label: None,
        },
    );
    assert!(
        matches!(refused, Err(ApiError::NotFound { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_comparison_says_which_arm_is_judged_better() {
    let service = Service::start();
    deliver(&service);
    for number in 0..80 {
        let good = if number < 40 { 0.9 } else { 0.6 };
        #[allow(clippy::cast_precision_loss)]
        let score = good + (number % 3) as f64 / 100.0;
        let new = NewFeedback {
            score,
            label: Some("judge".to_owned()),
        };
        service.remote().add_feedback(&id(number), &new).unwrap();
    }
    let query = CompareQuery {
        by: vec![Dimension::Provider, Dimension::ResolvedModel],
        ..CompareQuery::default()
    };
    let comparison = service.remote().compare(&query).unwrap();
    let here = service.running.api().compare(&query).unwrap();
    assert_eq!(comparison.verdict, here.verdict);
    let scores: Vec<_> = comparison
        .arms
        .iter()
        .map(|arm| {
            (
                arm.name.as_str(),
                (arm.quality_score.unwrap().value * 1e2).round(),
                arm.feedback,
            )
        })
        .collect();
    assert_eq!(scores, [("anthropic/m", 61.0, 40), ("openai/m", 91.0, 40)]);
    assert!(
        comparison
            .verdict
            .contains("openai/m is judged better than anthropic/m, by "),
        "{}",
        comparison.verdict
    );
}

#[test]
fn one_score_proves_nothing_and_says_so() {
    let service = Service::start();
    deliver(&service);
    assert_eq!(give(&service, &id(1), json!({"score": 1})).0, 200);
    let comparison = service
        .remote()
        .compare(&CompareQuery {
            by: vec![Dimension::Provider],
            ..CompareQuery::default()
        })
        .unwrap();
    let openai = comparison
        .arms
        .iter()
        .find(|arm| arm.name == "openai")
        .unwrap();
    let quality = openai.quality_score.unwrap();
    assert_eq!((quality.value, quality.low, quality.high), (1.0, 0.0, 1.0));
    assert!(
        comparison
            .verdict
            .contains("openai has feedback on 1 requests; fewer than 30 prove nothing")
    );
}

#[test]
fn feedback_goes_with_its_event() {
    let dir = tempfile::tempdir().unwrap();
    let store = crate::support::store(dir.path());
    let api = crate::support::local(dir.path());
    let event = decision(1, AT, json!({}));
    let new = collector::NewEvent::read(event.to_string().as_bytes()).unwrap();
    store.insert(vec![new.clone()]).unwrap();
    api.add_feedback(
        &id(1),
        &NewFeedback {
            score: 0.5,
            label: None,
        },
    )
    .unwrap();
    assert_eq!(
        store
            .forget_before(events::Timestamp::parse("2026-11-22T00:00:00Z").unwrap())
            .unwrap(),
        1
    );
    assert_eq!(store.feedback(new.id).unwrap(), []);
    let gone = api.add_feedback(
        &id(1),
        &NewFeedback {
            score: 0.5,
            label: None,
        },
    );
    assert!(matches!(gone, Err(ApiError::NotFound { .. })));
}
