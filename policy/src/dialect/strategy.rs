//! Strategies: their names and synonyms, and the settings that stand on a group or below `providers.routing`.

use super::sections;
use crate::draft::{Draft, EmbeddingDraft, GroupDraft, StrategyDraft, StrategyName};
use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::model::OnOverBudget;
use crate::section::Key;
use crate::value::{self, Unit};
use crate::yaml::{Node, Value};

/// Canonical names and synonyms.
const NAMES: &[(&str, StrategyName)] = &[
    ("failover", StrategyName::Failover),
    ("fallback", StrategyName::Failover),
    ("ordered", StrategyName::Failover),
    ("priority", StrategyName::Failover),
    ("weighted", StrategyName::Weighted),
    ("weighted_round_robin", StrategyName::WeightedRoundRobin),
    ("round_robin", StrategyName::RoundRobin),
    ("random", StrategyName::Random),
    ("single", StrategyName::Single),
    ("latency", StrategyName::Latency),
    ("latency_priority", StrategyName::Latency),
    ("lowest_latency", StrategyName::Latency),
    ("highest_throughput", StrategyName::HighestThroughput),
    ("cost", StrategyName::Cost),
    ("semantic", StrategyName::Semantic),
];

/// Reads a strategy's name; `-` and `_` are the same.
pub(super) fn strategy_name(node: &Node, lint: &mut Lint) -> Option<Spanned<StrategyName>> {
    let Spanned { value, at } = value::string(node, lint)?;
    let folded = value.trim().to_ascii_lowercase().replace('-', "_");
    if let Some((_, name)) = NAMES.iter().find(|(name, _)| *name == folded) {
        return Some(Spanned { value: *name, at });
    }
    let suggestion = lint.did_you_mean(&folded, &mut NAMES.iter().map(|(name, _)| *name));
    let known = || {
        format!(
            "known are {}",
            NAMES
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let message = format!("unknown strategy {}", node.describe());
    lint.add(Problem::new(Code::E108, at, message).suggest(suggestion.unwrap_or_else(known)));
    None
}

/// `routing` below `providers` or at the top: a name, or a mapping of strategy and settings.
pub(super) fn read_routing(draft: &mut Draft, node: &Node, lint: &mut Lint) {
    match &node.value {
        Value::Mapping(_) => sections::ROUTING.read(&mut draft.routing, node, lint),
        Value::Scalar(_) | Value::Sequence(_) => {
            draft.routing.strategy.set(strategy_name(node, lint), lint);
        }
    }
}

pub(super) const ROUTING: &[Key<StrategyDraft>] = &[Key::new("strategy", |routing, node, lint| {
    routing.strategy.set(strategy_name(node, lint), lint)
})];

/// Something that has a strategy's settings among its keys.
trait HasStrategy {
    fn strategy(&mut self) -> &mut StrategyDraft;
}

impl HasStrategy for StrategyDraft {
    fn strategy(&mut self) -> &mut StrategyDraft {
        self
    }
}

impl HasStrategy for GroupDraft {
    fn strategy(&mut self) -> &mut StrategyDraft {
        &mut self.strategy
    }
}

pub(super) const SETTINGS: &[Key<StrategyDraft>] = &settings();
pub(super) const GROUP: &[Key<GroupDraft>] = &settings();

const fn settings<D: HasStrategy>() -> [Key<D>; 9] {
    [
        Key::new("latency_window", |draft, node, lint| {
            draft
                .strategy()
                .latency_window_ms
                .set(value::duration(node, Unit::Unnamed, lint), lint);
        }),
        Key::new("window_seconds", |draft, node, lint| {
            draft
                .strategy()
                .latency_window_ms
                .set(value::duration(node, Unit::Seconds, lint), lint);
        }),
        Key::new("max_latency_ms", |draft, node, lint| {
            draft
                .strategy()
                .max_latency_ms
                .set(value::duration(node, Unit::Milliseconds, lint), lint);
        }),
        Key::new("min_sample_count", |draft, node, lint| {
            draft
                .strategy()
                .min_sample_count
                .set(value::integer(node, 1..=10_000, lint), lint);
        }),
        Key::new("budget_per_request_usd", |draft, node, lint| {
            draft
                .strategy()
                .budget_per_request_usd
                .set(value::number(node, 0.0..=1e6, lint), lint);
        }),
        Key::new("assumed_output_tokens", |draft, node, lint| {
            draft
                .strategy()
                .assumed_output_tokens
                .set(value::integer(node, 0..=10_000_000, lint), lint);
        }),
        Key::new("on_over_budget", |draft, node, lint| {
            draft
                .strategy()
                .on_over_budget
                .set(on_over_budget(node, lint), lint);
        }),
        Key::new("min_similarity", |draft, node, lint| {
            draft
                .strategy()
                .min_similarity
                .set(value::number(node, 0.0..=1.0, lint), lint);
        }),
        Key::new("embedding", |draft, node, lint| {
            let mut embedding = EmbeddingDraft::default();
            sections::EMBEDDING.read(&mut embedding, node, lint);
            draft.strategy().embedding.put(Some(Spanned {
                value: embedding,
                at: node.at,
            }));
        }),
    ]
}

pub(super) const EMBEDDING: &[Key<EmbeddingDraft>] = &[
    Key::new("provider", |embedding, node, lint| {
        embedding.provider.set(value::identifier(node, lint), lint)
    }),
    Key::new("model", |embedding, node, lint| {
        embedding.model.set(value::name(node, lint), lint)
    }),
    Key::new("timeout_ms", |embedding, node, lint| {
        embedding
            .timeout_ms
            .set(value::duration(node, Unit::Milliseconds, lint), lint);
    }),
];

fn on_over_budget(node: &Node, lint: &mut Lint) -> Option<Spanned<OnOverBudget>> {
    value::choice(
        node,
        &[
            ("refuse", OnOverBudget::Refuse),
            ("cheapest", OnOverBudget::Cheapest),
        ],
        lint,
    )
}
