//! What the gateway says about a policy when it takes it.

use std::collections::BTreeMap;

use policy::{Policy, Strategy, TargetId};

/// One line for the counts, one for each provider, one for failover.
pub(crate) fn lines(policy: &Policy) -> Vec<String> {
    let mut lines = vec![format!(
        "Loaded {} provider(s), {} policy(ies)",
        policy.targets.len(),
        policy.content_policies.len()
    )];
    let ranks = ranks(policy);
    lines.extend(policy.targets.iter().enumerate().map(|(index, target)| {
        let rank = || ranks.get(&TargetId(index)).copied().unwrap_or(0);
        let priority = target.priority.map_or_else(rank, u64::from);
        let health_check = if target.health_check.enabled {
            "enabled"
        } else {
            "disabled"
        };
        format!(
            "Provider {}: priority={priority}, health_check={health_check}",
            target.id
        )
    }));
    let failover = &policy.failover;
    lines.push(if failover.enabled {
        let strategy = strategy_name(&policy.default_strategy);
        format!(
            "Failover: strategy={strategy}, model_mappings={}",
            failover.model_mapping.len()
        )
    } else {
        "Failover: disabled".to_owned()
    });
    lines
}

/// A target without a priority of its own has the one that its place gives it, counted from 1.
fn ranks(policy: &Policy) -> BTreeMap<TargetId, u64> {
    policy.default_order.iter().copied().zip(1..).collect()
}

/// Failover in order is called `priority` in this line.
fn strategy_name(strategy: &Strategy) -> &'static str {
    match strategy {
        Strategy::Failover => "priority",
        Strategy::Weighted
        | Strategy::WeightedRoundRobin
        | Strategy::RoundRobin
        | Strategy::Random
        | Strategy::Single
        | Strategy::Latency(_)
        | Strategy::HighestThroughput(_)
        | Strategy::Cost(_)
        | Strategy::Semantic(_) => strategy.name(),
    }
}
