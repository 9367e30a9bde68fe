//! What was acknowledged is there, once.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use collector::{
    Api as _, Collector, EventFilter, EventQuery, NewEvent, Offsets, Rules, StoreError,
    StoreLocation, open,
};
use events::EventId;
use serde_json::json;

use crate::support::{API, INGEST, Service, agent, batch, decision, local, settings, store};

#[test]
fn a_batch_delivered_twice_counts_once() {
    let service = Service::start();
    let events = [
        decision(1, "2026-11-21T11:00:00Z", json!({})),
        decision(2, "2026-11-21T11:00:01Z", json!({})),
    ];
    let first = service.deliver(&events);
    assert_eq!((first.accepted, first.repeated), (2, 0));
    let second = service.deliver(&events);
    assert_eq!((second.accepted, second.repeated), (0, 2));
    let twice_inside = [
        decision(3, "2026-11-21T11:00:02Z", json!({})),
        decision(3, "2026-11-21T11:00:02Z", json!({})),
    ];
    let third = service.deliver(&twice_inside);
    assert_eq!((third.accepted, third.repeated), (1, 1));
    let (_, report) = service.get("/v1/events?metrics=request_count,cost", API);
    assert_eq!(report["data"], json!([{"request_count": 3, "cost": 0.003}]));
}

#[test]
fn the_same_batch_from_many_sides_at_once_counts_once() {
    let service = Service::start();
    let events: Vec<_> = (0..200)
        .map(|number| decision(number, "2026-11-21T11:00:00Z", json!({})))
        .collect();
    let accepted: u64 = std::thread::scope(|scope| {
        let deliveries: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| service.deliver(&events).accepted))
            .collect();
        deliveries.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(accepted, 200);
}

#[test]
fn followers_get_events_as_they_arrive() {
    let service = Service::start();
    service.deliver(&[decision(1, "2026-11-21T11:00:00Z", json!({}))]);
    let remote = service.remote();
    let query = EventQuery::default();
    let first = remote.follow(&query, Duration::ZERO).unwrap();
    assert_eq!(first.data.len(), 1);
    let went_on = EventQuery {
        cursor: Some(collector::Cursor::parse(&first.next_cursor.unwrap()).unwrap()),
        ..query
    };
    let nothing = remote.follow(&went_on, Duration::ZERO).unwrap();
    assert!(nothing.data.is_empty());
    let second = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| remote.follow(&went_on, Duration::from_secs(30)).unwrap());
        // An earlier time than the first: what counts is when it arrives.
        service.deliver(&[decision(2, "2026-11-21T10:00:00Z", json!({}))]);
        waiting.join().unwrap()
    });
    assert_eq!(second.data.len(), 1);
    assert!(second.data[0].get().contains("r-2"));
    // The store at hand says the same.
    assert_eq!(
        local(service.dir.path())
            .follow(&went_on, Duration::ZERO)
            .unwrap()
            .data
            .len(),
        1
    );
}

#[test]
fn two_programs_write_to_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let stores = [store(dir.path()), store(dir.path())];
    std::thread::scope(|scope| {
        for (store, first) in stores.iter().zip([0, 1_000]) {
            scope.spawn(move || {
                for number in first..first + 100 {
                    let event = decision(number, "2026-11-21T11:00:00Z", json!({}));
                    let event = NewEvent::read(event.to_string().as_bytes()).unwrap();
                    assert_eq!(store.insert(vec![event]).unwrap().new, [true]);
                }
            });
        }
    });
    let groups = stores[0]
        .aggregate(&EventFilter::default(), &[], &[])
        .unwrap();
    assert_eq!(groups[0].totals.requests, 200);
}

#[test]
fn large_events_make_short_pages() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    // As large as one event may be; together twice what a page holds.
    let body = "x".repeat(events::MAX_BODY_BYTES);
    const EVENTS: usize = (16 << 20) / (2 * events::MAX_BODY_BYTES);
    for number in 0..EVENTS as u64 {
        let event = decision(
            number,
            "2026-11-21T11:00:00Z",
            json!({"request_body": body, "response_body": body}),
        );
        store
            .insert(vec![NewEvent::read(event.to_string().as_bytes()).unwrap()])
            .unwrap();
    }
    let mut query = EventQuery {
        limit: 1_000,
        ..EventQuery::default()
    };
    let mut pages = Vec::new();
    loop {
        let page = store.page(&query).unwrap();
        pages.push(page.data.len());
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(collector::Cursor::parse(&cursor).unwrap()),
            None => break,
        }
    }
    assert_eq!(pages.iter().sum::<usize>(), EVENTS);
    assert!(pages.len() > 1, "{pages:?}");
    let (mut place, mut seen) = (Offsets::default(), 0);
    while seen < EVENTS {
        let arrivals = store
            .arrivals(&EventFilter::default(), Some(&place), 1_000)
            .unwrap();
        assert!(!arrivals.data.is_empty() && arrivals.data.len() < EVENTS);
        seen += arrivals.data.len();
        place = arrivals.last;
    }
    assert_eq!(seen, EVENTS);
}

#[test]
fn files_of_others_and_of_later_versions_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path()));
    let path = dir.path().join("events.db");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let location = StoreLocation::below(dir.path());
    // `user_version` is the big-endian number at byte 60 of the file.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        open(&location).map(drop),
        Err(StoreError::TooNew { found: 99, .. })
    ));
    std::fs::write(&path, "this is a letter to my aunt, and no database at all").unwrap();
    assert!(matches!(
        open(&location).map(drop),
        Err(StoreError::Damaged(_))
    ));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(
        open(&location).map(drop),
        Err(StoreError::Unavailable(_))
    ));
}

/// Set in the process that is to be killed: the folder of its store.
const CHILD: &str = "COLLECTOR_TEST_CHILD";

/// No test, but the process that the next one kills: it serves until then.
#[test]
fn child_that_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let running = Collector::open(settings(dir.as_ref(), Rules::default()))
        .unwrap()
        .start(listener)
        .unwrap();
    println!("listens on {}", running.address());
    loop {
        std::thread::park();
    }
}

fn start_child(dir: &std::path::Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "delivery::child_that_is_killed", "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let address = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .find_map(|line| {
            let (_, address) = line.split_once("listens on ")?;
            Some(address.to_owned())
        })
        .unwrap();
    (child, address)
}

#[test]
fn kill_9_in_the_middle_of_batches_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<u64> = Vec::new();
    for round in 0..3_u64 {
        let (mut child, address) = start_child(dir.path());
        let alive = Arc::new(AtomicBool::new(true));
        let senders: Vec<_> = (0..3_u64)
            .map(|sender| {
                let (address, alive) = (address.clone(), Arc::clone(&alive));
                std::thread::spawn(move || {
                    let mut good = Vec::new();
                    for number in (round * 1_000_000 + sender * 100_000..).step_by(50) {
                        let numbers = number..number + 50;
                        let events: Vec<_> = numbers
                            .clone()
                            .map(|number| decision(number, "2026-11-21T11:00:00Z", json!({})))
                            .collect();
                        let answer = agent()
                            .post(format!("http://{address}/v1/events"))
                            .header("authorization", format!("Bearer {INGEST}"))
                            .send(batch(&events).as_bytes());
                        match answer {
                            Ok(answer) if answer.status() == 200 => good.extend(numbers),
                            _ => break,
                        }
                        if !alive.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                    good
                })
            })
            .collect();
        // A different moment in every round, always with batches under way.
        std::thread::sleep(Duration::from_millis(150 + 70 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        alive.store(false, Ordering::Relaxed);
        for sender in senders {
            acknowledged.extend(sender.join().unwrap());
        }
    }
    assert!(!acknowledged.is_empty());
    let api = local(dir.path());
    let at = crate::support::moment("2026-11-21T11:00:00Z");
    for number in acknowledged {
        let id = EventId::new(at, number.into());
        assert!(api.event(id).unwrap().is_some(), "event {number} is lost");
    }
}
