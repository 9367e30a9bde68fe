#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use policy::{CostSettings, OnOverBudget, Policy, Price, Strategy};

use crate::plan::fixture::Fixture;
use crate::plan_error::{ExclusionReason, PlanError};
use crate::request::Request;
use crate::testing::{group, member, policy, target};

fn price(input_per_1k: f64, output_per_1k: f64) -> Option<Price> {
    Some(Price {
        input_per_1k,
        output_per_1k,
        cached_input_per_1k: None,
        cache_write_per_1k: None,
        tiers: &[],
    })
}

/// Seed 001's `cost-optimized`, most expensive first.
fn cost_optimized(settings: CostSettings) -> Policy {
    let mut members = vec![member(0, "gpt-4o"), member(0, "gpt-4o-mini")];
    members[0].price = price(0.0025, 0.01);
    members[1].price = price(0.00015, 0.0006);
    members[1].context_window = Some(8_000);
    policy(
        vec![target("openai", providers::OPENAI)],
        vec![group("cost-optimized", Strategy::Cost(settings), members)],
    )
}

fn one_cent() -> CostSettings {
    CostSettings {
        budget_per_request_usd: Some(0.01),
        ..CostSettings::default()
    }
}

fn of_length(prompt_tokens: u32, max_output_tokens: Option<u32>) -> Request<'static> {
    Request {
        prompt_tokens,
        max_output_tokens,
        ..Request::for_model("cost-optimized")
    }
}

#[test]
fn the_documents_example_goes_to_the_small_model_and_says_what_it_will_cost() {
    let mut fixture = Fixture::new(cost_optimized(one_cent()));
    let plan = fixture.plan(&of_length(1_000, None)).unwrap();
    assert_eq!(
        fixture.names(&plan),
        ["openai/gpt-4o-mini", "openai/gpt-4o"]
    );
    // 1,000 × 0.00015 / 1,000 + 500 × 0.0006 / 1,000
    assert!((plan.estimated_cost_usd.unwrap() - 0.000_45).abs() < 1e-12);
    // 1,000 × 0.0025 / 1,000 + 500 × 0.01 / 1,000
    assert!((plan.attempts[1].estimated_cost_usd.unwrap() - 0.007_5).abs() < 1e-12);
}

#[test]
fn every_answer_that_is_asked_for_costs_and_the_prompt_once() {
    let mut fixture = Fixture::new(cost_optimized(CostSettings::default()));
    let request = Request {
        choices: 10,
        ..of_length(1_000, Some(2_000))
    };
    let plan = fixture.plan(&request).unwrap();
    // 1,000 × 0.00015 / 1,000 + 10 × 2,000 × 0.0006 / 1,000
    assert!((plan.estimated_cost_usd.unwrap() - 0.012_15).abs() < 1e-12);
    // 10 × 1 × 0.0006: within a cent; 10 × 1,700 × 0.0006 / 1,000 is not.
    let mut fixture = Fixture::new(cost_optimized(one_cent()));
    for (output, fits) in [(1, true), (1_700, false)] {
        let request = Request {
            choices: 10,
            ..of_length(1, Some(output))
        };
        assert_eq!(fixture.plan(&request).is_ok(), fits, "{output}");
    }
    // A large number of choices must not make a request look cheaper.
    let request = Request {
        choices: u32::MAX,
        ..of_length(1, Some(u32::MAX))
    };
    assert!(fixture.plan(&request).is_err());
}

#[test]
fn who_is_over_budget_or_too_small_is_left_out() {
    let mut fixture = Fixture::new(cost_optimized(one_cent()));
    for (prompt, output, expected, reason) in [
        // 0.0025 + 0.01 exceeds a cent.
        (
            1_000,
            Some(1_000),
            "openai/gpt-4o-mini",
            ExclusionReason::RequestBudget,
        ),
        // 7,600 + 500 tokens exceed 8,000; 0.0190 + 0.005 would exceed a cent, so raise it.
        (
            7_600,
            Some(100),
            "openai/gpt-4o-mini",
            ExclusionReason::RequestBudget,
        ),
    ] {
        let plan = fixture.plan(&of_length(prompt, output)).unwrap();
        assert_eq!(fixture.names(&plan), [expected]);
        assert_eq!(plan.excluded[0].reason, reason);
    }
    let mut fixture = Fixture::new(cost_optimized(CostSettings {
        budget_per_request_usd: Some(0.05),
        ..CostSettings::default()
    }));
    let plan = fixture.plan(&of_length(7_600, None)).unwrap();
    assert_eq!(fixture.names(&plan), ["openai/gpt-4o"]);
    assert_eq!(plan.excluded[0].reason, ExclusionReason::ContextWindow);
}

#[test]
fn when_nothing_fits_the_request_is_refused_with_the_cheapest_estimate() {
    let mut fixture = Fixture::new(cost_optimized(one_cent()));
    // Exceeds the small model's context window; 10,000 × 0.0025 / 1,000 + 0.005
    let refusal = fixture.plan(&of_length(10_000, None)).unwrap_err();
    let PlanError::BudgetExceeded {
        cheapest_usd: Some(cheapest),
        budget_usd,
        ref excluded,
    } = refusal
    else {
        panic!("{refusal:?}");
    };
    assert!((cheapest - 0.03).abs() < 1e-12);
    assert_eq!(budget_usd, Some(0.01));
    let reasons: Vec<_> = excluded.iter().map(|one| one.reason).collect();
    assert_eq!(
        reasons,
        [
            ExclusionReason::RequestBudget,
            ExclusionReason::ContextWindow
        ]
    );
}

#[test]
fn over_budget_the_cheapest_serves_where_the_user_wants_it_but_never_one_that_is_too_small() {
    let settings = CostSettings {
        on_over_budget: OnOverBudget::Cheapest,
        budget_per_request_usd: Some(0.000_01),
        ..CostSettings::default()
    };
    let mut fixture = Fixture::new(cost_optimized(settings));
    let plan = fixture.plan(&of_length(1_000, None)).unwrap();
    assert_eq!(
        fixture.names(&plan),
        ["openai/gpt-4o-mini", "openai/gpt-4o"]
    );
    let plan = fixture.plan(&of_length(10_000, None)).unwrap();
    assert_eq!(fixture.names(&plan), ["openai/gpt-4o"]);
}

#[test]
fn a_healthy_member_that_does_not_fit_is_no_reason_to_say_the_budget_is_to_blame() {
    let mut document = cost_optimized(one_cent());
    document.targets.push(target("backup", providers::OPENAI));
    document.groups[0].members[1].target = policy::TargetId(1);
    let mut fixture = Fixture::new(document);
    fixture.take_down(1);
    // Only the one that is down would fit: waiting helps.
    assert!(matches!(
        fixture.plan(&of_length(3_000, Some(1_000))),
        Err(PlanError::NothingAvailable { .. })
    ));
}

#[test]
fn the_built_in_prices_are_used_where_the_policy_gives_none_and_unknown_is_dearest() {
    let document = policy(
        vec![
            target("openai", providers::OPENAI),
            target("anthropic", providers::ANTHROPIC),
        ],
        vec![group(
            "g",
            Strategy::Cost(CostSettings::default()),
            vec![
                member(0, "house-special"),
                member(1, "claude-sonnet-4"),
                member(0, "gpt-4o-mini"),
            ],
        )],
    );
    let mut fixture = Fixture::new(document);
    assert_eq!(
        fixture.served("g"),
        [
            "openai/gpt-4o-mini",
            "openai/house-special",
            "anthropic/claude-sonnet-4"
        ]
    );
    fixture.over_budget = vec![policy::TargetId(1)];
    assert_eq!(fixture.served("g")[0], "openai/gpt-4o-mini");
}

#[test]
fn a_fallback_group_may_take_whom_the_budget_ruled_out_and_then_it_is_not_excluded() {
    let mut document = cost_optimized(one_cent());
    document.groups.push(group(
        "whatever-it-costs",
        Strategy::Failover,
        vec![member(0, "gpt-4o")],
    ));
    document.groups[0].fallback_group = Some(policy::GroupId(1));
    let plan = Fixture::new(document)
        .plan(&of_length(10_000, None))
        .unwrap();
    assert_eq!(&*plan.attempts[0].model, "gpt-4o");
    let excluded: Vec<&str> = plan.excluded.iter().map(|one| &*one.model).collect();
    assert_eq!(excluded, ["gpt-4o-mini"]);
}
