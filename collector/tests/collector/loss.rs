//! What a store loses opens nothing, and one bad record takes no other down.

use std::net::TcpListener;
use std::path::Path;

use collector::{
    Api as _, BudgetPeriod, Collector, KeyState, NewBudget, NewKey, NewWebhook, Remote, Rules,
    Running, StoreLocation,
};
use events::{ControlState, LostState};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{API, INGEST, Service, agent, decision, settings};

fn named(name: &str) -> NewKey {
    NewKey {
        name: name.into(),
        ..NewKey::default()
    }
}

fn daily(provider: &str) -> NewBudget {
    NewBudget {
        provider: provider.into(),
        limit_usd: 10.0,
        period: BudgetPeriod::Daily,
        allow_unknown: false,
    }
}

fn start(dir: &Path, store: Option<StoreLocation>) -> Running {
    let mut settings = settings(dir, Rules::default());
    settings.store = store.unwrap_or(settings.store);
    Collector::open(settings)
        .unwrap()
        .start(TcpListener::bind("127.0.0.1:0").unwrap())
        .unwrap()
}

fn api(running: &Running) -> Remote {
    Remote::new(&format!("http://{}", running.address()), API)
}

fn get(running: &Running, path: &str) -> Value {
    let mut answer = agent()
        .get(format!("http://{}{path}", running.address()))
        .header("authorization", format!("Bearer {INGEST}"))
        .call()
        .unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
}

fn control(running: &Running) -> ControlState {
    serde_json::from_value(get(running, "/v1/control?instance_id=i-1")).unwrap()
}

fn remove_store(dir: &Path) {
    for name in ["events.db", "events.db-wal", "events.db-shm"] {
        let _ = std::fs::remove_file(dir.join(name));
    }
}

fn both() -> LostState {
    LostState {
        keys: true,
        budgets: true,
    }
}

#[test]
fn an_empty_store_in_the_place_of_another_opens_no_door() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path(), None);
    api(&first).create_key(&named("ci")).unwrap();
    api(&first).create_budget(&daily("openai")).unwrap();
    let before = control(&first);
    assert_eq!(before.lost, LostState::default());
    first.stop();
    remove_store(dir.path());

    let opened = Collector::open(settings(dir.path(), Rules::default())).unwrap();
    assert!(opened.keys_required().unwrap(), "before anybody asks");
    let second = opened
        .start(TcpListener::bind("127.0.0.1:0").unwrap())
        .unwrap();
    let after = control(&second);
    assert!(after.keys_required && after.keys.is_empty());
    assert_eq!(after.lost, both());
    assert_ne!(after.store_id, before.store_id);
    assert_eq!(after.budgets.len(), 1, "the ceiling is set again");
    assert_eq!(after.budgets[0].limit.limit_usd, 10.0);
    let health = get(&second, "/v1/health");
    assert_eq!(health["status"], "degraded");
    assert!(
        health["problems"][0].as_str().unwrap().contains("lost"),
        "{health}"
    );
    // It says so until it is mended, also after another start.
    second.stop();
    let third = start(dir.path(), None);
    assert_eq!(control(&third).lost, both());
    api(&third).create_key(&named("ci")).unwrap();
    let mended = control(&third);
    assert_eq!((mended.keys.len(), mended.lost.keys), (1, false));
}

#[test]
fn another_store_of_the_same_collector_opens_no_door() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path(), None);
    api(&first).create_key(&named("ci")).unwrap();
    first.stop();
    let other = StoreLocation::Sqlite(dir.path().join("other.db"));
    let second = start(dir.path(), Some(other));
    let state = control(&second);
    assert!(state.keys_required && state.lost.keys);
}

#[test]
fn an_older_copy_of_the_store_gives_nobody_a_key_back() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path(), None);
    api(&first).create_key(&named("leaked")).unwrap();
    first.stop();
    let copy = dir.path().join("copy.db");
    Connection::open(dir.path().join("events.db"))
        .unwrap()
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    let second = start(dir.path(), None);
    api(&second).revoke_key("leaked").unwrap();
    api(&second).create_budget(&daily("openai")).unwrap();
    second.stop();
    remove_store(dir.path());
    std::fs::rename(copy, dir.path().join("events.db")).unwrap();

    let restored = start(dir.path(), None);
    let state = control(&restored);
    assert!(state.keys_required && state.keys.is_empty(), "{state:?}");
    assert_eq!(state.budgets.len(), 1);
    assert!(state.lost.budgets, "what was spent since is not known");
    assert_eq!(api(&restored).keys().unwrap()[0].state, KeyState::Revoked);
}

#[test]
fn budgets_that_people_delete_are_not_lost() {
    let service = Service::start();
    let made = service.remote().create_budget(&daily("openai")).unwrap();
    assert_eq!(control(&service.running).budgets.len(), 1);
    service.remote().delete_budget(&made.id).unwrap();
    let state = control(&service.running);
    assert!(state.budgets.is_empty());
    assert_eq!(state.lost, LostState::default());
    assert_eq!(get(&service.running, "/v1/health")["status"], "healthy");
}

#[test]
fn a_mark_that_cannot_be_read_opens_no_door() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("control-mark.json"), "{\"store").unwrap();
    let running = start(dir.path(), None);
    let state = control(&running);
    assert!(state.keys_required && state.lost.keys);
    let health = get(&running, "/v1/health");
    assert!(health.to_string().contains("cannot be read"), "{health}");
}

fn spoil(service: &Service, kind: &str, json: &dyn rusqlite::ToSql) {
    let connection = Connection::open(service.dir.path().join("events.db")).unwrap();
    let changed = connection
        .execute(
            "UPDATE record SET json = ?1 WHERE kind = ?2",
            rusqlite::params![json, kind],
        )
        .unwrap();
    assert_eq!(changed, 1);
}

#[test]
fn one_unreadable_key_takes_no_other_down_and_can_be_revoked() {
    for spoilt in [
        &"{\"name\":\"old\",\"limit\":7}" as &dyn rusqlite::ToSql,
        &"not json",
        &[0xff_u8, 0xfe].as_slice(),
    ] {
        let service = Service::start();
        let api = service.remote();
        let old = api.create_key(&named("old")).unwrap();
        spoil(&service, "key", spoilt);
        let good = api.create_key(&named("good")).unwrap();
        let state = control(&service.running);
        let names: Vec<&str> = state.keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!((names, state.keys_required), (vec!["good"], true));
        let listed = api.keys().unwrap();
        assert_eq!(
            (listed[0].state, &listed[0].id, listed.len()),
            (KeyState::Unreadable, &old.info.id, 2)
        );
        assert!(listed[0].error.is_some());
        assert_eq!(get(&service.running, "/v1/health")["status"], "degraded");
        api.revoke_key(&good.info.id).unwrap();
        api.revoke_key(&old.info.id).unwrap();
        assert!(
            api.keys()
                .unwrap()
                .iter()
                .all(|key| key.state == KeyState::Revoked)
        );
        control(&service.running);
        assert_eq!(get(&service.running, "/v1/health")["status"], "healthy");
    }
}

#[test]
fn an_unreadable_budget_goes_on_as_it_was() {
    let service = Service::start();
    let api = service.remote();
    let first = api.create_budget(&daily("openai")).unwrap();
    control(&service.running);
    spoil(&service, "budget", &"{\"provider\":\"openai\"}");
    api.create_budget(&daily("anthropic")).unwrap();
    let state = control(&service.running);
    let mut limits: Vec<_> = state
        .budgets
        .iter()
        .map(|budget| (budget.provider.as_str(), budget.limit.limit_usd))
        .collect();
    limits.sort_by_key(|limit| limit.0);
    assert_eq!(limits, [("anthropic", 10.0), ("openai", 10.0)]);
    let listed = api.budgets().unwrap();
    assert_eq!((listed.len(), &listed[0].id), (2, &first.id));
    assert!(listed[0].error.is_some() && listed[1].error.is_none());
    api.create_budget(&daily("openai")).unwrap();
    assert!(api.budgets().unwrap().iter().all(|one| one.error.is_none()));
}

#[test]
fn an_unreadable_budget_that_nobody_remembers_is_said_to_be_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = crate::support::store(dir.path());
    let record = collector::Record {
        id: "bdg_1".into(),
        json: "{}".into(),
    };
    store
        .put_record(collector::RecordKind::Budget, &record)
        .unwrap();
    let running = start(dir.path(), None);
    let state = control(&running);
    assert_eq!((state.budgets.len(), state.lost.budgets), (0, true));
    api(&running).delete_budget("bdg_1").unwrap();
    assert!(!control(&running).lost.budgets);
}

#[test]
fn an_unreadable_webhook_takes_no_other_down() {
    let service = Service::start();
    let api = service.remote();
    let hook = |url: &str| NewWebhook {
        url: url.into(),
        event_types: Vec::new(),
        ..NewWebhook::default()
    };
    let bad = api.create_webhook(&hook("http://127.0.0.1:1/a")).unwrap();
    spoil(&service, "webhook", &"{}");
    api.create_webhook(&hook("http://127.0.0.1:1/b")).unwrap();
    let listed = api.webhooks().unwrap();
    assert_eq!((listed.len(), &listed[0].id), (2, &bad.webhook.id));
    assert!(listed[0].error.is_some());
    api.delete_webhook(&bad.webhook.id).unwrap();
    assert_eq!(api.webhooks().unwrap().len(), 1);
    let event = decision(1, "2026-11-21T11:00:00Z", json!({}));
    assert_eq!(service.deliver(&[event]).accepted, 1);
}

#[test]
fn one_unreadable_event_takes_no_other_down() {
    let service = Service::start();
    let event = |number| decision(number, "2026-11-21T11:00:00Z", json!({}));
    service.deliver(&[event(1), event(2), event(3)]);
    Connection::open(service.dir.path().join("events.db"))
        .unwrap()
        .execute("UPDATE event_text SET json = x'7bff' WHERE seq = 2", [])
        .unwrap();
    for path in ["/v1/events?order=asc", "/v1/events?follow=true"] {
        let (status, page) = service.get(path, API);
        assert_eq!(status, 200, "{page}");
        let types: Vec<_> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["event_type"].as_str().unwrap())
            .collect();
        assert_eq!(types, ["decision", "unreadable", "decision"], "{path}");
    }
    let id = event(2)["id"].as_str().unwrap().to_owned();
    let (status, one) = service.get(&format!("/v1/events/{id}"), API);
    assert_eq!((status, &one["id"]), (200, &json!(id)));
}
