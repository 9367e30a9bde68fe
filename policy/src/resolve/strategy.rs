//! Which strategy a group has, whether it has what the strategy needs, and the strategy's settings.

use catalog::{Provider, UpstreamFormat};

use super::Context;
use crate::draft::{EmbeddingDraft, GroupDraft, StrategyDraft, StrategyName};
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::{
    CostSettings, DEFAULT_EMBEDDING_TIMEOUT_MS, DEFAULT_MIN_SIMILARITY, EmbeddingSource,
    LatencySettings, Member, SemanticSettings, Strategy, Target,
};
use crate::section::Slot;
use crate::yaml::At;

/// The group's own strategy, then that of `providers.routing`, then `weighted` if a member has a weight, else `failover`.
pub(super) fn of_group(context: &Context<'_>, draft: &GroupDraft, lint: &mut Lint) -> StrategyName {
    let own = draft
        .strategy
        .strategy
        .copied()
        .or(context.draft.routing.strategy.copied());
    let weighted = draft
        .members
        .iter()
        .any(|member| member.weight.given().is_some());
    let strategy = own.unwrap_or(if weighted {
        StrategyName::Weighted
    } else {
        StrategyName::Failover
    });
    warn_about_foreign_settings(&draft.strategy, strategy, lint);
    if strategy == StrategyName::Semantic {
        need_descriptions(context, draft, lint);
    }
    strategy
}

fn need_descriptions(context: &Context<'_>, draft: &GroupDraft, lint: &mut Lint) {
    let described = |slot_free: bool| !slot_free;
    let any = draft.members.iter().any(|member| {
        described(member.description.is_absent()) || described(member.examples.is_absent())
    });
    if !any && !draft.members.is_empty() {
        let at = draft
            .at
            .unwrap_or(context.root)
            .shown_at(draft.name.given().map(|name| name.at));
        let message = "strategy `semantic` needs a `description` or `examples` on its members";
        lint.report(Code::E110, at, message);
    }
}

/// Whether members' weights mean anything to `strategy`.
pub(super) fn uses_weights(strategy: StrategyName) -> bool {
    match strategy {
        StrategyName::Weighted | StrategyName::WeightedRoundRobin => true,
        StrategyName::Failover
        | StrategyName::RoundRobin
        | StrategyName::Random
        | StrategyName::Single
        | StrategyName::Latency
        | StrategyName::HighestThroughput
        | StrategyName::Cost
        | StrategyName::Semantic => false,
    }
}

/// Percentages: each member has one, and they sum to 100. A member alone needs none.
pub(super) fn check_percentages(
    draft: &GroupDraft,
    members: &mut [Member],
    at: At,
    lint: &mut Lint,
) {
    if let [only] = members {
        only.weight = only.weight.or(Some(100));
    }
    let sum: u64 = members
        .iter()
        .filter_map(|member| member.weight)
        .map(u64::from)
        .sum();
    let mut complete = true;
    for (member, draft) in members.iter().zip(&draft.members) {
        complete &= member.weight.is_some();
        if member.weight.is_none() && draft.weight.is_absent() {
            let at = lint.missing(draft.at.unwrap_or(at), "weight");
            let problem = Problem::new(
                Code::E110,
                at,
                "strategy `weighted` needs a `weight` on every member",
            );
            lint.add(problem.suggest(format!("the other weights sum to {sum} of 100")));
        }
    }
    if complete && sum != 100 && !members.is_empty() {
        // The first weight is where a reader begins to add up.
        let at = draft
            .members
            .iter()
            .find_map(|member| member.weight.given())
            .map_or(at, |weight| weight.at);
        let name = draft.name.get().map_or("this group", String::as_str);
        let problem = Problem::new(
            Code::E102,
            at,
            format!("Weights must sum to 100: those of `{name}` sum to {sum}"),
        );
        lint.add(
            problem.suggest("for relative weights use `strategy: weighted_round_robin`".to_owned()),
        );
    }
}

/// `strategy` with its settings: the group's own, then those of `providers.routing`, then the defaults.
pub(super) fn with_settings(
    context: &Context<'_>,
    targets: &[Target],
    strategy: StrategyName,
    own: &StrategyDraft,
    lint: &mut Lint,
) -> Strategy {
    let document = &context.draft.routing;
    let latency = || {
        let default = LatencySettings::default();
        LatencySettings {
            window_ms: nearest(&own.latency_window_ms, &document.latency_window_ms)
                .unwrap_or(default.window_ms),
            max_latency_ms: nearest(&own.max_latency_ms, &document.max_latency_ms),
            min_sample_count: nearest(&own.min_sample_count, &document.min_sample_count)
                .unwrap_or(default.min_sample_count),
        }
    };
    match strategy {
        StrategyName::Failover => Strategy::Failover,
        StrategyName::Weighted => Strategy::Weighted,
        StrategyName::WeightedRoundRobin => Strategy::WeightedRoundRobin,
        StrategyName::RoundRobin => Strategy::RoundRobin,
        StrategyName::Random => Strategy::Random,
        StrategyName::Single => Strategy::Single,
        StrategyName::Latency => Strategy::Latency(latency()),
        StrategyName::HighestThroughput => Strategy::HighestThroughput(latency()),
        StrategyName::Cost => {
            let default = CostSettings::default();
            Strategy::Cost(CostSettings {
                budget_per_request_usd: nearest(
                    &own.budget_per_request_usd,
                    &document.budget_per_request_usd,
                ),
                assumed_output_tokens: nearest(
                    &own.assumed_output_tokens,
                    &document.assumed_output_tokens,
                )
                .unwrap_or(default.assumed_output_tokens),
                on_over_budget: nearest(&own.on_over_budget, &document.on_over_budget)
                    .unwrap_or(default.on_over_budget),
            })
        }
        StrategyName::Semantic => Strategy::Semantic(SemanticSettings {
            min_similarity: nearest(&own.min_similarity, &document.min_similarity)
                .unwrap_or(DEFAULT_MIN_SIMILARITY),
            embedding: own
                .embedding
                .given()
                .or(document.embedding.given())
                .and_then(|embedding| {
                    resolve_embedding(context, targets, &embedding.value, embedding.at, lint)
                }),
        }),
    }
}

fn resolve_embedding(
    context: &Context<'_>,
    targets: &[Target],
    draft: &EmbeddingDraft,
    at: At,
    lint: &mut Lint,
) -> Option<EmbeddingSource> {
    for (absent, key) in [
        (draft.provider.is_absent(), "provider"),
        (draft.model.is_absent(), "model"),
    ] {
        if absent {
            let at = lint.missing(at, key);
            lint.report(Code::E109, at, format!("`embedding` needs a `{key}`"));
        }
    }
    let provider = draft.provider.given()?;
    let target = context.target(&provider.value, provider.at, lint)?;
    let vendor = targets.get(target.0).map(|target| target.vendor);
    match vendor.map(Provider::format) {
        Some(UpstreamFormat::OpenAi) | None => {}
        Some(UpstreamFormat::Anthropic | UpstreamFormat::Bedrock) => lint.report(
            Code::E109,
            provider.at,
            "embeddings for routing come from an OpenAI-compatible target, and this one is not",
        ),
    }
    Some(EmbeddingSource {
        target,
        model: draft.model.get()?.clone(),
        timeout_ms: draft
            .timeout_ms
            .copied()
            .unwrap_or(DEFAULT_EMBEDDING_TIMEOUT_MS),
    })
}

fn nearest<T: Copy>(own: &Slot<T>, document: &Slot<T>) -> Option<T> {
    own.copied().or(document.copied())
}

/// Settings that the group gives for a strategy that it does not have.
fn warn_about_foreign_settings(draft: &StrategyDraft, strategy: StrategyName, lint: &mut Lint) {
    let place = |at: Option<At>, key: &'static str, belongs: bool| {
        at.filter(|_| !belongs).map(|at| (at, key))
    };
    let latency = matches!(
        strategy,
        StrategyName::Latency | StrategyName::HighestThroughput
    );
    let cost = strategy == StrategyName::Cost;
    let semantic = strategy == StrategyName::Semantic;
    let foreign = [
        place(
            draft.latency_window_ms.given().map(|given| given.at),
            "latency_window",
            latency,
        ),
        place(
            draft.max_latency_ms.given().map(|given| given.at),
            "max_latency_ms",
            latency,
        ),
        place(
            draft.min_sample_count.given().map(|given| given.at),
            "min_sample_count",
            latency,
        ),
        place(
            draft.budget_per_request_usd.given().map(|given| given.at),
            "budget_per_request_usd",
            cost,
        ),
        place(
            draft.assumed_output_tokens.given().map(|given| given.at),
            "assumed_output_tokens",
            cost,
        ),
        place(
            draft.on_over_budget.given().map(|given| given.at),
            "on_over_budget",
            cost,
        ),
        place(
            draft.min_similarity.given().map(|given| given.at),
            "min_similarity",
            semantic,
        ),
        place(
            draft.embedding.given().map(|given| given.at),
            "embedding",
            semantic,
        ),
    ];
    for (at, key) in foreign.into_iter().flatten() {
        let message = format!(
            "`{key}` has no effect with strategy `{}`",
            canonical(strategy)
        );
        lint.report(Code::W102, at, message);
    }
}

/// The canonical name, as [`Strategy::name`] gives it.
pub(super) fn canonical(strategy: StrategyName) -> &'static str {
    match strategy {
        StrategyName::Failover => "failover",
        StrategyName::Weighted => "weighted",
        StrategyName::WeightedRoundRobin => "weighted_round_robin",
        StrategyName::RoundRobin => "round_robin",
        StrategyName::Random => "random",
        StrategyName::Single => "single",
        StrategyName::Latency => "latency",
        StrategyName::HighestThroughput => "highest_throughput",
        StrategyName::Cost => "cost",
        StrategyName::Semantic => "semantic",
    }
}
