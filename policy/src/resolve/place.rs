//! Where a target is: its vendor, and the base URL that the document, the vendor or the environment gives.

use catalog::Provider;

use super::Context;
use crate::draft::TargetDraft;
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::BaseUrl;
use crate::section::Slot;
use crate::yaml::At;

/// Contract: `provider.type` or the provider's name, then host, then id, else OpenAI-compatible. A port that only one
/// provider uses is part of the host.
pub(super) fn vendor(draft: &TargetDraft, id: &str) -> Provider {
    let named = draft
        .kind
        .copied()
        .or_else(|| draft.provider.get().map(|provider| provider.vendor));
    let base_url = draft.base_url.get();
    named
        .or_else(|| base_url.and_then(|url| Provider::of_host(&url.host)))
        .or_else(|| Provider::of_id(id))
        .or_else(|| base_url.and_then(|url| Provider::of_port(url.port)))
        .unwrap_or(Provider::COMPATIBLE)
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
    vendor: Provider,
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
    let profile = vendor.profile();
    match (own, profile.base_url_variable, profile.base_url_region) {
        (None, Some(variable), _) => place_of_variable(context, vendor, variable, id, at, lint),
        (Some(own), _, Some(region)) => place_in_region(draft, own, region, at, lint),
        (Some(own), _, None) => fixed(own),
        (None, None, _) => {
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

/// Seed 002 has a target without resource, and it must lint: the resource comes from the environment at run time, in the
/// variable of the provider's own SDKs. Without it the target is there but cannot serve, like one without its key.
fn place_of_variable(
    context: &Context<'_>,
    vendor: Provider,
    variable: &str,
    id: &str,
    at: At,
    lint: &mut Lint,
) -> Place {
    let unresolved = || Place {
        base_url: nowhere(id),
        variable: Some(variable.to_owned()),
    };
    let Some(endpoint) = context.options.endpoint else {
        return unresolved();
    };
    let at = lint.missing(at, "base_url");
    match endpoint(variable).map(|text| text.trim().parse::<BaseUrl>()) {
        Some(Ok(base_url)) => Place {
            base_url,
            variable: None,
        },
        Some(Err(error)) => {
            let message =
                format!("`{id}` cannot serve: the value of {variable} is no base URL ({error})");
            lint.add(Problem::new(Code::W104, at, message).error_if(context.options.strict));
            unresolved()
        }
        None => {
            let message = format!(
                "`{id}` cannot serve: it has no base_url, and the variable {variable} is not set"
            );
            let problem = Problem::new(Code::W104, at, message).error_if(context.options.strict);
            let host = vendor.profile().hosts.first().copied().unwrap_or("HOST");
            let host = host.replace('*', "RESOURCE");
            lint.add(problem.suggest(format!("add `base_url: https://{host}`")));
            unresolved()
        }
    }
}

/// The base URL `own`, which names the region `example`, for the region that the target names; where it names none, as it
/// is, with a warning.
fn place_in_region(
    draft: &TargetDraft,
    own: BaseUrl,
    example: &str,
    at: At,
    lint: &mut Lint,
) -> Place {
    let looks_like_a_region = |region: &&String| {
        region.split('-').count() >= 3
            && region.ends_with(|c: char| c.is_ascii_digit())
            && !region.contains('.')
    };
    let region = draft
        .aws_sigv4_region
        .get()
        .or(draft.region.get().filter(looks_like_a_region));
    let base_url = match region {
        Some(region) => BaseUrl {
            host: own.host.replace(example, &region.to_ascii_lowercase()),
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
