//! Gateway keys: shown once, stored hashed, out of force when they should be.

use collector::{
    Api as _, ApiError, BudgetPeriod, KeyLimit, KeyRule, KeyState, Local, NewKey, Rotation, Rules,
};
use events::ControlState;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{INGEST, Service, decision, local, moment};

fn named(name: &str) -> NewKey {
    NewKey {
        name: name.into(),
        ..NewKey::default()
    }
}

fn control(service: &Service) -> ControlState {
    let (_, state) = service.get("/v1/control?instance_id=i-1", INGEST);
    serde_json::from_value(state).unwrap()
}

#[test]
fn a_key_is_shown_once_and_stored_as_its_hash() {
    let service = Service::start();
    let created = service.remote().create_key(&named("ci")).unwrap();
    assert_eq!(created.key.len(), "kt_gk_".len() + 43);
    assert!(created.key.starts_with("kt_gk_") && created.key.starts_with(&created.info.prefix));
    assert!(
        !format!("{created:?}").contains(&created.key),
        "not in logs"
    );
    let known = control(&service).keys.remove(0);
    assert_eq!(
        known.sha256,
        events::key_hash_hex(&Sha256::digest(&created.key))
    );
    assert_eq!((known.id, known.name), (created.info.id, "ci".to_owned()));
    let listed = serde_json::to_string(&service.remote().keys().unwrap()).unwrap();
    assert!(!listed.contains(&created.key));
    let secret = created.key.as_bytes();
    for entry in std::fs::read_dir(service.dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret));
    }
}

#[test]
fn a_revoked_or_expired_key_is_gone_and_the_door_stays_shut() {
    let service = Service::start();
    let api = service.remote();
    assert!(!control(&service).keys_required, "no key was ever created");
    let first = api.create_key(&named("first")).unwrap();
    let short = NewKey {
        expires_in_seconds: Some(60),
        ..named("short")
    };
    api.create_key(&short).unwrap();
    let before = control(&service);
    assert!(before.keys_required);
    assert_eq!(before.keys.len(), 2);
    service.set_clock("2026-11-21T12:01:00Z");
    assert_eq!(
        control(&service).keys.len(),
        1,
        "the first moment after its time"
    );
    let revoked = api.revoke_key("first").unwrap();
    assert_eq!(
        (revoked.state, &revoked.id),
        (KeyState::Revoked, &first.info.id)
    );
    let after = control(&service);
    assert!(after.keys.is_empty() && after.keys_required);
    assert_ne!(before.version, after.version);
    assert_eq!(
        api.revoke_key(&first.info.id).unwrap().revoked_at_ms,
        revoked.revoked_at_ms
    );
    let states: Vec<_> = api.keys().unwrap().iter().map(|key| key.state).collect();
    assert_eq!(states, [KeyState::Revoked, KeyState::Expired]);
    assert!(matches!(
        api.revoke_key("nobody"),
        Err(ApiError::NotFound { .. })
    ));
    // Somebody who wants the door open says so.
    service.running.set_rules(Rules {
        keys: KeyRule::Never,
        ..Rules::default()
    });
    assert!(!control(&service).keys_required);
    service.running.set_rules(Rules {
        keys: KeyRule::Always,
        ..Rules::default()
    });
    assert!(control(&service).keys_required);
}

#[test]
fn a_name_is_free_again_when_its_key_is_out_of_force() {
    let service = Service::start();
    let api = service.remote();
    let first = api.create_key(&named("ci")).unwrap();
    assert!(matches!(
        api.create_key(&named("ci")),
        Err(ApiError::Conflict(_))
    ));
    api.revoke_key("ci").unwrap();
    let second = api.create_key(&named("ci")).unwrap();
    assert_ne!(first.key, second.key);
    assert_eq!(
        api.revoke_key("ci").unwrap().id,
        second.info.id,
        "the one in force"
    );
}

#[test]
fn of_two_programs_that_want_a_name_at_once_one_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    // A writer each, as `kt tokens create` beside a running gateway.
    let programs = [local(dir.path()), local(dir.path())];
    for round in 0..20 {
        let name = format!("ci-{round}");
        let together = std::sync::Barrier::new(programs.len());
        let created: Vec<_> = std::thread::scope(|scope| {
            let create = |program| {
                let (name, together) = (&name, &together);
                scope.spawn(move || {
                    together.wait();
                    Local::create_key(program, &named(name))
                })
            };
            let threads: Vec<_> = programs.iter().map(create).collect();
            threads.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = created.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 1), "{lost:?}");
        let error = lost[0].as_ref().unwrap_err();
        assert!(matches!(error, ApiError::Conflict(_)), "{error}");
        assert!(error.to_string().contains("is in force"), "{error}");
        let of_name = |key: &&collector::KeyInfo| key.name == name;
        assert_eq!(
            programs[0].keys().unwrap().iter().filter(of_name).count(),
            1
        );
    }
}

#[test]
fn a_key_carries_what_it_may_do_and_what_it_spent() {
    let service = Service::start();
    let limited = NewKey {
        models: Some(vec!["reliable-chat".into()]),
        requests_per_minute: Some(30),
        limit: Some(KeyLimit {
            limit_usd: 5.0,
            period: BudgetPeriod::Weekly,
        }),
        ..named("ci")
    };
    service.remote().create_key(&limited).unwrap();
    for (number, key, instance) in [(1, "ci", "i-1"), (2, "ci", "i-2"), (3, "other", "i-2")] {
        let changes = json!({"actual_cost_usd": 0.5, "key_name": key, "instance_id": instance});
        service.deliver(&[decision(number, "2026-11-17T11:00:00Z", changes)]);
    }
    let known = control(&service).keys.remove(0);
    assert_eq!(known.models, limited.models);
    assert_eq!(known.requests_per_minute, Some(30));
    let limit = known.limit.unwrap();
    assert_eq!(
        (
            limit.limit_usd,
            limit.spent_elsewhere_usd,
            limit.spent_here_usd
        ),
        (5.0, 0.5, 0.5)
    );
    assert_eq!(service.remote().keys().unwrap()[0].spent_usd, Some(1.0));
}

#[test]
fn a_rotated_key_keeps_its_limits_and_the_former_one_ends() {
    let service = Service::start();
    let api = service.remote();
    let new = NewKey {
        name: "ci".into(),
        models: Some(vec!["chat".into()]),
        requests_per_minute: Some(7),
        ..NewKey::default()
    };
    let made = api.create_key(&new).unwrap();
    let rotation = Rotation {
        grace_seconds: 3_600,
    };
    let rotated = api.rotate_key("ci", rotation).unwrap();
    assert_ne!(rotated.key, made.key);
    assert_eq!(
        (&rotated.info.id, &rotated.info.models),
        (&made.info.id, &made.info.models)
    );
    let in_force = || -> Vec<(String, Value)> {
        let (_, state) = service.get("/v1/control?instance_id=i-1", INGEST);
        let keys = state["keys"].as_array().unwrap().iter();
        keys.map(|key| {
            assert_eq!(
                (&key["id"], &key["requests_per_minute"]),
                (&json!(made.info.id), &json!(7))
            );
            (
                key["sha256"].as_str().unwrap().to_owned(),
                key["expires_at_ms"].clone(),
            )
        })
        .collect()
    };
    let hash = |key: &str| events::key_hash_hex(&Sha256::digest(key));
    let hour_ms = moment("2026-11-21T13:00:00Z");
    assert_eq!(
        in_force(),
        [
            (hash(&rotated.key), Value::Null),
            (hash(&made.key), json!(hour_ms))
        ]
    );
    assert_eq!(api.keys().unwrap()[0].former_until_ms, Some(hour_ms));
    service.set_clock("2026-11-21T13:00:00Z");
    assert_eq!(in_force(), [(hash(&rotated.key), Value::Null)]);
    // One that leaked ends at once.
    let again = api.rotate_key(&made.info.id, Rotation::default()).unwrap();
    assert_eq!(in_force(), [(hash(&again.key), Value::Null)]);
    api.revoke_key("ci").unwrap();
    assert_eq!(in_force(), []);
    assert!(matches!(
        api.rotate_key("ci", rotation),
        Err(ApiError::Conflict(_))
    ));
    assert!(matches!(
        api.rotate_key("no", rotation),
        Err(ApiError::NotFound { .. })
    ));
}
