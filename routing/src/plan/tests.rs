#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use policy::{
    CostSettings, Failover, GroupId, LatencySettings, Policy, Price, Strategy, TargetId, Unpriced,
};
use proptest::prelude::{Just, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::fixture::Fixture;
use crate::health::{Outcome, ProbeResult, Signal};
use crate::plan_error::{ExclusionReason, PlanError};
use crate::random::Random;
use crate::request::Request;
use crate::state::StrategyState;
use crate::testing::{group, member, one_group, policy, target, weighted};

/// Seed 003: two vendors, `model_mapping`, no groups.
fn tutorial() -> Policy {
    let mut document = policy(
        vec![
            target("openai-primary", providers::OPENAI),
            target("anthropic-fallback", providers::ANTHROPIC),
        ],
        vec![],
    );
    document.failover.max_attempts = Some(1);
    for model in ["gpt-4o-mini", "gpt-4o"] {
        document
            .failover
            .model_mapping
            .insert(model.to_owned(), String::from("claude-sonnet-4-20250514"));
    }
    document
}

/// Seed 001: a failover chain over three vendors.
fn reliable_chat() -> Policy {
    policy(
        vec![
            target("openai", providers::OPENAI),
            target("anthropic", providers::ANTHROPIC),
            target("local-ollama", providers::OLLAMA),
        ],
        vec![group(
            "reliable-chat",
            Strategy::Failover,
            vec![
                member(0, "gpt-4o"),
                member(1, "claude-sonnet-4"),
                member(2, "llama3.1"),
            ],
        )],
    )
}

/// Seed 002: aliases and a fallback group.
fn production() -> Policy {
    let mut targets = vec![
        target("openai-main", providers::OPENAI),
        target("azure-secondary", providers::AZURE_OPENAI),
        target("anthropic-last-resort", providers::ANTHROPIC),
    ];
    for (target, model) in targets.iter_mut().zip([
        "gpt-5.4-mini",
        "gpt-5.4-mini-mini",
        "claude-3-5-sonnet-20241022",
    ]) {
        target.model = Some(model.to_owned());
    }
    let mut main = group(
        "production-llm",
        Strategy::WeightedRoundRobin,
        vec![weighted(0, "", 7), weighted(1, "", 3)],
    );
    main.aliases = vec![String::from("gpt-5.4-mini")];
    main.fallback_group = Some(GroupId(1));
    let backup = group(
        "backup-llm",
        Strategy::WeightedRoundRobin,
        vec![member(2, "")],
    );
    policy(targets, vec![main, backup])
}

#[test]
fn the_tutorial_serves_the_primary_and_maps_the_model_for_the_fallback() {
    let mut fixture = Fixture::new(tutorial());
    assert_eq!(
        fixture.served("gpt-4o-mini"),
        [
            "openai-primary/gpt-4o-mini",
            "anthropic-fallback/claude-sonnet-4-20250514"
        ]
    );
    fixture.take_down(0);
    assert_eq!(
        fixture.served("gpt-4o-mini"),
        ["anthropic-fallback/claude-sonnet-4-20250514"]
    );
}

#[test]
fn a_model_that_is_no_group_goes_to_who_names_it_then_to_its_vendor_then_down_the_order() {
    for (model, expected) in [
        // Named by a member of the group.
        (
            "llama3.1",
            vec![
                "local-ollama/llama3.1",
                "openai/llama3.1",
                "anthropic/llama3.1",
            ],
        ),
        // Named by one target; the vendor's second, by family.
        (
            "claude-3-haiku-20240307",
            vec![
                "anthropic/claude-3-haiku-20240307",
                "openai/claude-3-haiku-20240307",
                "local-ollama/claude-3-haiku-20240307",
            ],
        ),
        (
            "gpt-4o-mini",
            vec![
                "openai/gpt-4o-mini",
                "anthropic/gpt-4o-mini",
                "local-ollama/gpt-4o-mini",
            ],
        ),
    ] {
        assert_eq!(Fixture::new(reliable_chat()).served(model), expected);
    }
}

#[test]
fn the_vendors_own_target_serves_before_one_that_uses_the_same_names() {
    let document = policy(
        vec![
            target("azure", providers::AZURE_OPENAI),
            target("anthropic", providers::ANTHROPIC),
            target("openai", providers::OPENAI),
        ],
        vec![],
    );
    assert_eq!(
        Fixture::new(document).served("gpt-4o"),
        ["openai/gpt-4o", "azure/gpt-4o", "anthropic/gpt-4o"]
    );
}

#[test]
fn mapped_names_go_to_targets_that_do_not_know_the_clients_model() {
    let mut document = policy(
        vec![
            target("openai", providers::OPENAI),
            target("openai-eu", providers::OPENAI),
            target("anthropic", providers::ANTHROPIC),
            target("vllm", providers::VLLM),
        ],
        vec![],
    );
    document.targets[3].model = Some(String::from("qwen3"));
    document
        .failover
        .model_mapping
        .insert(String::from("gpt-4o"), String::from("claude-sonnet-4"));
    document
        .failover
        .model_mapping
        .insert(String::from("o3"), String::from("gpt-4o-mini"));
    document
        .failover
        .model_mapping
        .insert(String::from("house-model"), String::from("gpt-4o"));
    document.targets[2]
        .model_mapping
        .insert(String::from("o3"), String::from("claude-opus-4"));
    let mut fixture = Fixture::new(document);
    assert_eq!(
        fixture.served("gpt-4o"),
        [
            "openai/gpt-4o",
            "openai-eu/gpt-4o",
            "anthropic/claude-sonnet-4",
            "vllm/qwen3"
        ]
    );
    // The second account of the same vendor takes the smaller model that the user configured; a target's own mapping
    // has precedence.
    assert_eq!(
        fixture.served("o3"),
        [
            "openai/o3",
            "openai-eu/gpt-4o-mini",
            "anthropic/claude-opus-4",
            "vllm/qwen3"
        ]
    );
    // Unknown to every target, but mapped.
    assert_eq!(
        fixture.served("house-model"),
        [
            "openai/gpt-4o",
            "openai-eu/gpt-4o",
            "anthropic/gpt-4o",
            "vllm/qwen3"
        ]
    );
}

#[test]
fn an_unknown_model_is_refused_with_the_groups() {
    let refusal = Fixture::new(reliable_chat()).plan(&Request::for_model("reliable-chatt"));
    assert_eq!(
        refusal,
        Err(PlanError::UnknownModel {
            model: String::from("reliable-chatt"),
            known: vec![String::from("reliable-chat")]
        })
    );
    let refusal = Fixture::new(tutorial()).plan(&Request::for_model("no-such-model"));
    assert!(
        matches!(refusal, Err(PlanError::UnknownModel { known, .. }) if known == ["gpt-4o", "gpt-4o-mini"])
    );
}

#[test]
fn a_policy_without_groups_passes_names_on_to_servers_whose_users_name_models() {
    let document = policy(
        vec![
            target("openai", providers::OPENAI),
            target("vllm", providers::VLLM),
        ],
        vec![],
    );
    assert_eq!(
        Fixture::new(document).served("our-finetune"),
        ["vllm/our-finetune", "openai/our-finetune"]
    );
}

#[test]
fn an_alias_leads_to_its_group_and_the_fallback_groups_plan_follows() {
    let mut fixture = Fixture::new(production());
    for model in ["production-llm", "gpt-5.4-mini"] {
        assert_eq!(
            fixture.served(model),
            [
                "openai-main/gpt-5.4-mini",
                "azure-secondary/gpt-5.4-mini-mini",
                "anthropic-last-resort/claude-3-5-sonnet-20241022"
            ]
        );
        fixture.worker = StrategyState::default();
    }
    fixture.take_down(0);
    fixture.take_down(1);
    assert_eq!(
        fixture.served("production-llm"),
        ["anthropic-last-resort/claude-3-5-sonnet-20241022"]
    );
}

#[test]
fn a_plan_has_as_many_entries_as_failover_allows() {
    let cases = [
        (Failover::default(), 3),
        (
            Failover {
                max_attempts: Some(1),
                ..Failover::default()
            },
            2,
        ),
        (
            Failover {
                max_attempts: Some(0),
                ..Failover::default()
            },
            1,
        ),
        (
            Failover {
                enabled: false,
                ..Failover::default()
            },
            1,
        ),
    ];
    for (failover, expected) in cases {
        let mut document = reliable_chat();
        document.failover = failover;
        assert_eq!(
            Fixture::new(document).served("reliable-chat").len(),
            expected
        );
    }
}

#[test]
fn the_same_provider_may_come_twice_with_two_models_but_no_pair_twice() {
    let members = vec![
        member(0, "gpt-4o"),
        member(0, "gpt-4o-mini"),
        member(0, "gpt-4o"),
    ];
    let document = policy(
        vec![target("openai", providers::OPENAI)],
        vec![group("g", Strategy::Failover, members)],
    );
    assert_eq!(
        Fixture::new(document).served("g"),
        ["openai/gpt-4o", "openai/gpt-4o-mini"]
    );
}

#[test]
fn single_has_one_entry_and_waits_for_its_member() {
    let mut fixture = Fixture::new(one_group(3, Strategy::Single));
    assert_eq!(fixture.served("g"), ["t0/m0"]);
    fixture.take_down(0);
    assert!(matches!(
        fixture.plan(&Request::for_model("g")),
        Err(PlanError::NothingAvailable { .. })
    ));
}

#[test]
fn who_cannot_serve_is_left_out_with_a_reason() {
    let mut document = one_group(7, Strategy::Failover);
    document.targets[5].endpoint_variable = Some(String::from("AZURE_OPENAI_ENDPOINT"));
    let mut fixture = Fixture::new(document);
    fixture.take_down(0);
    fixture.signal(
        1,
        Signal::Attempt(Outcome::RateLimited {
            retry_after_ms: Some(60_000),
        }),
    );
    fixture.signal(2, Signal::Credential { present: false });
    fixture.over_budget = vec![TargetId(3)];
    let request = Request {
        can_serve: &|target| target != TargetId(4),
        ..Request::for_model("g")
    };
    let plan = fixture.plan(&request).unwrap();
    assert_eq!(fixture.names(&plan), ["t6/m6"]);
    let reasons: Vec<&str> = plan
        .excluded
        .iter()
        .map(|excluded| excluded.reason.name())
        .collect();
    assert_eq!(
        reasons,
        [
            "unhealthy",
            "cooling_down",
            "credential_missing",
            "provider_budget",
            "unsupported",
            "endpoint_missing"
        ]
    );
}

/// The second of three members has a price; the models of the others are nobody's that the catalogue knows.
fn one_priced() -> Policy {
    let mut document = one_group(3, Strategy::Failover);
    document.groups[0].members[1].price = Some(Price {
        input_per_1k: 0.01,
        output_per_1k: 0.03,
        cached_input_per_1k: None,
        cache_write_per_1k: None,
        tiers: &[],
    });
    document
}

#[test]
fn under_a_budget_only_what_has_a_price_serves_unless_the_policy_says_otherwise() {
    let all = [TargetId(0), TargetId(1), TargetId(2)];
    for (unpriced, budgeted, expected) in [
        (Unpriced::Refuse, &all[..], &["t1/m1"][..]),
        (Unpriced::Refuse, &all[2..], &["t0/m0", "t1/m1"]),
        (Unpriced::Refuse, &[], &["t0/m0", "t1/m1", "t2/m2"]),
        (Unpriced::WorstKnown, &all, &["t0/m0", "t1/m1", "t2/m2"]),
        (Unpriced::Ignore, &all, &["t0/m0", "t1/m1", "t2/m2"]),
    ] {
        let mut document = one_priced();
        document.gateway.unpriced = unpriced;
        let mut fixture = Fixture::new(document);
        fixture.budgeted = budgeted.to_vec();
        let plan = fixture.plan(&Request::for_model("g")).unwrap();
        assert_eq!(fixture.names(&plan), expected, "{unpriced:?} {budgeted:?}");
        let excluded = plan.excluded.iter().map(|one| one.reason.name());
        assert!(excluded.clone().all(|reason| reason == "unpriced"));
        assert_eq!(excluded.count(), 3 - expected.len());
    }
}

#[test]
fn where_nothing_has_a_price_the_refusal_names_a_model_and_the_remedy() {
    let mut document = one_priced();
    document.groups[0].members.remove(1);
    let mut fixture = Fixture::new(document);
    fixture.budgeted = vec![TargetId(0), TargetId(2)];
    let refusal = fixture.plan(&Request::for_model("g")).unwrap_err();
    assert_eq!(
        refusal.answer(),
        (429, "budget_exceeded", "budget_exceeded")
    );
    assert_eq!(
        refusal.to_string(),
        "a budget has to be kept, and no price is known for model \"m0\": give it one in the policy, or set `unpriced`"
    );
}

#[test]
fn when_all_are_out_the_client_learns_when_the_first_may_be_back() {
    let mut fixture = Fixture::new(one_group(2, Strategy::Failover));
    for (target, wait) in [(0, 9_000), (1, 4_000)] {
        fixture.signal(
            target,
            Signal::Attempt(Outcome::RateLimited {
                retry_after_ms: Some(wait),
            }),
        );
    }
    let refusal = fixture.plan(&Request::for_model("g")).unwrap_err();
    assert!(matches!(
        refusal,
        PlanError::RateLimited {
            retry_after_ms: 4_000,
            ..
        }
    ));
    assert_eq!(refusal.answer().0, 429);
    let reasons: Vec<_> = refusal
        .excluded()
        .iter()
        .map(|one| (one.target, one.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            (TargetId(0), ExclusionReason::RateLimited),
            (TargetId(1), ExclusionReason::RateLimited)
        ]
    );
}

#[test]
fn a_wait_is_the_answer_where_nobody_else_could_come_back() {
    let limited = Signal::Attempt(Outcome::RateLimited {
        retry_after_ms: Some(4_000),
    });
    // Who has no key does not come back by itself; who is down may.
    let mut fixture = Fixture::new(one_group(2, Strategy::Failover));
    fixture.signal(0, Signal::Credential { present: false });
    fixture.signal(1, limited);
    let refusal = fixture.plan(&Request::for_model("g")).unwrap_err();
    assert!(
        matches!(refusal, PlanError::RateLimited { .. }),
        "{refusal:?}"
    );
    let mut fixture = Fixture::new(one_group(2, Strategy::Failover));
    fixture.take_down(0);
    fixture.signal(1, limited);
    let refusal = fixture.plan(&Request::for_model("g")).unwrap_err();
    assert!(
        matches!(refusal, PlanError::NothingAvailable { .. }),
        "{refusal:?}"
    );
}

#[test]
fn fail_open_tries_the_one_that_is_back_first_but_never_one_without_a_key() {
    let mut document = one_group(3, Strategy::Failover);
    document.groups[0].fail_open = true;
    let mut fixture = Fixture::new(document);
    fixture.signal(0, Signal::Credential { present: false });
    fixture.take_down(1);
    fixture.signal(
        2,
        Signal::Attempt(Outcome::RateLimited {
            retry_after_ms: Some(1_000),
        }),
    );
    let plan = fixture.plan(&Request::for_model("g")).unwrap();
    assert_eq!(fixture.names(&plan), ["t2/m2"]);
    assert!(plan.fail_open);
    assert_eq!(plan.excluded.len(), 2);
    fixture.signal(2, Signal::Credential { present: false });
    fixture.signal(1, Signal::Credential { present: false });
    assert!(matches!(
        fixture.plan(&Request::for_model("g")),
        Err(PlanError::NothingAvailable { .. })
    ));
}

#[test]
fn a_spent_provider_budget_is_a_budget_refusal_and_a_missing_ability_the_clients_fault() {
    let mut fixture = Fixture::new(one_group(2, Strategy::Failover));
    fixture.over_budget = vec![TargetId(0), TargetId(1)];
    assert!(matches!(
        fixture.plan(&Request::for_model("g")),
        Err(PlanError::BudgetExceeded { .. })
    ));
    let nobody_can = Request {
        can_serve: &|_| false,
        ..Request::for_model("g")
    };
    assert!(matches!(
        fixture.plan(&nobody_can),
        Err(PlanError::Unsupported { .. })
    ));
}

#[test]
fn a_key_is_checked_against_the_group_not_the_alias() {
    let mut fixture = Fixture::new(production());
    let only = |allowed: &'static str| move |name: &str| name == allowed;
    let for_group = only("production-llm");
    let request = Request {
        allows: Some(&for_group),
        ..Request::for_model("gpt-5.4-mini")
    };
    assert!(fixture.plan(&request).is_ok());
    let for_other = only("backup-llm");
    let request = Request {
        allows: Some(&for_other),
        ..Request::for_model("gpt-5.4-mini")
    };
    assert!(matches!(
        fixture.plan(&request),
        Err(PlanError::NotAllowed { .. })
    ));
}

#[test]
fn a_half_open_head_is_a_trial_and_others_go_elsewhere_once_all_trials_are_under_way() {
    let mut document = one_group(2, Strategy::Failover);
    document.targets[0].health_check.enabled = false;
    let mut fixture = Fixture::new(document);
    fixture.take_down(0);
    fixture.now_ms += 30_000;
    for _ in 0..3 {
        let plan = fixture.plan(&Request::for_model("g")).unwrap();
        assert!(plan.primary_is_half_open);
        assert_eq!(fixture.names(&plan), ["t0/m0", "t1/m1"]);
        fixture.signal(0, Signal::HalfOpenRequestStarted);
    }
    let plan = fixture.plan(&Request::for_model("g")).unwrap();
    assert_eq!(fixture.names(&plan), ["t1/m1"]);
    assert_eq!(
        plan.excluded[0].reason,
        ExclusionReason::HalfOpenLimitReached
    );
}

#[test]
fn a_recovered_primary_gets_the_next_request_at_once_but_not_the_whole_crowd() {
    let mut fixture = Fixture::new(one_group(2, Strategy::Failover));
    fixture.take_down(0);
    for _ in 0..2 {
        fixture.signal(0, Signal::Probe(ProbeResult::Success { latency_ms: 5 }));
    }
    let heads = |fixture: &mut Fixture, count: usize| {
        (0..count)
            .filter(|_| fixture.served("g")[0] == "t0/m0")
            .count()
    };
    assert_eq!(heads(&mut fixture, 1), 1);
    // 100 requests in the first second: 3 free, then a tenth.
    let first = heads(&mut fixture, 99) + 1;
    assert!((10..=15).contains(&first), "{first}");
    fixture.now_ms += 5_000;
    let half = heads(&mut fixture, 100);
    assert!((50..=55).contains(&half), "{half}");
    fixture.now_ms += 5_000;
    assert_eq!(heads(&mut fixture, 100), 100);
}

fn any_strategy() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop_oneof![
        Just(Strategy::Failover),
        Just(Strategy::Weighted),
        Just(Strategy::WeightedRoundRobin),
        Just(Strategy::RoundRobin),
        Just(Strategy::Random),
        Just(Strategy::Latency(LatencySettings::default())),
        Just(Strategy::HighestThroughput(LatencySettings::default())),
        Just(Strategy::Cost(CostSettings::default())),
    ]
}

proptest! {
    #[test]
    fn a_plan_never_holds_an_excluded_target_never_repeats_and_covers_the_group(
        strategy in any_strategy(),
        weights in proptest::collection::vec(0_u32..100, 1..12),
        out in proptest::collection::vec(0_u8..5, 12),
        sticky: bool,
        conversation: Option<u64>,
        seed: u64,
        backups in 0_usize..4,
    ) {
        let mut document = one_group(weights.len() + backups, strategy);
        let split = document.groups[0].members.split_off(weights.len());
        for (member, weight) in document.groups[0].members.iter_mut().zip(&weights) {
            member.weight = Some(*weight);
        }
        document.groups[0].session_affinity = sticky;
        if !split.is_empty() {
            document.groups.push(group("backup", Strategy::RoundRobin, split));
            document.groups[0].fallback_group = Some(GroupId(1));
        }
        let count = document.targets.len();
        let mut fixture = Fixture::new(document);
        fixture.random = Random::seeded(seed);
        for (target, kind) in out.iter().enumerate().take(count) {
            match kind {
                0 => fixture.take_down(target),
                1 => fixture.over_budget.push(TargetId(target)),
                _ => {}
            }
        }
        let able: Vec<usize> = (0..count).filter(|&target| out.get(target).is_none_or(|&kind| kind > 1)).collect();
        let request = Request {
            conversation: conversation.map(crate::affinity::ConversationId),
            ..Request::for_model("g")
        };
        match fixture.plan(&request) {
            Ok(plan) => {
                let mut planned: Vec<usize> = plan.attempts.iter().map(|attempt| attempt.target.0).collect();
                // The primary comes from the first group if any of its members can serve.
                if able.iter().any(|&target| target < weights.len()) {
                    prop_assert!(planned[0] < weights.len());
                }
                // After each group's primary, failover order.
                let main: Vec<usize> = planned.iter().copied().filter(|&target| target < weights.len()).collect();
                prop_assert!(main.iter().skip(1).is_sorted());
                planned.sort_unstable();
                prop_assert_eq!(&planned, &able);
                for excluded in &plan.excluded {
                    prop_assert!(!planned.contains(&excluded.target.0));
                }
                prop_assert_eq!(plan.excluded.len() + planned.len(), count);
            }
            Err(_) => prop_assert!(able.is_empty()),
        }
    }
}
