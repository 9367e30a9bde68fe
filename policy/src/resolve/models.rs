//! Models that their providers no longer serve, or do not list.

use catalog::Provider;

use super::Context;
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::Target;
use crate::yaml::{At, shorten};

/// Warns at every place where the document gives a target a model.
pub(super) fn check(context: &Context<'_>, targets: &[Target], lint: &mut Lint) {
    if context.options.model_check.is_none() {
        return;
    }
    for (target, draft) in targets.iter().zip(&context.draft.targets) {
        let own = draft
            .model
            .given()
            .map(|model| (model.at, model.value.as_str()));
        let in_provider = draft.provider.given().and_then(|provider| {
            let model = provider.value.model.as_deref()?;
            Some((provider.at, model))
        });
        if let Some((at, model)) = own.or(in_provider) {
            check_one(context, target, model, at, lint);
        }
    }
    for member in context.draft.groups.iter().flat_map(|group| &group.members) {
        let id = member.provider.get().map(String::as_str);
        let id = id.and_then(|id| context.target_ids.get(id));
        let target = id.and_then(|id| targets.get(id.0));
        if let (Some(target), Some(model)) = (target, member.model.given()) {
            check_one(context, target, &model.value, model.at, lint);
        }
    }
}

/// Says nothing of a server that is not the vendor's own: whoever runs it may give models any name.
fn check_one(context: &Context<'_>, target: &Target, model: &str, at: At, lint: &mut Lint) {
    if Provider::of_host(&target.base_url.host) != Some(target.vendor) {
        return;
    }
    let check = context.options.model_check;
    let Some(warning) = check.and_then(|check| check(target.vendor, model)) else {
        return;
    };
    let message = format!("model `{}`: {}", shorten(model), warning.message);
    let suggestion = warning.instead.map(|name| format!("use `{name}`"));
    lint.add(Problem::new(Code::W109, at, message).suggest(suggestion));
}
