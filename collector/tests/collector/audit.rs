//! The audit trail: every decision once, and nothing can be done to it unseen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use collector::{
    Api as _, AuditScope, BudgetPeriod, Collector, Damage, NewBudget, Rules, verify_audit,
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
