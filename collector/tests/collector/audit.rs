//! The audit trail: every decision once, and nothing can be done to it unseen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use collector::{
    Api as _, AuditScope, BudgetPeriod, Collector, Damage, NewBudget, Rules, StoreLocation,
    verify_audit, verify_audit_with_store,
};
use serde_json::{Value, json};

use crate::support::{API, Service, decision, health, settings};

fn audited(scope: AuditScope) -> Rules {
    Rules {
        audit: Some(scope),
        ..Rules::default()
    }
}

/// A trail of so many records, its collector ended.
fn trail(records: u64) -> tempfile::TempDir {
    let service = Service::with(audited(AuditScope::EveryDecision));
    let events: Vec<Value> = (0..records)
        .map(|number| decision(number, "2026-11-21T11:00:00Z", json!({})))
        .collect();
    for event in &events {
        service.deliver(std::slice::from_ref(event));
    }
    service.running.stop();
    service.dir
}

fn only_file(dir: &Path) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(dir.join("audit"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "ndjson"))
        .collect();
    assert_eq!(files.len(), 1);
    files.remove(0)
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn write(path: &Path, lines: &[String]) {
    fs::write(
        path,
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    )
    .unwrap();
}

#[test]
fn the_trail_has_every_decision_once_in_the_order_of_arrival() {
    let service = Service::with(audited(AuditScope::EveryDecision));
    let batch = [
        decision(
            2,
            "2026-11-21T11:00:02Z",
            json!({"model": "a,\"hash\":\"0"}),
        ),
        health(3, "2026-11-21T11:00:00Z", "openai", "unhealthy"),
        decision(1, "2026-11-21T11:00:01Z", json!({"decision": "blocked"})),
    ];
    service.deliver(&batch);
    service.deliver(&batch);
    service.running.stop();
    let records: Vec<Value> = lines(&only_file(service.dir.path()))
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<_> = records.iter().map(|record| &record["event"]).collect();
    assert_eq!(found, [&batch[0], &batch[2]]);
    assert_eq!(records[1]["previous"], records[0]["hash"]);
    let report = verify_audit(service.dir.path()).unwrap();
    assert_eq!((report.records, report.first, report.damage), (2, 1, None));
}

/// Ids of the events of the records, `-` for what the trail says of itself.
fn recorded(dir: &Path) -> Vec<String> {
    let records = lines(&only_file(dir)).into_iter();
    records
        .map(|line| {
            let record: Value = serde_json::from_str(&line).unwrap();
            record["event"]["id"].as_str().unwrap_or("-").to_owned()
        })
        .collect()
}

fn numbered(number: u64) -> Value {
    decision(number, "2026-11-21T11:00:00Z", json!({}))
}

fn id(number: u64) -> String {
    numbered(number)["id"].as_str().unwrap().to_owned()
}

/// The damage that is found beside the store of the folder.
fn beside_its_store(dir: &Path) -> Option<Damage> {
    let store = collector::open(&StoreLocation::below(dir)).unwrap();
    verify_audit_with_store(dir, store.as_ref()).unwrap().damage
}

fn store_files(dir: &Path) -> Vec<PathBuf> {
    ["events.db", "events.db-wal", "events.db-shm"]
        .map(|name| dir.join(name))
        .into_iter()
        .filter(|path| path.exists())
        .collect()
}

/// A collector in the folder takes an event, and ends.
fn goes_on_with(dir: tempfile::TempDir, number: u64) -> tempfile::TempDir {
    let service = Service::in_folder(dir, audited(AuditScope::EveryDecision));
    service.deliver(&[numbered(number)]);
    service.running.stop();
    service.dir
}

#[test]
fn another_store_is_noticed_and_audited_from_its_first_event() {
    let dir = trail(3);
    assert_eq!(beside_its_store(dir.path()), None);
    for file in store_files(dir.path()) {
        fs::remove_file(file).unwrap();
    }
    assert!(matches!(
        beside_its_store(dir.path()),
        Some(Damage::OtherStore { .. })
    ));
    // Places in the new store begin with 1 again: none of them was seen before.
    let dir = goes_on_with(dir, 10);
    assert_eq!(
        recorded(dir.path()),
        [id(0), id(1), id(2), "-".to_owned(), id(10)]
    );
    assert_eq!(beside_its_store(dir.path()), None);
    let dir = goes_on_with(dir, 11);
    assert_eq!(recorded(dir.path()).last(), Some(&id(11)));
    assert_eq!(recorded(dir.path()).len(), 6, "nothing is recorded again");
}

#[test]
fn an_older_copy_of_the_store_is_noticed_and_nothing_that_comes_is_missed() {
    let dir = goes_on_with(tempfile::tempdir().unwrap(), 1);
    let copy = tempfile::tempdir().unwrap();
    for file in store_files(dir.path()) {
        fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    let dir = goes_on_with(goes_on_with(dir, 2), 3);
    for file in store_files(dir.path()) {
        fs::remove_file(file).unwrap();
    }
    for file in store_files(copy.path()) {
        fs::copy(&file, dir.path().join(file.file_name().unwrap())).unwrap();
    }
    let dir = goes_on_with(dir, 4);
    assert_eq!(
        recorded(dir.path()),
        [id(1), id(2), id(3), "-".to_owned(), id(1), id(4)]
    );
    assert_eq!(beside_its_store(dir.path()), None);
}

#[test]
fn a_store_whose_trail_is_gone_says_so() {
    let dir = trail(2);
    fs::remove_dir_all(dir.path().join("audit")).unwrap();
    fs::remove_file(dir.path().join("audit-key")).unwrap();
    assert_eq!(verify_audit(dir.path()).unwrap().records, 0);
    assert_eq!(beside_its_store(dir.path()), Some(Damage::Gone));
    // The next one says what was before, and records all that is there.
    let dir = goes_on_with(dir, 7);
    assert_eq!(recorded(dir.path()), ["-".to_owned(), id(0), id(1), id(7)]);
}

#[test]
fn retention_of_all_events_is_no_change_of_the_store() {
    let service = Service::in_folder(trail(3), audited(AuditScope::EveryDecision));
    service.set_clock("2026-12-21T12:00:00Z");
    service.running.set_rules(Rules {
        retention_days: Some(1),
        ..audited(AuditScope::EveryDecision)
    });
    let deadline = Instant::now() + Duration::from_secs(30);
    while service.get("/v1/events", API).1["data"] != json!([]) {
        assert!(Instant::now() < deadline, "the events stay");
        std::thread::sleep(Duration::from_millis(20));
    }
    service.running.stop();
    let dir = goes_on_with(service.dir, 5);
    assert_eq!(recorded(dir.path()).last(), Some(&id(5)));
    assert!(!recorded(dir.path()).contains(&"-".to_owned()));
}

#[test]
fn only_what_was_blocked_or_flagged_if_that_is_asked_for() {
    let service = Service::with(audited(AuditScope::BlockedAndFlagged));
    let events: Vec<Value> = ["allowed", "blocked", "flagged"]
        .iter()
        .zip(1..)
        .map(|(decided, number)| {
            decision(number, "2026-11-21T11:00:00Z", json!({"decision": decided}))
        })
        .collect();
    service.deliver(&events);
    service.running.stop();
    assert_eq!(verify_audit(service.dir.path()).unwrap().records, 2);
}

#[test]
fn a_trail_goes_on_after_a_restart_and_a_half_written_record() {
    let dir = trail(3);
    let path = only_file(dir.path());
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"number\":4,\"place\":4,\"reco");
    fs::write(&path, text).unwrap();
    assert_eq!(
        verify_audit(dir.path()).unwrap().damage,
        None,
        "a crash is no damage"
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let rules = audited(AuditScope::EveryDecision);
    let running = Collector::open(settings(dir.path(), rules))
        .unwrap()
        .start(listener)
        .unwrap();
    let again = crate::support::batch(&[decision(9, "2026-11-21T11:00:00Z", json!({}))]);
    crate::support::agent()
        .post(format!("http://{}/v1/events", running.address()))
        .header("authorization", "Bearer ingest-token")
        .send(again.as_bytes())
        .unwrap();
    running.stop();
    let report = verify_audit(dir.path()).unwrap();
    assert_eq!((report.records, report.damage), (4, None));
}

#[test]
fn whatever_is_done_to_a_trail_is_found() {
    type Tampering = fn(&Path, &mut Vec<String>);
    type Expected = fn(&Damage) -> bool;
    let cases: [(&str, Tampering, Expected); 12] = [
        (
            "a field is changed",
            |_, lines| lines[2] = lines[2].replace("\"allowed\"", "\"blocked\""),
            |damage| matches!(damage, Damage::Changed { line: 3, .. }),
        ),
        (
            "a field is changed and the record's hash made anew",
            |_, lines| {
                let changed = lines[2].replace("\"allowed\"", "\"blocked\"");
                let (sealed, _) = changed.rsplit_once(",\"hash\":\"").unwrap();
                let hash = crate::audit::sha256(sealed);
                lines[2] = format!("{sealed},\"hash\":\"{hash}\"}}");
            },
            |damage| {
                matches!(
                    damage,
                    Damage::Unchained {
                        line: 4,
                        number: 4,
                        ..
                    }
                )
            },
        ),
        (
            "a record is removed",
            |_, lines| drop(lines.remove(2)),
            |damage| {
                matches!(
                    damage,
                    Damage::OutOfOrder {
                        expected: 3,
                        found: 4,
                        ..
                    }
                )
            },
        ),
        (
            "the first record is removed",
            |_, lines| drop(lines.remove(0)),
            |damage| {
                matches!(
                    damage,
                    Damage::OutOfOrder {
                        expected: 1,
                        found: 2,
                        ..
                    }
                )
            },
        ),
        (
            "a record is inserted twice",
            |_, lines| lines.insert(2, lines[2].clone()),
            |damage| {
                matches!(
                    damage,
                    Damage::OutOfOrder {
                        expected: 4,
                        found: 3,
                        ..
                    }
                )
            },
        ),
        (
            "two records change places",
            |_, lines| lines.swap(1, 2),
            |damage| {
                matches!(
                    damage,
                    Damage::OutOfOrder {
                        expected: 2,
                        found: 3,
                        ..
                    }
                )
            },
        ),
        (
            "an empty line is inserted",
            |_, lines| lines.insert(2, String::new()),
            |damage| matches!(damage, Damage::Changed { line: 3, .. }),
        ),
        (
            "the end is cut off",
            |_, lines| lines.truncate(3),
            |damage| {
                matches!(
                    damage,
                    Damage::CutOff {
                        expected: 5,
                        found: 3
                    }
                )
            },
        ),
        (
            "everything is cut off",
            |_, lines| lines.clear(),
            |damage| {
                matches!(
                    damage,
                    Damage::CutOff {
                        expected: 5,
                        found: 0
                    }
                )
            },
        ),
        (
            "the trail is written anew, with good hashes",
            |_, lines| {
                let mut previous = "0".repeat(64);
                for line in lines {
                    let mut record: Value = serde_json::from_str(line).unwrap();
                    record["event"]["decision"] = json!("blocked");
                    record["previous"] = json!(previous);
                    record.as_object_mut().unwrap().shift_remove("hash");
                    let text = record.to_string();
                    let sealed = text.strip_suffix('}').unwrap();
                    previous = crate::audit::sha256(sealed);
                    *line = format!("{sealed},\"hash\":\"{previous}\"}}");
                }
            },
            |damage| matches!(damage, Damage::NotAsSigned { number: 5 }),
        ),
        (
            "the checkpoint is made to fit a cut trail",
            |dir, lines| {
                let path = dir.join("audit/checkpoint.json");
                let mut checkpoint: Value =
                    serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
                let record: Value = serde_json::from_str(&lines[2]).unwrap();
                checkpoint["head_number"] = json!(3);
                checkpoint["head_hash"] = record["hash"].clone();
                fs::write(path, checkpoint.to_string()).unwrap();
                lines.truncate(3);
            },
            |damage| *damage == Damage::BadSignature,
        ),
        (
            "the checkpoint is removed",
            |dir, _| fs::remove_file(dir.join("audit/checkpoint.json")).unwrap(),
            |damage| matches!(damage, Damage::Missing(_)),
        ),
    ];
    let original = trail(5);
    let file = only_file(original.path());
    let untouched = lines(&file);
    let checkpoint = fs::read(original.path().join("audit/checkpoint.json")).unwrap();
    assert_eq!(verify_audit(original.path()).unwrap().records, 5);
    for (what, tamper, expected) in cases {
        let mut changed = untouched.clone();
        fs::write(original.path().join("audit/checkpoint.json"), &checkpoint).unwrap();
        tamper(original.path(), &mut changed);
        write(&file, &changed);
        let damage = verify_audit(original.path()).unwrap().damage;
        assert!(damage.as_ref().is_some_and(expected), "{what}: {damage:?}");
    }
    // The key and the whole folder.
    fs::write(original.path().join("audit/checkpoint.json"), &checkpoint).unwrap();
    write(&file, &untouched);
    assert_eq!(verify_audit(original.path()).unwrap().damage, None);
    fs::remove_dir_all(original.path().join("audit")).unwrap();
    assert!(matches!(
        verify_audit(original.path()).unwrap().damage,
        Some(Damage::Missing(_))
    ));
}

#[test]
fn a_damaged_trail_is_not_signed_over() {
    let dir = trail(5);
    let file = only_file(dir.path());
    let kept: Vec<String> = lines(&file)[..3].to_vec();
    write(&file, &kept);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let rules = audited(AuditScope::EveryDecision);
    let running = Collector::open(settings(dir.path(), rules))
        .unwrap()
        .start(listener)
        .unwrap();
    let url = format!("http://{}/v1/health", running.address());
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let body = crate::support::agent()
            .get(&url)
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap();
        let answer: Value = serde_json::from_str(&body).unwrap();
        if answer["audit"] == "failing" {
            assert_eq!(answer["status"], "degraded");
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
        std::thread::sleep(Duration::from_millis(20));
    }
    running.stop();
    assert_eq!(lines(&file), kept, "nothing is added");
    assert!(verify_audit(dir.path()).unwrap().damage.is_some());
}

#[test]
fn old_events_are_forgotten_and_what_was_spent_is_not() {
    let service = Service::with(audited(AuditScope::EveryDecision));
    service.deliver(&[
        decision(1, "2026-11-14T11:59:59Z", json!({})),
        decision(2, "2026-11-14T12:00:01Z", json!({})),
    ]);
    let remote = service.remote();
    let budget = NewBudget {
        provider: "openai".into(),
        limit_usd: 1.0,
        period: BudgetPeriod::Monthly,
        allow_unknown: false,
    };
    remote.create_budget(&budget).unwrap();
    // By the collector's clock it is the 21st, noon.
    service.running.set_rules(Rules {
        retention_days: Some(7),
        ..audited(AuditScope::EveryDecision)
    });
    let deadline = Instant::now() + Duration::from_secs(30);
    let left = loop {
        let (_, answer) = service.get("/v1/events", API);
        let left = answer["data"].as_array().unwrap().clone();
        if left.len() < 2 {
            break left;
        }
        assert!(Instant::now() < deadline, "{answer}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!((left.len(), &left[0]["request_id"]), (1, &json!("r-2")));
    assert_eq!(remote.budgets().unwrap()[0].spent_usd, 0.002);
    // The trail was written before; its newest file is never removed.
    service.running.stop();
    let report = verify_audit(service.dir.path()).unwrap();
    assert_eq!((report.records, report.damage), (2, None));
}

fn sha256(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    events::key_hash_hex(&Sha256::digest(text))
}
