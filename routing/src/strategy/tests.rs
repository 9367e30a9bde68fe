#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use policy::{Strategy, TargetId};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use crate::affinity::{ConversationId, conversation_id};
use crate::health::{Outcome, Signal};
use crate::plan::fixture::Fixture;
use crate::request::Request;
use crate::testing::{group, one_group, policy, target, weighted};

fn experiment(strategy: Strategy, weights: &[u32]) -> Fixture {
    let mut document = one_group(weights.len(), strategy);
    for (member, weight) in document.groups[0].members.iter_mut().zip(weights) {
        member.weight = Some(*weight);
    }
    Fixture::new(document)
}

/// How often each target is the primary of `count` plans.
fn heads(fixture: &mut Fixture, count: usize) -> Vec<usize> {
    let mut counts = vec![0; fixture.index.policy().targets.len()];
    for _ in 0..count {
        let plan = fixture.plan(&Request::for_model("g")).unwrap();
        counts[plan.attempts[0].target.0] += 1;
    }
    counts
}

fn head_of(fixture: &mut Fixture, conversation: u64) -> TargetId {
    let request = Request {
        conversation: Some(ConversationId(conversation)),
        ..Request::for_model("g")
    };
    fixture.plan(&request).unwrap().attempts[0].target
}

/// Within three standard deviations of a binomial share.
fn is_fair(count: usize, total: usize, percent: f64) -> bool {
    let (total, share) = (total as f64, percent / 100.0);
    (count as f64 - total * share).abs() <= 3.0 * (total * share * (1.0 - share)).sqrt()
}

#[test]
fn weighted_shares_are_those_configured() {
    let mut fixture = experiment(Strategy::Weighted, &[80, 15, 5]);
    let counts = heads(&mut fixture, 20_000);
    for (count, percent) in counts.iter().zip([80.0, 15.0, 5.0]) {
        assert!(is_fair(*count, 20_000, percent), "{counts:?}");
    }
}

#[test]
fn weighted_spreads_a_missing_members_share_in_proportion() {
    let mut fixture = experiment(Strategy::Weighted, &[80, 15, 5]);
    fixture.take_down(0);
    let counts = heads(&mut fixture, 20_000);
    assert_eq!(counts[0], 0);
    assert!(is_fair(counts[1], 20_000, 75.0), "{counts:?}");
    fixture.take_down(1);
    fixture.take_down(2);
    assert!(fixture.plan(&Request::for_model("g")).is_err());
}

#[test]
fn a_member_without_weight_serves_only_when_nobody_else_can() {
    let mut fixture = experiment(Strategy::Weighted, &[100, 0, 0]);
    assert_eq!(heads(&mut fixture, 1_000), [1_000, 0, 0]);
    fixture.take_down(0);
    let counts = heads(&mut fixture, 10_000);
    assert!(is_fair(counts[1], 10_000, 50.0), "{counts:?}");
}

#[test]
fn weighted_round_robin_is_exact_over_each_cycle_and_smooth_within() {
    let mut fixture = experiment(Strategy::WeightedRoundRobin, &[7, 3]);
    for _ in 0..5 {
        assert_eq!(heads(&mut fixture, 10), [7, 3]);
    }
    // Smooth: never more than three in a row of the one with 7 of 10.
    let order: Vec<usize> = (0..30)
        .map(|_| {
            fixture.plan(&Request::for_model("g")).unwrap().attempts[0]
                .target
                .0
        })
        .collect();
    assert!(order.windows(4).all(|run| run.contains(&1)), "{order:?}");
    fixture.take_down(0);
    assert_eq!(heads(&mut fixture, 10), [0, 10]);
}

#[test]
fn round_robin_ignores_weights_and_skips_who_is_out() {
    let mut fixture = experiment(Strategy::RoundRobin, &[9, 1, 1]);
    assert_eq!(heads(&mut fixture, 9), [3, 3, 3]);
    fixture.take_down(1);
    assert_eq!(heads(&mut fixture, 10), [5, 0, 5]);
}

#[test]
fn random_is_uniform() {
    let mut fixture = experiment(Strategy::Random, &[90, 5, 5]);
    let counts = heads(&mut fixture, 30_000);
    assert!(
        counts
            .iter()
            .all(|&count| is_fair(count, 30_000, 100.0 / 3.0)),
        "{counts:?}"
    );
}

#[test]
fn the_default_strategy_spreads_models_that_are_no_group_among_the_best_fit_only() {
    let mut document = policy(
        vec![
            target("openai-eu", providers::OPENAI),
            target("anthropic", providers::ANTHROPIC),
            target("openai-us", providers::OPENAI),
        ],
        vec![],
    );
    document.default_strategy = Strategy::RoundRobin;
    let mut fixture = Fixture::new(document);
    let mut served = Vec::new();
    for _ in 0..2 {
        served.push(fixture.served("gpt-4o"));
    }
    assert_eq!(
        served,
        [
            ["openai-eu/gpt-4o", "openai-us/gpt-4o", "anthropic/gpt-4o"],
            ["openai-us/gpt-4o", "openai-eu/gpt-4o", "anthropic/gpt-4o"]
        ]
    );
}

#[test]
fn affinity_keeps_the_configured_shares() {
    let mut fixture = experiment(Strategy::Weighted, &[80, 15, 5]);
    let mut document = (**fixture.index.policy()).clone();
    document.groups[0].session_affinity = true;
    fixture = Fixture::new(document);
    let mut counts = [0_usize; 3];
    for conversation in 0..20_000_u64 {
        let id = conversation_id(&[b"key", &conversation.to_le_bytes()]);
        counts[head_of(&mut fixture, id.0).0] += 1;
    }
    for (count, percent) in counts.iter().zip([80.0, 15.0, 5.0]) {
        assert!(is_fair(*count, 20_000, percent), "{counts:?}");
    }
}

#[test]
fn affinity_needs_the_group_to_ask_for_it_and_a_conversation() {
    let mut fixture = experiment(Strategy::RoundRobin, &[1, 1]);
    assert_ne!(head_of(&mut fixture, 1), head_of(&mut fixture, 1));
    let mut document = (**fixture.index.policy()).clone();
    document.groups[0].session_affinity = true;
    let mut fixture = Fixture::new(document);
    assert_eq!(head_of(&mut fixture, 1), head_of(&mut fixture, 1));
    assert_eq!(heads(&mut fixture, 4), [2, 2]);
}

/// These values must never change: other instances and older versions of the gateway decide the same way. Computed by a
/// second implementation in Python (`xxhash`, `math.log`).
#[test]
fn affinity_is_the_same_on_every_machine_and_in_every_version() {
    let mut document = one_group(3, Strategy::Weighted);
    document.groups[0].session_affinity = true;
    for (member, weight) in document.groups[0].members.iter_mut().zip([50, 30, 20]) {
        member.weight = Some(weight);
    }
    let mut fixture = Fixture::new(document);
    let decided: Vec<usize> = (0..16)
        .map(|conversation| head_of(&mut fixture, conversation).0)
        .collect();
    assert_eq!(decided, [2, 2, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(
        conversation_id(&[b"kt_gk_1", b"You are helpful.", b"Hello"]),
        ConversationId(0x8e0e_27c6_0bb6_89d5)
    );
}

proptest! {
    #[test]
    fn only_the_conversations_of_a_target_that_drops_out_move_and_they_come_back(
        weights in proptest::collection::vec(1_u32..100, 2..8),
        dropped in 0_usize..8,
        conversations in proptest::collection::vec(0_u64.., 50),
    ) {
        let mut document = one_group(weights.len(), Strategy::WeightedRoundRobin);
        document.groups[0].session_affinity = true;
        for (member, weight) in document.groups[0].members.iter_mut().zip(&weights) {
            member.weight = Some(*weight);
        }
        let dropped = dropped % weights.len();
        let mut fixture = Fixture::new(document);
        let before: Vec<TargetId> = conversations.iter().map(|&id| head_of(&mut fixture, id)).collect();
        fixture.signal(dropped, Signal::Attempt(Outcome::RateLimited { retry_after_ms: Some(1_000) }));
        for (&conversation, &old) in conversations.iter().zip(&before) {
            let new = head_of(&mut fixture, conversation);
            prop_assert!(new.0 != dropped);
            prop_assert!(new == old || old.0 == dropped);
        }
        fixture.now_ms += 60_000;
        for (&conversation, &old) in conversations.iter().zip(&before) {
            prop_assert_eq!(head_of(&mut fixture, conversation), old);
        }
    }
}

#[test]
fn conversations_come_back_to_a_recovered_target_one_by_one_and_for_good() {
    let mut document = one_group(2, Strategy::Weighted);
    document.groups[0].session_affinity = true;
    let mut fixture = Fixture::new(document);
    let at_home: Vec<u64> = (0..400)
        .filter(|&id| head_of(&mut fixture, id).0 == 0)
        .collect();
    fixture.signal(
        0,
        Signal::Attempt(Outcome::RateLimited {
            retry_after_ms: Some(1_000),
        }),
    );
    fixture.now_ms += 1_000;
    let mut back: Vec<u64> = Vec::new();
    for _ in 0..=10 {
        let now_back: Vec<u64> = at_home
            .iter()
            .copied()
            .filter(|&id| head_of(&mut fixture, id).0 == 0)
            .collect();
        assert!(back.iter().all(|id| now_back.contains(id)));
        assert!(now_back.len() - back.len() < at_home.len() / 4);
        back = now_back;
        fixture.now_ms += 1_000;
    }
    assert_eq!(back, at_home);
}

#[test]
fn tags_and_regions_travel_with_the_entry() {
    let mut document = policy(
        vec![target("a", providers::OPENAI)],
        vec![group("g", Strategy::Weighted, vec![weighted(0, "m", 100)])],
    );
    document.targets[0].region = Some(String::from("us-east"));
    document.groups[0].members[0].tag = Some(String::from("control"));
    let plan = Fixture::new(document)
        .plan(&Request::for_model("g"))
        .unwrap();
    assert_eq!(plan.attempts[0].tag.as_deref(), Some("control"));
    assert_eq!(plan.attempts[0].region.as_deref(), Some("us-east"));
}
