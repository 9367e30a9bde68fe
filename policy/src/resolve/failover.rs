//! Failover as a whole, and the plan for models that are neither group nor alias.

use super::{Context, strategy};
use crate::draft::{Draft, StrategyName};
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::{Failover, OnContextLength, Strategy, Target, TargetId};
use crate::order;

/// Failover is on unless any of the three blocks switches it off. The smallest limit of attempts counts.
pub(super) fn resolve(draft: &Draft) -> Failover {
    let switches = [
        &draft.failover.enabled,
        &draft.fallback.enabled,
        &draft.provider_fallback.enabled,
    ];
    let limits = [
        &draft.failover.max_attempts,
        &draft.fallback.max_attempts,
        &draft.provider_fallback.max_attempts,
    ];
    Failover {
        enabled: switches
            .iter()
            .all(|switch| switch.copied().unwrap_or(true)),
        written_strategy: draft.failover.written_strategy.clone(),
        max_attempts: limits.iter().filter_map(|limit| limit.copied()).min(),
        same_target: draft.failover.same_target.copied(),
        model_mapping: draft
            .failover
            .model_mapping
            .get()
            .cloned()
            .unwrap_or_default(),
        on_context_length: match draft.provider_fallback.on_context_length.copied() {
            None => OnContextLength::LargerWindow,
            Some(true) => OnContextLength::NextMember,
            Some(false) => OnContextLength::Answer,
        },
        on_content_policy: draft
            .provider_fallback
            .on_content_policy
            .copied()
            .unwrap_or(false),
    }
}

/// By priority, then document order.
pub(super) fn default_order(targets: &[Target]) -> Vec<TargetId> {
    let priority = |id: &TargetId| targets.get(id.0).and_then(|target| target.priority);
    order::by_rank((0..targets.len()).map(TargetId).collect(), |id| {
        order::rank_of_priority(priority(id))
    })
}

/// `providers.routing`, then `failover`, then `providers.fallback`, else failover order.
pub(super) fn default_strategy(
    context: &Context<'_>,
    targets: &[Target],
    lint: &mut Lint,
) -> Strategy {
    let Draft {
        routing,
        failover,
        fallback,
        groups,
        ..
    } = context.draft;
    let given = [&routing.strategy, &failover.strategy, &fallback.strategy]
        .into_iter()
        .find_map(|slot| slot.given());
    let Some(given) = given else {
        return Strategy::Failover;
    };
    // With groups, the strategy is meant for them, and each of them is checked on its own.
    if groups.is_empty() {
        match given.value {
            StrategyName::Weighted => {
                let sum: u64 = targets
                    .iter()
                    .filter_map(|target| target.weight)
                    .map(u64::from)
                    .sum();
                if targets.len() > 1 && sum != 100 {
                    let message =
                        format!("Weights must sum to 100: those of all targets sum to {sum}");
                    lint.report(Code::E102, given.at, message);
                }
            }
            StrategyName::Cost => {
                let unpriced = |target: &&Target| {
                    target.price.is_none() && !context.knows_price(target, target.model.as_deref())
                };
                if let Some(target) = targets.iter().find(unpriced) {
                    let problem = Problem::new(
                        Code::E110,
                        given.at,
                        format!("strategy `cost` needs the prices of target `{}`", target.id),
                    );
                    lint.add(problem.suggest(
                        "add `cost_per_1k_input` and `cost_per_1k_output` to it".to_owned(),
                    ));
                }
            }
            StrategyName::Semantic => {
                let message = "strategy `semantic` needs model groups whose members have a `description` or `examples`";
                lint.report(Code::E110, given.at, message);
            }
            StrategyName::Failover
            | StrategyName::WeightedRoundRobin
            | StrategyName::RoundRobin
            | StrategyName::Random
            | StrategyName::Single
            | StrategyName::Latency
            | StrategyName::HighestThroughput => {}
        }
    }
    strategy::with_settings(context, targets, given.value, &context.draft.routing, lint)
}
