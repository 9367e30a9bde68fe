//! Targets: vendor, base URL, credential and defaults of each.

use std::collections::BTreeMap;

use super::{Context, health};
use crate::azure::AzurePath;
use crate::draft::{PriceDraft, TargetDraft};
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::{BaseUrl, Credential, DEFAULT_TIMEOUT_MS, Price, Target, TargetId};
use crate::section::Slot;
use crate::vendor::Vendor;
use crate::yaml::At;

/// Names the resource of Azure OpenAI targets without base URL, as in Azure's own SDKs.
const AZURE_ENDPOINT: &str = "AZURE_OPENAI_ENDPOINT";
/// The port that Ollama listens on unless told otherwise.
const OLLAMA_PORT: u16 = 11434;

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
    if context.draft.targets.is_empty() && !context.draft.has_targets {
        let at = lint.missing(context.root, "providers");
        let problem = Problem::new(
            Code::E109,
            at,
            "the policy has no targets: there is nobody to send a request to",
        );
        lint.add(problem.suggest("add `providers: {targets: [...]}`".to_owned()));
    } else if context.draft.targets.is_empty() {
        lint.report(
            Code::E109,
            context.root,
            "the list of targets holds no target",
        );
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
    let vendor = vendor(draft, &id);
    let place = base_url(context, draft, vendor, &id, at, lint);
    let aws_sigv4_region = draft.aws_sigv4_region.get().cloned();
    let credential = credential(context, draft, vendor, &place.base_url, at, lint);
    let health_check = health::check(&draft.health_check, &document.health_check, vendor);
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
        model_mapping: draft.model_mapping.get().cloned().unwrap_or_default(),
        health_check,
        circuit_breaker: health::breaker(&draft.circuit_breaker, &document.circuit_breaker),
        api_version: api_version(draft, vendor, &place.base_url),
        default_max_tokens: draft.default_max_tokens.copied(),
        price: price(&draft.price, lint),
        base_url: place.base_url,
        endpoint_variable: place.variable,
        aws_sigv4_region,
        id,
    }
}

/// Contract: `provider.type` or the provider's name, then host, then id, else OpenAI-compatible. Ollama's port, which
/// nobody else uses, is part of the host.
fn vendor(draft: &TargetDraft, id: &str) -> Vendor {
    let named = draft
        .kind
        .copied()
        .or_else(|| draft.provider.get().map(|provider| provider.vendor));
    let base_url = draft.base_url.get();
    named
        .or_else(|| base_url.and_then(|url| Vendor::of_host(&url.host)))
        .or_else(|| Vendor::of_id(id))
        .or_else(|| {
            base_url
                .filter(|url| url.port == OLLAMA_PORT)
                .map(|_| Vendor::Ollama)
        })
        .unwrap_or(Vendor::OpenAiCompatible)
}

/// Where a target is, and the variable that must say so if nothing else does.
struct Place {
    base_url: BaseUrl,
    variable: Option<String>,
}

fn base_url(
    context: &Context<'_>,
    draft: &TargetDraft,
    vendor: Vendor,
    id: &str,
    at: At,
    lint: &mut Lint,
) -> Place {
    if let Some(given) = draft.base_url.get() {
        return Place {
            base_url: given.clone().completed_for(vendor),
            variable: None,
        };
    }
    let unknown = draft.base_url.is_absent()
        && !matches!(draft.provider, Slot::Bad)
        && !matches!(draft.kind, Slot::Bad);
    let own = vendor
        .profile()
        .base_url
        .and_then(|url| url.parse::<BaseUrl>().ok());
    match (vendor, own) {
        (Vendor::AzureOpenAi, _) => azure_place(context, id, at, lint),
        (Vendor::Bedrock, Some(own)) => bedrock_place(draft, own, at, lint),
        (_, Some(own)) if draft.provider.given().is_some() || draft.kind.given().is_some() => {
            Place {
                base_url: own,
                variable: None,
            }
        }
        (_, own) => {
            if unknown {
                let at = lint.missing(at, "base_url");
                let message = match draft.provider.given().is_some() || draft.kind.given().is_some()
                {
                    true => format!("a target of vendor `{}` needs a `base_url`", vendor.name()),
                    false => "a target needs a `provider` or a `base_url`".to_owned(),
                };
                lint.report(Code::E109, at, message);
            }
            Place {
                base_url: own.unwrap_or_else(|| nowhere(id)),
                variable: None,
            }
        }
    }
}

/// Seed 002 has an Azure target without resource, and it must lint: the resource comes from the environment at run time.
/// Without it the target is there but cannot serve, like one without its key.
fn azure_place(context: &Context<'_>, id: &str, at: At, lint: &mut Lint) -> Place {
    let unresolved = || Place {
        base_url: nowhere(id),
        variable: Some(AZURE_ENDPOINT.to_owned()),
    };
    let Some(endpoint) = context.options.endpoint else {
        return unresolved();
    };
    let at = lint.missing(at, "base_url");
    match endpoint(AZURE_ENDPOINT).map(|text| text.trim().parse::<BaseUrl>()) {
        Some(Ok(base_url)) => Place {
            base_url,
            variable: None,
        },
        Some(Err(error)) => {
            let message = format!(
                "`{id}` cannot serve: the value of {AZURE_ENDPOINT} is no base URL ({error})"
            );
            lint.add(Problem::new(Code::W104, at, message).error_if(context.options.strict));
            unresolved()
        }
        None => {
            let message = format!(
                "`{id}` cannot serve: it has no base_url, and the variable {AZURE_ENDPOINT} is not set"
            );
            let problem = Problem::new(Code::W104, at, message).error_if(context.options.strict);
            lint.add(
                problem.suggest("add `base_url: https://RESOURCE.openai.azure.com`".to_owned()),
            );
            unresolved()
        }
    }
}

/// The region that the target names, else the one of AWS's own examples, with a warning.
fn bedrock_place(draft: &TargetDraft, own: BaseUrl, at: At, lint: &mut Lint) -> Place {
    let looks_like_aws = |region: &&String| {
        region.split('-').count() >= 3
            && region.ends_with(|c: char| c.is_ascii_digit())
            && !region.contains('.')
    };
    let region = draft
        .aws_sigv4_region
        .get()
        .or(draft.region.get().filter(looks_like_aws));
    let base_url = match region {
        Some(region) => BaseUrl {
            host: format!(
                "bedrock-runtime.{}.amazonaws.com",
                region.to_ascii_lowercase()
            ),
            ..own
        },
        None => {
            let at = lint.missing(at, "base_url");
            lint.report(
                Code::W104,
                at,
                format!("no base_url and no AWS region: {} is used", own.host),
            );
            own
        }
    };
    Place {
        base_url,
        variable: None,
    }
}

/// A host that no resolver will ever find (RFC 6761).
fn nowhere(id: &str) -> BaseUrl {
    BaseUrl {
        tls: true,
        host: format!("{}.invalid", id.to_ascii_lowercase()),
        port: 443,
        path: String::new(),
    }
}

fn credential(
    context: &Context<'_>,
    draft: &TargetDraft,
    vendor: Vendor,
    base_url: &BaseUrl,
    at: At,
    lint: &mut Lint,
) -> Credential {
    let keyless = !vendor.profile().needs_key && base_url.is_private();
    let credential = match &draft.credential {
        Slot::Given(credential) => {
            warn_about_key(
                context,
                credential.value.clone(),
                credential.at,
                keyless,
                lint,
            );
            credential.value.clone()
        }
        Slot::Absent if keyless || draft.aws_sigv4_region.get().is_some() => {
            return Credential::None;
        }
        Slot::Absent => {
            let name = format!(
                "{}_API_KEY",
                vendor.name().to_ascii_uppercase().replace('-', "_")
            );
            let message = format!(
                "Missing secret_key_ref: `{}` has no key for {}",
                name_of(draft),
                vendor.name()
            );
            let at = lint.missing(at, "secret_key_ref");
            let problem = Problem::new(Code::E104, at, message);
            lint.add(problem.suggest(format!("add `secret_key_ref: {{env: {name}}}`")));
            return Credential::None;
        }
        Slot::Bad => return Credential::None,
    };
    if let (false, false, Some(url)) = (base_url.tls, base_url.is_private(), draft.base_url.given())
    {
        let message = format!(
            "the key travels unencrypted to {}: use https",
            base_url.host
        );
        lint.report(Code::W105, url.at, message);
    }
    credential
}

fn name_of(draft: &TargetDraft) -> &str {
    draft.id.get().map_or("this target", String::as_str)
}

fn warn_about_key(
    context: &Context<'_>,
    credential: Credential,
    at: At,
    keyless: bool,
    lint: &mut Lint,
) {
    let Some(is_set) = context.options.variable_is_set else {
        return;
    };
    if is_set(&credential) {
        return;
    }
    let message = match &credential {
        Credential::Env(name) => format!("the variable {name} is not set"),
        Credential::Store(name) => {
            format!("neither the secrets folder nor the environment has {name}")
        }
        Credential::None => return,
    };
    // A local server works without its dummy key, so that even `--strict` can live with it.
    let consequence = if keyless {
        "requests go out without a key"
    } else {
        "this target cannot serve"
    };
    let problem = Problem::new(Code::W103, at, format!("{message}: {consequence}"));
    lint.add(problem.error_if(context.options.strict && !keyless));
}

fn warn_about_probe(draft: &TargetDraft, vendor: Vendor, enabled: bool, lint: &mut Lint) {
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
fn api_version(draft: &TargetDraft, vendor: Vendor, base_url: &BaseUrl) -> Option<String> {
    if vendor != Vendor::AzureOpenAi {
        return draft.api_version.get().cloned();
    }
    match AzurePath::new(base_url, draft.api_version.get().map(String::as_str)) {
        AzurePath::V1 { .. } => None,
        AzurePath::Deployment { api_version, .. }
        | AzurePath::DeploymentPerModel { api_version, .. } => Some(api_version),
    }
}

/// Both prices or none.
pub(super) fn price(draft: &PriceDraft, lint: &mut Lint) -> Option<Price> {
    match (draft.input.given(), draft.output.given()) {
        (Some(input), Some(output)) => Some(Price {
            input_per_1k: input.value,
            output_per_1k: output.value,
            cached_input_per_1k: draft.cached_input.copied(),
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
