//! The store on ClickHouse: what is sent, against a server that only listens; and what comes of it, against a real one if
//! `KEEPTRUSTS_TEST_CLICKHOUSE=clickhouse://…` names one whose database may be emptied.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use collector::{
    Api as _, Arrival, Condition, Cursor, Days, Dimension, EventFilter, EventKind, EventQuery,
    Field, FieldKind, Group, HealthMinutes, Local, Metric, NewEvent, NewFeedback, Offsets, Order,
    Record, RecordKind, Spender, Spent, Store, StoreError, StoreLocation, open,
};
use events::Timestamp;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::aggregates::{close, events, filter};
use crate::model;
use crate::support::decision;

/// That opening a store makes: five tables, and seven columns.
const STATEMENTS: usize = 12;

struct Request {
    target: String,
    headers: String,
    body: String,
}

/// Answers every statement with nothing, or with this status.
fn listener(status: u16) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "clickhouse://kt:s%40cret@{}/fleet",
        listener.local_addr().unwrap()
    );
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Some(request) = answer(connection.unwrap(), status) else {
                continue;
            };
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    (url, requests)
}

fn answer(mut connection: TcpStream, status: u16) -> Option<Request> {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut target = String::new();
    reader.read_line(&mut target).ok()?;
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim_end().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        headers.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = if status == 200 {
        ""
    } else {
        "Code: 60. DB::Exception: no\nmore"
    };
    write!(
        connection,
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
    .ok()?;
    Some(Request {
        target,
        headers,
        body: String::from_utf8(body).ok()?,
    })
}

fn opened(url: &str) -> std::sync::Arc<dyn Store> {
    open(&StoreLocation::parse(url).unwrap()).unwrap()
}

fn new(event: &Value) -> NewEvent {
    NewEvent::read(event.to_string().as_bytes()).unwrap()
}

#[test]
fn tables_are_made_and_the_password_is_in_no_url() {
    let (url, requests) = listener(200);
    let _store = opened(&url);
    for table in ["kt_event", "kt_spent", "kt_record"] {
        let request = requests.recv().unwrap();
        assert!(
            request
                .body
                .starts_with(&format!("CREATE TABLE IF NOT EXISTS {table} ("))
        );
        assert!(request.body.contains("ReplacingMergeTree"));
        assert!(
            request.target.contains("database=fleet"),
            "{}",
            request.target
        );
        assert!(!request.target.contains("cret"), "{}", request.target);
        assert!(
            request
                .headers
                .contains("x-clickhouse-user: kt\r\nx-clickhouse-key: s@cret")
        );
    }
}

#[test]
fn a_batch_is_asked_for_then_its_costs_are_written_then_its_events() {
    let (url, requests) = listener(200);
    let store = opened(&url);
    requests.iter().take(STATEMENTS).for_each(drop);
    let free = json!({"actual_cost_usd": null});
    let batch = vec![
        new(&decision(1, "2026-11-21T11:00:00Z", json!({}))),
        new(&decision(2, "2026-11-21T11:00:00Z", free)),
        new(&decision(1, "2026-11-21T11:00:00Z", json!({}))),
    ];
    assert_eq!(store.insert(batch).unwrap().new, [true, true, false]);
    let [known, spent, events]: [Request; 3] = requests
        .iter()
        .take(3)
        .collect::<Vec<_>>()
        .try_into()
        .ok()
        .unwrap();
    assert!(
        known.body.starts_with("SELECT DISTINCT id FROM kt_event"),
        "{}",
        known.body
    );
    assert!(spent.target.contains("INSERT") && spent.target.contains("kt_spent"));
    let cost: Value = serde_json::from_str(spent.body.trim_end()).unwrap();
    assert_eq!(
        (&cost["nanos"], &cost["provider"]),
        (&json!(1_000_000), &json!("openai"))
    );
    assert!(events.target.contains("INSERT") && events.target.contains("kt_event"));
    let rows: Vec<Value> = events
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2, "the repeat is not sent");
    assert!(rows[0]["arrived"].as_u64() < rows[1]["arrived"].as_u64());
}

#[test]
fn values_are_parameters_whatever_they_are() {
    let (url, requests) = listener(200);
    let store = opened(&url);
    requests.iter().take(STATEMENTS).for_each(drop);
    let attack = "'); DROP TABLE kt_event; --\t\\";
    for &field in Field::ALL {
        let value = match field.kind() {
            FieldKind::Text | FieldKind::List => attack,
            FieldKind::Number => "7",
            FieldKind::Flag => "true",
        };
        let filter = EventFilter {
            conditions: vec![Condition::try_new(field.name(), value).unwrap()],
            ..EventFilter::default()
        };
        store
            .aggregate(&filter, &[Dimension::Provider], Metric::ALL)
            .unwrap();
        let request = requests.recv().unwrap();
        assert!(request.body.contains("{p0:"), "{}", field.name());
        assert!(!request.body.contains("DROP"), "{}", request.body);
        if value == attack {
            // Backslash and tab are escaped as parameters want it, then for the URL.
            assert!(
                request.target.contains("--%5Ct%5C%5C"),
                "{}",
                request.target
            );
        }
    }
    for kind in [RecordKind::Budget, RecordKind::Key] {
        let record = Record {
            id: attack.to_owned(),
            json: "{}".to_owned(),
        };
        store.put_record(kind, &record).unwrap();
        let request = requests.recv().unwrap();
        let row: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(row["id"], attack);
    }
}

#[test]
fn what_the_server_says_is_said() {
    let (url, _requests) = listener(500);
    let Err(StoreError::Unavailable(reason)) = open(&StoreLocation::parse(&url).unwrap()) else {
        panic!("a server that refuses is not available");
    };
    assert!(
        reason.contains("DB::Exception: no") && !reason.contains("more"),
        "{reason}"
    );
    assert!(!reason.contains("cret"), "{reason}");
}

/// A store on the server that the environment names, empty.
fn real() -> Option<std::sync::Arc<dyn Store>> {
    let Ok(url) = std::env::var("KEEPTRUSTS_TEST_CLICKHOUSE") else {
        eprintln!("skipped: KEEPTRUSTS_TEST_CLICKHOUSE names no server");
        return None;
    };
    let StoreLocation::ClickHouse(server) = StoreLocation::parse(&url).unwrap() else {
        panic!("KEEPTRUSTS_TEST_CLICKHOUSE is no clickhouse://…");
    };
    let _made = opened(&url);
    for table in [
        "kt_event",
        "kt_spent",
        "kt_record",
        "kt_feedback",
        "kt_health",
    ] {
        let status = crate::support::agent()
            .post(format!("{}/?database={}", server.base_url, server.database))
            .header("x-clickhouse-user", &server.user)
            .header("x-clickhouse-key", &server.password)
            .send(format!("TRUNCATE TABLE {table}").as_bytes())
            .unwrap()
            .status();
        assert_eq!(status, 200);
    }
    Some(opened(&url))
}

/// One test: it has the database for itself.
#[test]
fn a_real_server_answers_as_the_plain_model_does() {
    let Some(store) = real() else {
        return;
    };
    let mut runner = TestRunner::deterministic();
    let mut stored: Vec<Value> = Vec::new();
    while stored.len() < 200 {
        stored.extend(events().new_tree(&mut runner).unwrap().current());
    }
    for (number, event) in (1..).zip(&mut stored) {
        event["id"] = json!(events::EventId::new(0, number).to_string());
    }
    let inserted = store.insert(stored.iter().map(new).collect()).unwrap();
    assert!(inserted.new.iter().all(|&new| new));
    let again = store.insert(stored.iter().map(new).collect()).unwrap();
    assert!(again.new.iter().all(|&new| !new), "repeats are no news");

    for _ in 0..12 {
        let filter = filter().new_tree(&mut runner).unwrap().current();
        for dimension in Dimension::ALL {
            let mut expected = model::aggregate(&stored, &filter, &[dimension], Metric::ALL);
            let mut found: Vec<_> = store
                .aggregate(&filter, &[dimension], Metric::ALL)
                .unwrap()
                .into_iter()
                .map(|group| {
                    let values: Vec<_> = Metric::ALL
                        .iter()
                        .map(|&metric| group.totals.metric(metric))
                        .collect();
                    (group.key, values)
                })
                .collect();
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            found.sort_by(|a, b| a.0.cmp(&b.0));
            assert_eq!(found.len(), expected.len(), "{dimension:?} {filter:?}");
            for ((key, values), (expected_key, expected_values)) in found.iter().zip(&expected) {
                assert_eq!(key, expected_key, "{dimension:?} {filter:?}");
                for ((metric, a), b) in Metric::ALL.iter().zip(values).zip(expected_values) {
                    assert!(close(*a, *b), "{metric:?}: {a:?} is not {b:?}, {filter:?}");
                }
            }
        }
        for kind in [
            EventKind::Decision,
            EventKind::HealthChanged,
            EventKind::Any,
        ] {
            let filter = EventFilter {
                kind,
                ..filter.clone()
            };
            let expected = stored
                .iter()
                .filter(|event| model::is_of_kind(event, kind) && model::counts(event, &filter))
                .count();
            assert_eq!(
                count_by_pages(store.as_ref(), filter.clone()),
                expected,
                "{filter:?}"
            );
        }
    }
    assert!(
        store
            .aggregate(&EventFilter::default(), &[], Metric::ALL)
            .unwrap()
            .len()
            == 1
    );

    let id = new(&stored[5]).id;
    let found: Value = serde_json::from_str(store.event(id).unwrap().unwrap().get()).unwrap();
    assert_eq!(found, stored[5]);
    health_by_minute(store.as_ref());
    errors(store.as_ref());
    feedback(&store, &stored);
    records(store.as_ref());
    spending(store.as_ref());
    followers(store.as_ref(), stored.len() + 4);
    let url = std::env::var("KEEPTRUSTS_TEST_CLICKHOUSE").unwrap();
    a_follower_of_two_writers_misses_none(&url);
    forgetting(store.as_ref());
}

fn health_by_minute(store: &dyn Store) {
    let minute = |minute: u64, gateway: &str, ms: [u64; 3]| HealthMinutes {
        minute,
        gateway_id: gateway.to_owned(),
        provider: "openai".to_owned(),
        ms,
    };
    // What comes twice for a minute is added up.
    store
        .add_health(&[
            minute(60, "eu", [30_000, 0, 0]),
            minute(61, "eu", [0, 5_000, 0]),
        ])
        .unwrap();
    store
        .add_health(&[
            minute(60, "eu", [0, 0, 30_000]),
            minute(60, "us", [60_000, 0, 0]),
        ])
        .unwrap();
    let by_minute = [
        minute(60, "eu", [30_000, 0, 30_000]),
        minute(60, "us", [60_000, 0, 0]),
        minute(61, "eu", [0, 5_000, 0]),
    ];
    assert_eq!(store.health(60, 62, 1).unwrap(), by_minute);
    let by_hour = [
        minute(60, "eu", [30_000, 5_000, 30_000]),
        minute(60, "us", [60_000, 0, 0]),
    ];
    assert_eq!(store.health(0, 120, 60).unwrap(), by_hour);
    assert_eq!(store.health(61, 61, 1).unwrap(), []);
}

/// `error` finds what `error_count` counts.
fn errors(store: &dyn Store) {
    let sums = store
        .aggregate(&EventFilter::default(), &[], &[Metric::ErrorCount])
        .unwrap();
    for (value, expected) in [
        ("true", sums[0].totals.errors),
        ("false", sums[0].totals.requests - sums[0].totals.errors),
    ] {
        let filter = EventFilter {
            conditions: vec![Condition::try_new("error", value).unwrap()],
            ..EventFilter::default()
        };
        assert_eq!(count_by_pages(store, filter) as u64, expected, "{value}");
    }
}

fn count_by_pages(store: &dyn Store, filter: EventFilter) -> usize {
    let mut query = EventQuery {
        filter,
        order: Order::OldestFirst,
        limit: 17,
        cursor: None,
    };
    let mut count = 0;
    loop {
        let page = store.page(&query).unwrap();
        count += page.data.len();
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(Cursor::parse(&cursor).unwrap()),
            None => return count,
        }
    }
}

/// The means that the database makes are those of the scores given.
fn feedback(store: &Arc<dyn Store>, stored: &[Value]) {
    let api = Local::new(Arc::clone(store));
    let decisions: Vec<&Value> = (stored.iter())
        .filter(|event| event["event_type"] == "decision")
        .collect();
    let give = |event: &Value, label: &str, score| {
        let label = Some(label.to_owned());
        let new = NewFeedback { score, label };
        api.add_feedback(event["id"].as_str().unwrap(), &new)
    };
    for event in decisions.iter().take(4) {
        give(event, "it's\\one", 0.25).unwrap();
        give(event, "two", 1.0).unwrap();
        give(event, "it's\\one", 0.5).unwrap();
    }
    let quality = |group_by: &[Dimension]| {
        let metrics = [Metric::QualityScore, Metric::FeedbackCount];
        let groups = store
            .aggregate(&EventFilter::default(), group_by, &metrics)
            .unwrap();
        let count = |group: &Group| group.totals.metric(Metric::FeedbackCount).unwrap();
        assert!(groups.iter().all(|group| {
            group.totals.metric(Metric::QualityScore) == (count(group) > 0.0).then_some(0.75)
        }));
        groups.iter().map(count).sum::<f64>()
    };
    assert_eq!((quality(&[]), quality(&[Dimension::Provider])), (4.0, 4.0));
    let served = |event: &&&Value| {
        let attempts = event["attempts"].as_array().unwrap();
        attempts.iter().any(|one| one["reason"].is_null())
    };
    let served = decisions.iter().take(4).filter(served).count();
    assert_eq!(quality(&[Dimension::AttemptProvider]) as usize, served);
    let kept = store.feedback(new(decisions[0]).id).unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|one| (one.label.as_deref(), one.score))
        .collect();
    assert_eq!(kept, [(Some("it's\\one"), 0.5), (Some("two"), 1.0)]);
    let health = stored
        .iter()
        .find(|event| event["event_type"] != "decision");
    assert!(health.is_none_or(|event| give(event, "x", 1.0).is_err()));
}

fn records(store: &dyn Store) {
    let record = |json: &str| Record {
        id: "it's\\one\tid".to_owned(),
        json: json.to_owned(),
    };
    store.put_record(RecordKind::Key, &record("1")).unwrap();
    store.put_record(RecordKind::Key, &record("2")).unwrap();
    assert_eq!(store.records(RecordKind::Key).unwrap(), [record("2")]);
    assert!(store.records(RecordKind::Budget).unwrap().is_empty());
    assert!(
        store
            .delete_record(RecordKind::Key, "it's\\one\tid")
            .unwrap()
    );
    assert!(
        !store
            .delete_record(RecordKind::Key, "it's\\one\tid")
            .unwrap()
    );
    assert!(store.records(RecordKind::Key).unwrap().is_empty());
}

fn spending(store: &dyn Store) {
    let spend = |number, instance| {
        let changes = json!({"provider": "p-1", "actual_cost_usd": 0.25, "instance_id": instance, "key_name": "k"});
        let mut event = decision(number, "2026-10-05T11:00:00Z", changes);
        event["vendor"] = json!("v-1");
        new(&event)
    };
    let its_own =
        json!({"provider": "v-1", "vendor": "v-1", "actual_cost_usd": 1.0, "instance_id": "i-1"});
    let its_own = new(&decision(4, "2026-10-05T11:00:00Z", its_own));
    let batch = vec![spend(1, "i-1"), spend(2, "i-2"), spend(3, "i-2"), its_own];
    store.insert(batch.clone()).unwrap();
    store.insert(batch).unwrap();
    let day = u32::try_from(crate::support::moment("2026-10-05T00:00:00Z") / 86_400_000).unwrap();
    let days = |from, until| Days { from, until };
    for (spender, period, expected) in [
        (
            Spender::Provider("p-1"),
            days(day, day + 1),
            (250_000_000, 500_000_000),
        ),
        (
            Spender::Key("k"),
            days(day - 1, day + 1),
            (250_000_000, 500_000_000),
        ),
        (Spender::Provider("p-1"), days(day + 1, day + 2), (0, 0)),
        (Spender::Provider("p-2"), days(day, day + 1), (0, 0)),
        // By vendor, and one that is its own vendor once.
        (
            Spender::Provider("v-1"),
            days(day, day + 1),
            (1_250_000_000, 500_000_000),
        ),
    ] {
        let (here, elsewhere) = expected;
        assert_eq!(
            store.spent(spender, period, "i-1").unwrap(),
            Spent { here, elsewhere }
        );
    }
}

fn followers(store: &dyn Store, all: usize) {
    let any = EventFilter {
        kind: EventKind::Any,
        ..EventFilter::default()
    };
    let (mut seen_until, mut seen) = (Offsets::default(), 0);
    while seen < all {
        let arrivals = store.arrivals(&any, Some(&seen_until), 50).unwrap();
        assert!(!arrivals.data.is_empty(), "{seen} of {all}");
        let is_new = |one: &Arrival| one.place > seen_until.get(&one.writer).unwrap_or(0);
        assert!(arrivals.data.iter().all(is_new));
        seen += arrivals.data.len();
        seen_until = arrivals.last;
    }
    assert_eq!(seen, all);
    assert_eq!(store.arrivals(&any, None, 2).unwrap().data.len(), 2);
}

/// Two collectors write to one database, the first of them slowly: what it numbered earlier becomes visible later.
fn a_follower_of_two_writers_misses_none(url: &str) {
    let any = EventFilter::default();
    let (first, second) = (opened(url), opened(url));
    let mut seen = first.arrivals(&any, None, 1).unwrap().last;
    let mut ids = Vec::new();
    for (number, store) in (0..).zip([&second, &first, &second, &first, &first]) {
        let event = decision(9_000 + number, "2026-11-21T11:00:00Z", json!({}));
        store.insert(vec![new(&event)]).unwrap();
        // Each look finds what came since, whoever wrote it.
        let arrivals = second.arrivals(&any, Some(&seen), 100).unwrap();
        for one in &arrivals.data {
            let event: Value = serde_json::from_str(one.json.get()).unwrap();
            ids.push(event["request_id"].as_str().unwrap().to_owned());
        }
        seen = Offsets::clone(&arrivals.last);
    }
    let expected: Vec<String> = (9_000..9_005).map(|number| format!("r-{number}")).collect();
    assert_eq!(ids, expected);
    // A batch over the turn of a month is one of two partitions, and nothing of it is missed.
    let over_the_turn = [
        decision(9_101, "2026-11-30T23:59:59Z", json!({})),
        decision(9_102, "2026-12-01T00:00:01Z", json!({})),
    ];
    first
        .insert(over_the_turn.iter().map(new).collect())
        .unwrap();
    assert_eq!(
        second.arrivals(&any, Some(&seen), 100).unwrap().data.len(),
        2
    );
}

fn forgetting(store: &dyn Store) {
    let before = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    assert_eq!(store.forget_before(before).unwrap(), 4);
    let deadline = Instant::now() + Duration::from_secs(20);
    let old = EventFilter {
        until: Some(before),
        ..EventFilter::default()
    };
    while count_by_pages(store, old.clone()) > 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(50));
    }
}
