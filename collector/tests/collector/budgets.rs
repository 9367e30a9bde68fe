//! Budgets: exact sums by period, instance and key.

use collector::{Api as _, BudgetPeriod, NewBudget, NewKey};
use serde_json::{Value, json};

use crate::support::{API, INGEST, Service, decision};

fn budget(limit_usd: f64, period: BudgetPeriod) -> NewBudget {
    NewBudget {
        provider: "openai".into(),
        limit_usd,
        period,
        allow_unknown: false,
    }
}

fn spend(service: &Service, number: u64, at: &str, usd: f64, instance: &str) {
    let changes = json!({"actual_cost_usd": usd, "instance_id": instance, "key_name": "ci"});
    service.deliver(&[decision(number, at, changes)]);
}

fn control(service: &Service, instance: &str) -> Value {
    let (status, state) = service.get(&format!("/v1/control?instance_id={instance}"), INGEST);
    assert_eq!(status, 200, "{state}");
    state
}

#[test]
fn a_gateway_learns_what_others_spent_in_each_period() {
    let service = Service::start();
    let api = service.remote();
    for period in [
        BudgetPeriod::Daily,
        BudgetPeriod::Weekly,
        BudgetPeriod::Monthly,
    ] {
        api.create_budget(&budget(100.0, period)).unwrap();
    }
    // Saturday noon. Week from Monday the 16th, month from the 1st.
    spend(&service, 1, "2026-11-21T00:00:00Z", 1.0, "i-1");
    spend(&service, 2, "2026-11-20T23:59:59.999999Z", 2.0, "i-1");
    spend(&service, 3, "2026-11-16T00:00:00Z", 4.0, "i-2");
    spend(&service, 4, "2026-11-15T23:59:59Z", 8.0, "i-2");
    spend(&service, 5, "2026-11-01T00:00:00Z", 16.0, "i-1");
    spend(&service, 6, "2026-10-31T23:59:59Z", 32.0, "i-1");
    let seen = |instance| -> Vec<(String, f64, f64)> {
        control(&service, instance)["budgets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                (
                    one["period"].as_str().unwrap().to_owned(),
                    one["spent_elsewhere_usd"].as_f64().unwrap(),
                    one["spent_here_usd"].as_f64().unwrap(),
                )
            })
            .collect()
    };
    let row = |period: &str, elsewhere, here| (period.to_owned(), elsewhere, here);
    assert_eq!(
        seen("i-1"),
        [
            row("daily", 0.0, 1.0),
            row("monthly", 12.0, 19.0),
            row("weekly", 4.0, 3.0)
        ]
    );
    assert_eq!(
        seen("i-2"),
        [
            row("daily", 1.0, 0.0),
            row("monthly", 19.0, 12.0),
            row("weekly", 3.0, 4.0)
        ]
    );
    let sums: Vec<f64> = api
        .budgets()
        .unwrap()
        .iter()
        .map(|one| one.spent_usd)
        .collect();
    assert_eq!(
        sums,
        [1.0, 31.0, 7.0],
        "daily, monthly, weekly, everybody's"
    );
}

#[test]
fn the_next_period_opens_the_budget_again() {
    let service = Service::start();
    let api = service.remote();
    service.set_clock("2028-02-29T23:59:59Z");
    let made = api
        .create_budget(&budget(1.0, BudgetPeriod::Monthly))
        .unwrap();
    spend(&service, 1, "2028-02-29T12:00:00Z", 1.25, "i-1");
    let before = api.budgets().unwrap().remove(0);
    assert_eq!((before.spent_usd, before.remaining_usd), (1.25, 0.0));
    let version = control(&service, "i-2")["version"].clone();
    service.set_clock("2028-03-01T00:00:00Z");
    let after = api.budgets().unwrap().remove(0);
    assert_eq!((after.spent_usd, after.remaining_usd), (0.0, 1.0));
    assert_eq!(after.period_start_ms, before.period_end_ms);
    assert_ne!(
        control(&service, "i-2")["version"],
        version,
        "a new period is a change"
    );
    assert_eq!(made.id, after.id);
}

#[test]
fn there_is_one_budget_for_a_provider_and_period() {
    let service = Service::start();
    let api = service.remote();
    let first = api
        .create_budget(&budget(1.0, BudgetPeriod::Daily))
        .unwrap();
    let again = api
        .create_budget(&budget(2.5, BudgetPeriod::Daily))
        .unwrap();
    assert_eq!(first.id, again.id);
    let all = api.budgets().unwrap();
    assert_eq!((all.len(), all[0].limit_usd), (1, 2.5));
    api.delete_budget(&first.id).unwrap();
    assert!(api.budgets().unwrap().is_empty());
    let gone = api.delete_budget(&first.id).unwrap_err();
    assert_eq!(
        gone.to_string(),
        format!("there is no budget {:?}", first.id)
    );
}

#[test]
fn amounts_spent_do_not_change_the_version() {
    let service = Service::start();
    service
        .remote()
        .create_budget(&budget(1.0, BudgetPeriod::Daily))
        .unwrap();
    let before = control(&service, "i-1");
    spend(&service, 1, "2026-11-21T11:00:00Z", 0.5, "i-2");
    let after = control(&service, "i-1");
    assert_ne!(before["budgets"], after["budgets"]);
    assert_eq!(before["version"], after["version"]);
}

#[test]
fn sums_are_exact_to_the_nano_dollar() {
    let service = Service::start();
    service
        .remote()
        .create_budget(&budget(1.0, BudgetPeriod::Daily))
        .unwrap();
    let events: Vec<_> = (0..1_000)
        .map(|number| {
            decision(
                number,
                "2026-11-21T11:00:00Z",
                json!({"actual_cost_usd": 0.000_000_1}),
            )
        })
        .collect();
    service.deliver(&events);
    service.deliver(&events);
    // 1,000 x 100 nano dollars, once.
    assert_eq!(service.remote().budgets().unwrap()[0].spent_usd, 0.000_1);
    let (_, report) = service.get("/v1/events?metrics=total_cost", API);
    assert_eq!(report["data"][0]["total_cost"], 0.000_1);
}

#[test]
fn dear_events_count_whole_and_absurd_ones_stop_nobody() {
    let service = Service::start();
    let api = service.remote();
    api.create_budget(&budget(9e6, BudgetPeriod::Daily))
        .unwrap();
    spend(&service, 1, "2026-11-21T11:00:00Z", 25_000.25, "i-1");
    spend(&service, 2, "2026-11-21T11:00:00Z", 1_099.52, "i-2");
    assert_eq!(api.budgets().unwrap()[0].spent_usd, 26_099.77);
    let limit = &control(&service, "i-1")["budgets"][0];
    assert_eq!(
        (&limit["spent_here_usd"], &limit["spent_elsewhere_usd"]),
        (&json!(25_000.25), &json!(1_099.52))
    );
    let (_, report) = service.get("/v1/events?metrics=total_cost", API);
    assert_eq!(report["data"][0]["total_cost"], 26_099.77);
    // More than an integer of the store holds, in one row and in their sum.
    for batch in 0..3 {
        let events: Vec<_> = (0..1_100)
            .map(|number| {
                let changes = json!({"actual_cost_usd": 1e30, "instance_id": format!("i-{batch}")});
                decision(
                    10_000 * (batch + 1) + number,
                    "2026-11-21T11:00:00Z",
                    changes,
                )
            })
            .collect();
        service.deliver(&events);
    }
    assert!(api.budgets().unwrap()[0].spent_usd > 9e9);
    assert_eq!(
        control(&service, "i-1")["budgets"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let (status, _) = service.get("/v1/events?group_by=provider&metrics=total_cost", API);
    assert_eq!(status, 200);
}

fn reported(service: &Service, gateway: &str, targets: &[(&str, &str)]) {
    let providers: Vec<Value> = targets
        .iter()
        .map(|(id, vendor)| {
            json!({"id": id, "vendor": vendor, "status": "healthy", "breaker": "closed", "consecutive_failures": 0})
        })
        .collect();
    let report = json!({
        "gateway_id": gateway, "version": "0.1.0", "config_version": "v1", "started_ms": 1, "requests_total": 0,
        "groups": ["reliable-chat", "fast-chat"], "providers": providers,
    });
    let path = format!("/v1/control?instance_id={gateway}");
    let (status, answer) = service.post(&path, INGEST, report.to_string().as_bytes());
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn a_key_s_names_that_no_gateway_has_are_told_with_what_comes_nearest() {
    let service = Service::start();
    let api = service.running.api();
    let warnings = |name: &str| {
        let new = NewKey {
            name: name.to_owned(),
            models: Some(vec!["reliable-chat".to_owned(), "fast-chta".to_owned()]),
            ..NewKey::default()
        };
        api.create_key(&new).unwrap().warnings
    };
    assert_eq!(warnings("before"), [""; 0], "no gateway has told yet");
    reported(&service, "g", &[]);
    assert_eq!(
        warnings("after"),
        [
            "no gateway has a model group \"fast-chta\" (the nearest names are \"fast-chat\"): the key opens an alias or a model of that name"
        ]
    );
}

#[test]
fn a_vendor_s_budget_counts_all_its_targets_and_each_once() {
    let service = Service::start();
    let api = service.running.api();
    for (number, (provider, vendor, usd)) in (0..).zip([
        ("openai-main", "openai", 1.0),
        ("openai-eu", "openai", 2.0),
        // Its own vendor's name: not twice.
        ("openai", "openai", 4.0),
        ("azure", "azure-openai", 8.0),
    ]) {
        service.deliver(&[decision(
            number,
            "2026-11-21T10:00:00Z",
            json!({"provider": provider, "vendor": vendor, "actual_cost_usd": usd, "instance_id": "i-2"}),
        )]);
    }
    for (name, spent) in [("openai", 7.0), ("openai-main", 1.0), ("azure-openai", 8.0)] {
        let new = NewBudget {
            provider: name.to_owned(),
            ..budget(100.0, BudgetPeriod::Daily)
        };
        assert_eq!(api.create_budget(&new).unwrap().spent_usd, spent, "{name}");
    }
    let state = control(&service, "i-1");
    let told = state["budgets"].as_array().unwrap();
    let openai = told.iter().find(|one| one["provider"] == "openai").unwrap();
    assert_eq!(openai["spent_elsewhere_usd"], 7.0);
}

#[test]
fn a_budget_of_nobody_is_refused_with_the_nearest_names() {
    let service = Service::start();
    let api = service.running.api();
    let named = |name: &str, allow_unknown| NewBudget {
        provider: name.to_owned(),
        allow_unknown,
        ..budget(1.0, BudgetPeriod::Daily)
    };
    // Before the first gateway nobody knows.
    api.create_budget(&named("to-come", false)).unwrap();
    reported(&service, "eu", &[("openai-main", "openai")]);
    reported(&service, "us", &[("bedrock-1", "bedrock")]);
    for known in ["openai-main", "openai", "bedrock"] {
        api.create_budget(&named(known, false)).unwrap();
    }
    let body = json!({"provider": "opneai", "limit_usd": 1, "period": "daily"}).to_string();
    let (status, answer) = service.post("/v1/budgets", API, body.as_bytes());
    assert_eq!(status, 400);
    assert_eq!(
        answer["error"]["message"],
        "provider: no gateway has a target or vendor \"opneai\"; the nearest names are \"openai\", \"openai-main\""
    );
    // A command that opens the store itself knows as much.
    let beside = crate::support::local(service.dir.path());
    assert!(beside.create_budget(&named("opneai", false)).is_err());
    // What is there can be changed, and what is to come be made.
    api.create_budget(&named("to-come", false)).unwrap();
    beside.create_budget(&named("opneai", true)).unwrap();
}

#[test]
fn what_simulated_providers_answer_is_spent_by_nobody() {
    let service = Service::start();
    let api = service.running.api();
    api.create_budget(&budget(10.0, BudgetPeriod::Daily))
        .unwrap();
    let at = "2026-11-21T10:00:00Z";
    service.deliver(&[
        decision(
            1,
            at,
            json!({"actual_cost_usd": 5.0, "simulated": true, "team": "search"}),
        ),
        decision(2, at, json!({"actual_cost_usd": 1.0, "team": "search"})),
    ]);
    assert_eq!(api.budgets().unwrap()[0].spent_usd, 1.0);
    for (query, expected) in [
        (
            "simulated=false",
            json!({"team": "search", "total_cost": 1.0}),
        ),
        (
            "simulated=true",
            json!({"team": "search", "total_cost": 5.0}),
        ),
        ("team=search", json!({"team": "search", "total_cost": 6.0})),
    ] {
        let (_, report) = service.get(
            &format!("/v1/events?{query}&group_by=team&metrics=total_cost"),
            API,
        );
        assert_eq!(report["data"], json!([expected]), "{query}");
    }
}
