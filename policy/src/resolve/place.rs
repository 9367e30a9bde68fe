//! Where a target is: its vendor, and the base URL that the document, the vendor or the environment gives.

use super::Context;
use crate::draft::TargetDraft;
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::BaseUrl;
use crate::section::Slot;
use crate::vendor::Vendor;
use crate::yaml::At;

/// Names the resource of Azure OpenAI targets without base URL, as in Azure's own SDKs.
const AZURE_ENDPOINT: &str = "AZURE_OPENAI_ENDPOINT";
/// The port that Ollama listens on unless told otherwise.
const OLLAMA_PORT: u16 = 11434;

/// Contract: `provider.type` or the provider's name, then host, then id, else OpenAI-compatible. Ollama's port, which
/// nobody else uses, is part of the host.
pub(super) fn vendor(draft: &TargetDraft, id: &str) -> Vendor {
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

/// The base URL, and the variable that must say so if nothing else does.
pub(super) struct Place {
    pub(super) base_url: BaseUrl,
    pub(super) variable: Option<String>,
}

/// The place of the target at `at`.
pub(super) fn resolve(
    context: &Context<'_>,
    draft: &TargetDraft,
    vendor: Vendor,
    id: &str,
    at: At,
    lint: &mut Lint,
) -> Place {
    let fixed = |base_url| Place {
        base_url,
        variable: None,
    };
    match &draft.base_url {
        Slot::Given(given) => return fixed(given.value.clone().completed_for(vendor)),
        Slot::Bad => return fixed(nowhere(id)),
        Slot::Absent => {}
    }
    if draft.provider.given().is_none() && draft.kind.given().is_none() {
        // An id alone says too little: nobody sends a key to a host that was guessed from a name.
        if draft.provider.is_absent() && draft.kind.is_absent() {
            let at = lint.missing(at, "base_url");
            lint.report(
                Code::E109,
                at,
                "a target needs a `provider` or a `base_url`",
            );
        }
        return fixed(nowhere(id));
    }
    let own = vendor
        .profile()
        .base_url
        .and_then(|url| url.parse::<BaseUrl>().ok());
    match (vendor, own) {
        (Vendor::AzureOpenAi, _) => azure_place(context, id, at, lint),
        (Vendor::Bedrock, Some(own)) => bedrock_place(draft, own, at, lint),
        (_, Some(own)) => fixed(own),
        (_, None) => {
            let at = lint.missing(at, "base_url");
            lint.report(
                Code::E109,
                at,
                format!("a target of vendor `{}` needs a `base_url`", vendor.name()),
            );
            fixed(nowhere(id))
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
