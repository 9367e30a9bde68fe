//! A strategy's settings, and in a sentence what it decided.

use ::policy::{OnOverBudget, Policy, SemanticSettings, Strategy};
use routing::Plan;
use routing::latency::Measured;
use serde_json::{Value, json};

use super::Case;

/// Name and settings.
pub(super) fn settings(policy: &Policy, strategy: &Strategy) -> Value {
    let mut shown = match strategy {
        Strategy::Failover
        | Strategy::Weighted
        | Strategy::WeightedRoundRobin
        | Strategy::RoundRobin
        | Strategy::Random
        | Strategy::Single => json!({}),
        Strategy::Latency(settings) | Strategy::HighestThroughput(settings) => json!({
            "latency_window_ms": settings.window_ms,
            "max_latency_ms": settings.max_latency_ms,
            "min_sample_count": settings.min_sample_count,
        }),
        Strategy::Cost(settings) => json!({
            "budget_per_request_usd": settings.budget_per_request_usd,
            "assumed_output_tokens": settings.assumed_output_tokens,
            "on_over_budget": match settings.on_over_budget {
                OnOverBudget::Refuse => "refuse",
                OnOverBudget::Cheapest => "cheapest",
            },
        }),
        Strategy::Semantic(settings) => json!({
            "min_similarity": settings.min_similarity,
            "embedding": settings.embedding.as_ref().map(|source| json!({
                "provider": policy.target(source.target).map(|target| &target.id),
                "model": source.model,
                "timeout_ms": source.timeout_ms,
            })),
        }),
    };
    if let Value::Object(shown) = &mut shown {
        shown.insert("name".to_owned(), json!(strategy.name()));
    }
    shown
}

/// Why the first entry is the first.
pub(super) fn head(case: Case<'_>, plan: &Plan) -> Option<String> {
    let policy = case.index.policy();
    let head = plan.attempts.first()?;
    let group = head.member.and_then(|(group, _)| policy.group(group));
    let strategy = group.map_or(&policy.default_strategy, |group| &group.strategy);
    let sentence = if plan.fail_open {
        String::from(
            "everyone is out, and the group is `fail_open`: who is likely to be back first",
        )
    } else if plan.by_session_affinity {
        let source = case.parsed.conversation.source.name();
        format!("the conversation (told by {source}) belongs to it")
    } else {
        match strategy {
            Strategy::Failover => String::from("the first that can serve"),
            Strategy::Weighted => format!("drawn by weight, with seed {}", case.seed),
            Strategy::Random => format!("drawn, with seed {}", case.seed),
            Strategy::WeightedRoundRobin | Strategy::RoundRobin => {
                String::from("the first turn at a worker that has just started")
            }
            Strategy::Single => String::from("the only one"),
            Strategy::Latency(settings) => measured(
                case.world
                    .view()
                    .latency
                    .measured(head.deployment, settings.window_ms),
                settings.min_sample_count,
                "the lowest latency of the window, or as good as the lowest",
            ),
            Strategy::HighestThroughput(settings) => measured(
                case.world
                    .view()
                    .latency
                    .measured(head.deployment, settings.window_ms),
                settings.min_sample_count,
                "the most tokens a second, or as good as the most",
            ),
            Strategy::Cost(_) => String::from("the cheapest that fits"),
            Strategy::Semantic(settings) => by_meaning(settings, plan.similarity),
        }
    };
    let elsewhere = head.member.map(|(group, _)| group) != plan.group;
    Some(match group.filter(|_| elsewhere) {
        Some(group) => format!("in the fallback group {}: {sentence}", group.name),
        None => sentence,
    })
}

fn measured(measured: Measured, enough: u32, otherwise: &str) -> String {
    if measured.samples() < enough {
        format!(
            "{} of {enough} samples: it is measured first",
            measured.samples()
        )
    } else {
        otherwise.to_owned()
    }
}

fn by_meaning(settings: &SemanticSettings, similarity: Option<f32>) -> String {
    match similarity {
        None => String::from("similarity cannot be told: the first that can serve"),
        Some(similarity) if f64::from(similarity) < settings.min_similarity => format!(
            "nobody reaches min_similarity {}: the first that can serve",
            settings.min_similarity
        ),
        Some(similarity) => format!("the nearest in meaning, similarity {similarity:.3}"),
    }
}

/// What an explanation cannot show, or what is special about this plan.
pub(super) fn notes(case: Case<'_>, strategy: &Strategy) -> Vec<String> {
    let mut notes = Vec::new();
    if case
        .made
        .as_ref()
        .is_ok_and(|plan| plan.primary_is_half_open)
    {
        notes.push(String::from(
            "the first is half-open: this request would be one of its trials",
        ));
    }
    if let Ok(plan) = case.made
        && let Some(preferred) = &plan.preferred
    {
        notes.push(format!(
            "the first would be {} with {}, if it were not {}",
            case.target_id(preferred.target),
            preferred.model,
            preferred.reason.name()
        ));
    }
    if let Strategy::Semantic(settings) = strategy
        && let Some(source) = &settings.embedding
    {
        notes.push(format!(
            "embeddings come from {} while the gateway runs; nothing is fetched here",
            case.target_id(source.target)
        ));
    }
    notes
}
