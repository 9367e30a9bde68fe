//! Where a target's key comes from, and what is wrong with it.

use catalog::Provider;

use super::Context;
use crate::draft::TargetDraft;
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::{BaseUrl, Credential};
use crate::section::Slot;
use crate::yaml::At;

/// The credential of the target at `at`; [`Credential::None`] with a finding where one is missing.
pub(super) fn resolve(
    context: &Context<'_>,
    draft: &TargetDraft,
    vendor: Provider,
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
