//! Targets: vendor, base URL, credential and defaults of each.

use std::collections::BTreeMap;

use catalog::{DialectPatch, PathLayout, Provider};

use super::{Context, credential, health, place};
use crate::deployments_path::DeploymentsPath;
use crate::draft::{PriceDraft, TargetDraft};
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::{
    BaseUrl, DEFAULT_STREAM_IDLE_TIMEOUT_MS, DEFAULT_TIMEOUT_MS, Price, Target, TargetId,
};
use crate::section::Slot;
use crate::yaml::At;

/// Every id with its target; reports missing and duplicate ones, and a document without targets.
pub(super) fn ids<'a>(context: &Context<'a>, lint: &mut Lint) -> BTreeMap<&'a str, TargetId> {
    let mut ids = BTreeMap::new();
    for (index, draft) in context.draft.targets.iter().enumerate() {
        match &draft.id {
            Slot::Given(id) => {
                if let Some(TargetId(first)) = ids.get(id.value.as_str()).copied() {
                    let line = context
                        .draft
                        .targets
                        .get(first)
                        .and_then(|first| first.id.given())
                        .map(|id| id.at.line);
                    let message = format!(
                        "Duplicate target id `{}`: line {} has it too",
                        id.value,
                        line.unwrap_or(0)
                    );
                    lint.add(
                        Problem::new(Code::E105, id.at, message)
                            .suggest("rename one of them".to_owned()),
                    );
                } else {
                    ids.insert(id.value.as_str(), TargetId(index));
                }
            }
            Slot::Absent => {
                let at = lint.missing(draft.at.unwrap_or(context.root), "id");
                lint.report(Code::E109, at, "a target needs an `id`");
            }
            Slot::Bad => {}
        }
    }
    match &context.draft.target_list {
        Slot::Absent => {
            let at = lint.missing(context.root, "providers");
            let message = "the policy has no targets: there is nobody to send a request to";
            let problem = Problem::new(Code::E109, at, message);
            lint.add(problem.suggest("add `providers: {targets: [...]}`".to_owned()));
        }
        Slot::Given(list) if context.draft.targets.is_empty() => {
            lint.report(Code::E109, list.at, "the list of targets is empty");
        }
        Slot::Given(_) | Slot::Bad => {}
    }
    ids
}

/// All targets, in document order.
pub(super) fn resolve(context: &Context<'_>, lint: &mut Lint) -> Vec<Target> {
    let numbers = priorities(context);
    let targets = context.draft.targets.iter().zip(numbers);
    targets
        .map(|(draft, priority)| resolve_one(context, draft, priority, lint))
        .collect()
}

/// Priorities as given. `failover: {strategy: priority}` without numbers counts on, in document order, behind the
/// highest number given: seed 003 logs `priority=1` and `priority=2` for two targets without any.
fn priorities(context: &Context<'_>) -> Vec<Option<u32>> {
    let given = || {
        context
            .draft
            .targets
            .iter()
            .map(|target| target.priority.copied())
    };
    if context.draft.failover.strategy.get() != Some(&crate::draft::StrategyName::Failover) {
        return given().collect();
    }
    let mut last = given().flatten().max().unwrap_or(0);
    let number = |priority: Option<u32>| {
        Some(priority.unwrap_or_else(|| {
            last = last.saturating_add(1);
            last
        }))
    };
    given().map(number).collect()
}

fn resolve_one(
    context: &Context<'_>,
    draft: &TargetDraft,
    priority: Option<u32>,
    lint: &mut Lint,
) -> Target {
    let document = context.draft;
    let id = draft.id.get().cloned().unwrap_or_default();
    // Findings about the whole target stand at its id, which names it.
    let at = draft
        .at
        .unwrap_or(context.root)
        .shown_at(draft.id.given().map(|id| id.at));
    let vendor = place::vendor(draft, &id);
    let place = place::resolve(context, draft, vendor, &id, at, lint);
    let aws_sigv4_region = draft.aws_sigv4_region.get().cloned();
    let credential = credential::resolve(context, draft, vendor, &place.base_url, at, lint);
    let health_check = health::check(document, draft, vendor);
    warn_about_probe(draft, vendor, health_check.enabled, lint);
    Target {
        vendor,
        model: draft.model.get().cloned().or_else(|| {
            draft
                .provider
                .get()
                .and_then(|provider| provider.model.clone())
        }),
        credential,
        priority,
        weight: draft.weight.copied(),
        region: draft.region.get().cloned(),
        timeout_ms: draft
            .timeout_ms
            .copied()
            .or(document.failover.timeout_ms.copied())
            .unwrap_or(DEFAULT_TIMEOUT_MS),
        stream_idle_timeout_ms: draft
            .stream_idle_timeout_ms
            .copied()
            .unwrap_or(DEFAULT_STREAM_IDLE_TIMEOUT_MS),
        model_mapping: draft.model_mapping.get().cloned().unwrap_or_default(),
        health_check,
        circuit_breaker: health::breaker(document, draft),
        api_version: api_version(draft, vendor, &place.base_url),
        default_max_tokens: draft.default_max_tokens.copied(),
        price: price(&draft.price, lint),
        base_url: place.base_url,
        endpoint_variable: place.variable,
        aws_sigv4_region,
        forward_headers: draft.forward_headers.get().cloned().unwrap_or_default(),
        quirks: draft.quirks.copied().unwrap_or(DialectPatch::NONE),
        endpoints: draft.endpoints.copied(),
        id,
    }
}

fn warn_about_probe(draft: &TargetDraft, vendor: Provider, enabled: bool, lint: &mut Lint) {
    if let (Some(true), false, Some(given)) = (
        draft.health_check.enabled.copied(),
        enabled,
        draft.health_check.enabled.given(),
    ) {
        let message = format!(
            "{} has no probe that costs nothing: health comes from traffic alone",
            vendor.name()
        );
        let problem = Problem::new(Code::W102, given.at, message);
        lint.add(problem.suggest("give `health_check.path` to probe anyway".to_owned()));
    }
}

/// Deployment paths always have a version; the v1 path has none.
fn api_version(draft: &TargetDraft, vendor: Provider, base_url: &BaseUrl) -> Option<String> {
    if vendor.profile().layout != PathLayout::Deployments {
        return draft.api_version.get().cloned();
    }
    match DeploymentsPath::new(base_url, draft.api_version.get().map(String::as_str)) {
        DeploymentsPath::V1 { .. } => None,
        DeploymentsPath::Deployment { api_version, .. }
        | DeploymentsPath::DeploymentPerModel { api_version, .. } => Some(api_version),
    }
}

/// Both prices or none.
pub(super) fn price(draft: &PriceDraft, lint: &mut Lint) -> Option<Price> {
    match (draft.input.given(), draft.output.given()) {
        (Some(input), Some(output)) => Some(Price {
            input_per_1k: input.value,
            output_per_1k: output.value,
            cached_input_per_1k: draft.cached_input.copied(),
            cache_write_per_1k: None,
            tiers: &[],
        }),
        (Some(given), None) if draft.output.is_absent() => {
            half(given.at, "cost_per_1k_output", lint)
        }
        (None, Some(given)) if draft.input.is_absent() => half(given.at, "cost_per_1k_input", lint),
        (None, None) => {
            if let Some(cached) = draft
                .cached_input
                .given()
                .filter(|_| draft.input.is_absent())
            {
                half(cached.at, "cost_per_1k_input", lint)
            } else {
                None
            }
        }
        (Some(_), None) | (None, Some(_)) => None,
    }
}

fn half(at: At, missing: &str, lint: &mut Lint) -> Option<Price> {
    lint.report(
        Code::E109,
        at,
        format!("`{missing}` is missing beside this price"),
    );
    None
}
