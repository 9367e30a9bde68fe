#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::{Provider, providers};

use policy::{CostSettings, GroupId, LatencySettings, Price, Strategy, TargetId};

use super::super::fixture::Fixture;
use crate::affinity::ConversationId;
use crate::health::Signal;
use crate::latency::{LatencySnapshot, LocalWindow, Sample};
use crate::plan_error::PlanError;
use crate::request::Request;
use crate::testing::{group, member, one_group, policy, target, weighted};

/// Ids of the preferred targets of this many plans for the group `g`; `-` for none.
fn preferred(fixture: &mut Fixture, plans: usize) -> Vec<String> {
    (0..plans)
        .map(|_| passed_over_for(fixture, &Request::for_model("g")))
        .collect()
}

fn passed_over_for(fixture: &mut Fixture, request: &Request<'_>) -> String {
    let plan = fixture.plan(request).unwrap();
    plan.preferred.map_or(String::from("-"), |excluded| {
        format!("t{}", excluded.target.0)
    })
}

fn share(of: &[String], id: &str) -> usize {
    of.iter().filter(|one| *one == id).count()
}

#[test]
fn nobody_is_passed_over_while_all_can_serve() {
    for strategy in [
        Strategy::Failover,
        Strategy::Single,
        Strategy::RoundRobin,
        Strategy::Weighted,
        Strategy::Random,
        Strategy::Latency(LatencySettings::default()),
    ] {
        let mut fixture = Fixture::new(one_group(3, strategy));
        assert_eq!(share(&preferred(&mut fixture, 20), "-"), 20);
    }
}

#[test]
fn the_first_of_a_failover_group_is_passed_over_and_nobody_behind_the_head() {
    let mut fixture = Fixture::new(one_group(3, Strategy::Failover));
    fixture.take_down(1);
    assert_eq!(preferred(&mut fixture, 1), ["-"], "the head serves");
    fixture.take_down(0);
    assert_eq!(preferred(&mut fixture, 1), ["t0"]);
    let plan = fixture.plan(&Request::for_model("g")).unwrap();
    let excluded = plan.preferred.unwrap();
    assert_eq!(
        (&*excluded.model, excluded.reason.name()),
        ("m0", "unhealthy")
    );
}

#[test]
fn budget_and_credential_count_as_health_does_and_inability_does_not() {
    let mut fixture = Fixture::new(one_group(2, Strategy::Failover));
    fixture.over_budget = vec![TargetId(0)];
    assert_eq!(preferred(&mut fixture, 1), ["t0"]);
    let mut fixture = Fixture::new(one_group(2, Strategy::Failover));
    fixture.signal(0, Signal::Credential { present: false });
    assert_eq!(preferred(&mut fixture, 1), ["t0"]);
    let mut fixture = Fixture::new(one_group(2, Strategy::Failover));
    let request = Request {
        can_serve: &|target| target != TargetId(0),
        ..Request::for_model("g")
    };
    assert_eq!(passed_over_for(&mut fixture, &request), "-");
}

#[test]
fn a_rotation_passes_the_absent_over_as_often_as_its_turn_comes() {
    let mut fixture = Fixture::new(one_group(3, Strategy::RoundRobin));
    fixture.take_down(1);
    assert_eq!(preferred(&mut fixture, 6), ["-", "t1", "-", "-", "t1", "-"]);
    let mut heavy = one_group(2, Strategy::WeightedRoundRobin);
    heavy.groups[0].members[0].weight = Some(3);
    let mut fixture = Fixture::new(heavy);
    fixture.take_down(0);
    assert_eq!(share(&preferred(&mut fixture, 400), "t0"), 300);
}

#[test]
fn what_would_have_been_does_not_change_what_is() {
    let heads = |excluded: bool| {
        let mut document = one_group(4, Strategy::RoundRobin);
        // A member that is out permanently, or one that does not exist.
        if !excluded {
            document.groups[0].members.remove(3);
        }
        let mut fixture = Fixture::new(document);
        if excluded {
            fixture.take_down(3);
        }
        (0..12)
            .map(|_| fixture.served("g").remove(0))
            .collect::<Vec<_>>()
    };
    assert_eq!(heads(true), heads(false));
}

#[test]
fn by_chance_the_absent_is_passed_over_for_its_share() {
    let mut document = one_group(3, Strategy::Weighted);
    for (member, weight) in document.groups[0].members.iter_mut().zip([70, 20, 10]) {
        member.weight = Some(weight);
    }
    let mut fixture = Fixture::new(document);
    fixture.take_down(0);
    let count = share(&preferred(&mut fixture, 2_000), "t0");
    // Standard deviation of the count is sqrt(2000 × 0.7 × 0.3) = 20.5.
    assert!(count.abs_diff(1_400) < 4 * 21, "{count}");
}

#[test]
fn a_conversation_whose_member_is_absent_passes_it_over_every_time() {
    let mut document = one_group(3, Strategy::RoundRobin);
    document.groups[0].session_affinity = true;
    let mut fixture = Fixture::new(document);
    let request = |id| Request {
        conversation: Some(ConversationId(id)),
        ..Request::for_model("g")
    };
    let home = |fixture: &mut Fixture, id| fixture.plan(&request(id)).unwrap().attempts[0].target.0;
    let homes: Vec<usize> = (0..30).map(|id| home(&mut fixture, id)).collect();
    fixture.take_down(1);
    for (id, home) in (0..).zip(homes) {
        let expected = if home == 1 { "t1" } else { "-" };
        assert_eq!(passed_over_for(&mut fixture, &request(id)), expected);
    }
}

#[test]
fn the_fastest_is_passed_over_when_it_is_absent() {
    let mut fixture = Fixture::new(one_group(3, Strategy::Latency(LatencySettings::default())));
    let mut window = LocalWindow::default();
    for (member, latency_ms) in [(0, 300), (1, 50), (2, 200)] {
        for _ in 0..20 {
            let sample = Sample::Success {
                latency_ms,
                throughput: None,
            };
            window.record(fixture.deployment(member), sample, fixture.now_ms);
        }
    }
    fixture.latency =
        LatencySnapshot::decode(&window.merge_into(&[], fixture.now_ms), fixture.now_ms);
    assert_eq!(preferred(&mut fixture, 1), ["-"]);
    fixture.take_down(0);
    assert_eq!(
        preferred(&mut fixture, 1),
        ["-"],
        "it would not have been the head"
    );
    fixture.take_down(1);
    assert_eq!(preferred(&mut fixture, 2), ["t1", "t1"]);
}

#[test]
fn the_cheapest_is_passed_over_when_it_is_absent() {
    let mut document = one_group(2, Strategy::Cost(CostSettings::default()));
    for (member, dollars) in document.groups[0].members.iter_mut().zip([9.0, 1.0]) {
        member.price = Some(Price {
            input_per_1k: dollars,
            output_per_1k: dollars,
            cached_input_per_1k: None,
            cache_write_per_1k: None,
            tiers: &[],
        });
    }
    let mut fixture = Fixture::new(document);
    assert_eq!(fixture.served("g"), ["t1/m1", "t0/m0"]);
    fixture.take_down(1);
    assert_eq!(preferred(&mut fixture, 1), ["t1"]);
}

#[test]
fn a_whole_group_is_passed_over_for_its_fallback_group() {
    let targets = (0..3)
        .map(|number| target(&format!("t{number}"), Provider::COMPATIBLE))
        .collect();
    let mut main = group(
        "g",
        Strategy::Weighted,
        vec![weighted(0, "a", 1), weighted(1, "b", 99)],
    );
    main.fallback_group = Some(GroupId(1));
    let backup = group("backup", Strategy::Failover, vec![member(2, "c")]);
    let mut fixture = Fixture::new(policy(targets, vec![main, backup]));
    fixture.take_down(0);
    fixture.take_down(1);
    let seen = preferred(&mut fixture, 200);
    assert_eq!(share(&seen, "-"), 0);
    assert!(share(&seen, "t1") > 180, "{seen:?}");
}

#[test]
fn who_serves_after_all_is_not_passed_over() {
    let mut document = one_group(1, Strategy::Failover);
    document.groups[0].fail_open = true;
    let mut fixture = Fixture::new(document);
    fixture.take_down(0);
    assert_eq!(preferred(&mut fixture, 1), ["-"]);
    let mut fixture = Fixture::new(one_group(1, Strategy::Single));
    fixture.take_down(0);
    assert!(matches!(
        fixture.plan(&Request::for_model("g")),
        Err(PlanError::NothingAvailable { .. })
    ));
}

#[test]
fn a_model_that_is_no_group_passes_its_vendors_target_over() {
    let document = policy(
        vec![
            target("t0", providers::OPENAI),
            target("t1", providers::ANTHROPIC),
        ],
        vec![],
    );
    let mut fixture = Fixture::new(document);
    fixture.take_down(0);
    assert_eq!(
        passed_over_for(&mut fixture, &Request::for_model("gpt-4o")),
        "t0"
    );
    assert_eq!(
        passed_over_for(&mut fixture, &Request::for_model("claude-sonnet-4")),
        "-"
    );
}
