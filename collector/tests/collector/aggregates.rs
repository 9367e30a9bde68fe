//! Reports of the store are those of the plain model, whatever the events and the question.

use collector::{
    AggregateQuery, Api as _, Condition, Dimension, EventFilter, EventKind, EventQuery, Field,
    FieldKind, Metric, NewEvent, NewFeedback, Order,
};
use events::{EventId, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::model;
use crate::support::{decision, local, moment, store};

fn word() -> impl Strategy<Value = &'static str> {
    // Few, so that groups have members; some that SQL or JSON could stumble over.
    prop::sample::select(vec!["a", "b", "O'Neil", "%", "ü\"", "x;--", "null"])
}

fn maybe(
    strategy: impl Strategy<Value = &'static str>,
) -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(strategy)
}

prop_compose! {
    fn names()(
        model in word(),
        model_group in maybe(word()),
        resolved_model in maybe(word()),
        provider in maybe(word()),
        vendor in maybe(word()),
        tag in maybe(word()),
        region in maybe(word()),
        strategy in maybe(word()),
        key_name in maybe(word()),
        reason in maybe(word()),
    ) -> Value {
        json!({
            "model": model, "model_group": model_group, "resolved_model": resolved_model, "provider": provider,
            "vendor": vendor, "tag": tag, "region": region, "strategy": strategy, "key_name": key_name,
            "failover": {"triggered": reason.is_some(), "original_provider": null, "reason": reason},
            "attempts": [],
        })
    }
}

prop_compose! {
    /// Attempts in a row, of which the last one may have served.
    fn attempts()(
        failed in prop::collection::vec((word(), word(), prop::sample::select(vec![None, Some(429), Some(500)])), 0..3),
        last in prop::option::of((word(), word(), prop::sample::select(vec![200, 302, 400]))),
        broken in prop::sample::select(vec![None, None, Some("stream_idle")]),
        latency_ms in 0_u64..2_048,
    ) -> Value {
        let failed = failed.into_iter().map(|(provider, model, status)| json!({
            "provider": provider, "model": model, "status_code": status, "reason": "upstream_5xx", "latency_ms": 7,
        }));
        let last = last.map(|(provider, model, status)| json!({
            "provider": provider, "model": model, "status_code": status, "reason": broken, "latency_ms": latency_ms,
        }));
        failed.chain(last).collect()
    }
}

prop_compose! {
    fn numbers()(
        // About three hours around midnight, or four days.
        after_ms in prop_oneof![0_u64..10_000_000, 0_u64..350_000_000],
        decision in prop::sample::select(vec!["allowed", "blocked", "flagged"]),
        status_code in prop::sample::select(vec![0, 200, 200, 200, 302, 400, 409, 429, 503]),
        // Below 2048 everything is exact.
        latency_ms in 0_u64..2_048,
        first_token in prop::option::of(0_u64..2_048),
        tokens in prop::option::of((0_u64..10_000, 0_u64..1_000, 0_u64..100)),
        cost_nanos in prop::option::of(0_u64..1_000_000_000),
        stream in any::<bool>(),
        error_code in prop::sample::select(vec![None, None, Some("stream_idle")]),
    ) -> Value {
        let at = Timestamp::from_millis(moment("2026-11-20T22:30:00Z") + after_ms);
        json!({
            "timestamp": at.to_string(),
            "decision": decision, "status_code": status_code, "latency_ms": latency_ms, "stream": stream,
            "upstream_latency_ms": first_token, "time_to_first_token_ms": first_token,
            "tokens": tokens.map(|(prompt, completion, cached)| json!({
                "prompt": prompt, "completion": completion, "cached": cached, "total": prompt + completion,
            })),
            "estimated_cost_usd": null, "error_code": error_code,
            "actual_cost_usd": cost_nanos.map(|nanos| nanos as f64 / 1e9),
        })
    }
}

fn event() -> impl Strategy<Value = Value> {
    (names(), numbers(), attempts(), prop::bool::weighted(0.9)).prop_map(|(names, numbers, attempts, is_decision)| {
        let mut event = json!({
            "request_id": "r", "fallback_count": 0, "policies_evaluated": [{"name": "p", "result": "passed"}],
            "conversation_id": null, "config_version": "", "gateway_id": "gw", "instance_id": "i",
        });
        for part in [names, numbers] {
            for (name, value) in part.as_object().unwrap() {
                event[name] = value.clone();
            }
        }
        event["attempts"] = attempts;
        event["event_type"] = json!("decision");
        if !is_decision {
            let provider = event["provider"].as_str().unwrap_or("a").to_owned();
            event = json!({
                "event_type": "gateway.health_changed", "timestamp": event["timestamp"], "provider": provider,
                "from": "healthy", "to": "unhealthy", "reason": "r", "consecutive_failures": 3,
            });
        }
        event
    })
}

pub(crate) fn events() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(event(), 0..60).prop_map(|mut events| {
        for (number, event) in (1..).zip(&mut events) {
            event["id"] = json!(EventId::new(0, number).to_string());
        }
        events
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    (
        prop::sample::select(Field::ALL),
        word(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(field, word, flag, none)| {
            let value = match field.kind() {
                FieldKind::Flag => flag.to_string(),
                _ if none => String::new(),
                FieldKind::Number => (if flag { "200" } else { "0" }).to_owned(),
                FieldKind::Text | FieldKind::List => word.to_owned(),
            };
            Condition::try_new(field.name(), &value).unwrap()
        })
}

pub(crate) fn filter() -> impl Strategy<Value = EventFilter> {
    let time = || prop::option::of(prop_oneof![0_u64..10_000_000, 0_u64..350_000_000]);
    (time(), time(), prop::collection::vec(condition(), 0..3)).prop_map(
        |(since, until, conditions)| {
            let at = |ms| Timestamp::from_millis(moment("2026-11-20T22:30:00Z") + ms);
            EventFilter {
                since: since.map(at),
                until: until.map(at),
                kind: EventKind::Decision,
                conditions,
            }
        },
    )
}

fn insert(dir: &std::path::Path, events: &[Value]) {
    let store = store(dir);
    for events in events.chunks(25) {
        let batch = events
            .iter()
            .map(|event| NewEvent::read(event.to_string().as_bytes()).unwrap())
            .collect();
        let inserted = store.insert(batch).unwrap();
        assert!(inserted.new.iter().all(|&new| new));
    }
}

pub(crate) fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
        (a, b) => a == b,
    }
}

/// Different events.
fn at_least(count: usize, runner: &mut TestRunner) -> Vec<Value> {
    let mut many: Vec<Value> = Vec::new();
    while many.len() < count {
        many.extend(events().new_tree(runner).unwrap().current());
    }
    for (number, event) in (1..).zip(&mut many) {
        event["id"] = json!(EventId::new(0, number).to_string());
    }
    many
}

/// More than a page of a file, so that two threads read a half each.
#[test]
fn many_events_add_up_as_few_do() {
    let mut runner = TestRunner::deterministic();
    let many = at_least(5_000, &mut runner);
    let dir = tempfile::tempdir().unwrap();
    insert(dir.path(), &many);
    let api = local(dir.path());
    for case in 0..12 {
        let filter = if case == 0 {
            EventFilter::default()
        } else {
            filter().new_tree(&mut runner).unwrap().current()
        };
        let group_by = vec![Dimension::ALL[case], Dimension::Tag];
        let mut expected = model::aggregate(&many, &filter, &group_by, Metric::ALL);
        let query = AggregateQuery {
            filter,
            group_by,
            metrics: Metric::ALL.to_vec(),
            limit: None,
        };
        let report = api.aggregate(&query).unwrap();
        let mut found: Vec<_> = report
            .rows
            .into_iter()
            .map(|row| (row.group, row.values))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(found.len(), expected.len());
        for ((group, values), (expected_group, expected_values)) in found.iter().zip(&expected) {
            assert_eq!(group, expected_group);
            for ((metric, a), b) in Metric::ALL.iter().zip(values).zip(expected_values) {
                assert!(close(*a, *b), "{metric:?}: {a:?} is not {b:?}");
            }
        }
    }
}

#[test]
fn a_metric_asked_for_alone_is_what_it_is_among_all() {
    let mut runner = TestRunner::deterministic();
    let many = at_least(200, &mut runner);
    let dir = tempfile::tempdir().unwrap();
    insert(dir.path(), &many);
    let api = local(dir.path());
    let decisions = many
        .iter()
        .filter(|event| event["event_type"] == "decision");
    for (event, score) in decisions.zip([0.25, 0.5, 1.0].into_iter().cycle()) {
        let new = NewFeedback { score, label: None };
        api.add_feedback(event["id"].as_str().unwrap(), &new)
            .unwrap();
    }
    let ask = |group_by: &[Dimension], metrics: &[Metric]| {
        let query = AggregateQuery {
            filter: EventFilter::default(),
            group_by: group_by.to_vec(),
            metrics: metrics.to_vec(),
            limit: None,
        };
        api.aggregate(&query).unwrap().rows[0].values.clone()
    };
    for group_by in [&[][..], &[Dimension::AttemptProvider]] {
        for (&metric, among_all) in Metric::ALL.iter().zip(ask(group_by, Metric::ALL)) {
            let needs_attempts = metric == Metric::AttemptCount && group_by.is_empty();
            assert_eq!(
                among_all.is_none(),
                needs_attempts,
                "{metric:?} by {group_by:?}"
            );
            assert_eq!(
                ask(group_by, &[metric]),
                [among_all],
                "{metric:?} by {group_by:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_those_of_the_plain_model(
        events in events(),
        filter in filter(),
        group_by in prop::collection::hash_set(prop::sample::select(Dimension::ALL.to_vec()), 0..3),
    ) {
        let dir = tempfile::tempdir().unwrap();
        insert(dir.path(), &events);
        let group_by: Vec<Dimension> = group_by.into_iter().collect();
        let mut expected = model::aggregate(&events, &filter, &group_by, Metric::ALL);
        let query = AggregateQuery {
            filter,
            group_by: group_by.clone(),
            metrics: Metric::ALL.to_vec(),
            limit: None,
        };
        let report = local(dir.path()).aggregate(&query).unwrap();
        let mut found: Vec<_> = report.rows.into_iter().map(|row| (row.group, row.values)).collect();
        if expected.is_empty() && group_by.is_empty() {
            // Nothing is a row of its own: 0 requests.
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].1[0], Some(0.0));
            found.clear();
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        prop_assert_eq!(found.len(), expected.len());
        for ((group, values), (expected_group, expected_values)) in found.iter().zip(&expected) {
            prop_assert_eq!(group, expected_group);
            for ((metric, value), expected) in Metric::ALL.iter().zip(values).zip(expected_values) {
                prop_assert!(close(*value, *expected), "{:?}: {:?} is not {:?}", metric, value, expected);
            }
        }
    }

    #[test]
    fn pages_hold_every_event_once_and_in_order(
        events in events(),
        filter in filter(),
        kind in prop::sample::select(vec![EventKind::Decision, EventKind::HealthChanged, EventKind::Any]),
        limit in 1_usize..20,
        oldest_first in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        insert(dir.path(), &events);
        let filter = EventFilter { kind, ..filter };
        let mut expected: Vec<(String, String)> = events
            .iter()
            .filter(|event| model::is_of_kind(event, kind) && model::counts(event, &filter))
            .map(|event| (event["timestamp"].as_str().unwrap().to_owned(), event["id"].as_str().unwrap().to_owned()))
            .collect();
        expected.sort();
        if !oldest_first {
            expected.reverse();
        }
        let api = local(dir.path());
        let mut query = EventQuery {
            filter,
            order: if oldest_first { Order::OldestFirst } else { Order::NewestFirst },
            limit,
            cursor: None,
        };
        let mut found = Vec::new();
        loop {
            let page = api.events(&query).unwrap();
            prop_assert!(page.data.len() <= limit);
            for event in &page.data {
                let event: Value = serde_json::from_str(event.get()).unwrap();
                found.push((event["timestamp"].as_str().unwrap().to_owned(), event["id"].as_str().unwrap().to_owned()));
            }
            match page.next_cursor {
                Some(cursor) => query.cursor = Some(collector::Cursor::parse(&cursor).unwrap()),
                None => break,
            }
        }
        prop_assert_eq!(found, expected);
    }
}

/// What is removed stays in sums, and is no page's any more.
#[test]
fn sums_outlast_their_events() {
    let dir = tempfile::tempdir().unwrap();
    let events: Vec<Value> = (0..240)
        .map(|hour: u64| {
            let at = Timestamp::from_millis(moment("2026-11-01T00:30:00Z") + hour * 3_600_000);
            decision(
                hour,
                &at.to_string(),
                json!({"provider": if hour.is_multiple_of(2) { "a" } else { "b" }, "latency_ms": hour}),
            )
        })
        .collect();
    insert(dir.path(), &events);
    let store = store(dir.path());
    let end = Timestamp::parse("2026-11-09T00:00:00Z").unwrap();
    let report = |group_by: &[Dimension], since: Option<&str>| {
        let query = AggregateQuery {
            filter: EventFilter {
                since: since.map(|text| Timestamp::parse(text).unwrap()),
                ..EventFilter::default()
            },
            group_by: group_by.to_vec(),
            metrics: vec![Metric::RequestCount, Metric::TotalCost, Metric::LatencyP50],
            limit: None,
        };
        local(dir.path()).aggregate(&query).unwrap().rows
    };
    let questions = || {
        [
            report(&[], None),
            report(&[Dimension::Provider, Dimension::Day], None),
            report(&[Dimension::AttemptProvider], None),
            report(&[Dimension::Hour], Some("2026-11-03T00:00:00Z")),
        ]
    };
    let before = questions();
    assert_eq!(before[0][0].values, [Some(240.0), Some(0.24), Some(119.0)]);
    assert_eq!(before[3].len(), 240 - 48);
    assert_eq!(store.forget_before(end).unwrap(), 8 * 24);
    assert_eq!(questions(), before);
    let page = local(dir.path()).events(&EventQuery::default()).unwrap();
    assert_eq!(page.data.len(), 48);
}
