//! "Missing model mapping": where a target would be sent a model name that it cannot know.

use std::collections::BTreeMap;

use catalog::Provider;

use super::{Context, list};
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::{Failover, ModelGroup, Target};

/// Warns for members without a model, and for targets of another vendor in documents without groups.
pub(super) fn check(
    context: &Context<'_>,
    targets: &[Target],
    groups: &[ModelGroup],
    failover: &Failover,
    lint: &mut Lint,
) {
    let mapping = context.draft.failover.model_mapping.get();
    for (group, draft) in groups.iter().zip(&context.draft.groups) {
        let names = group.aliases.iter().chain([&group.name]);
        let names: Vec<&str> = names
            .map(String::as_str)
            .filter(|name| mapping.is_none_or(|mapping| !mapping.contains_key(*name)))
            .collect();
        // A target has the same to say for each member that names it. Names are looked at up to the last that is listed,
        // so a target looks at hardly more than it maps: neither members nor targets are multiplied by names.
        let mut known: BTreeMap<&str, Option<String>> = BTreeMap::new();
        // Members are sorted by now, and the warning wants the document's place.
        for member in &draft.members {
            let Some(provider) = member.provider.given() else {
                continue;
            };
            let target = context
                .target_ids
                .get(provider.value.as_str())
                .and_then(|id| targets.get(id.0));
            let Some(target) =
                target.filter(|target| target.model.is_none() && member.model.is_absent())
            else {
                continue;
            };
            let message = known
                .entry(&target.id)
                .or_insert_with(|| missing_mapping(target, &names));
            if let Some(message) = message {
                lint.add(
                    Problem::new(Code::W101, provider.at, message.as_str())
                        .suggest("give the member a `model`".to_owned()),
                );
            }
        }
    }
    if groups.is_empty() && failover.enabled {
        check_targets(context, targets, lint);
    }
}

fn check_targets(context: &Context<'_>, targets: &[Target], lint: &mut Lint) {
    let order = super::failover::default_order(targets);
    let Some(first) = order.first().and_then(|id| targets.get(id.0)) else {
        return;
    };
    for id in order.iter().skip(1) {
        let (Some(target), Some(draft)) = (targets.get(id.0), context.draft.targets.get(id.0))
        else {
            continue;
        };
        let mapped = target.model.is_some()
            || !target.model_mapping.is_empty()
            || !context.draft.failover.model_mapping.is_absent();
        if mapped || share_models(target.vendor, first.vendor) {
            continue;
        }
        let Some(id) = draft.id.given() else { continue };
        let message = format!(
            "Missing model mapping: when `{}` takes over for `{}`, it gets the client's model name as it is",
            target.id, first.id
        );
        lint.add(
            Problem::new(Code::W101, id.at, message)
                .suggest("add an entry to `failover.model_mapping`".to_owned()),
        );
    }
}

/// `names` are those that the document's own mapping does not have.
fn missing_mapping(target: &Target, names: &[&str]) -> Option<String> {
    let mut unmapped = names
        .iter()
        .copied()
        .filter(|name| !target.model_mapping.contains_key(*name))
        .peekable();
    unmapped.peek()?;
    Some(format!(
        "Missing model mapping: `{}` gets the client's model name ({}) as it is",
        target.id,
        list(unmapped)
    ))
}

/// One serves the other's models under the same names.
fn share_models(one: Provider, other: Provider) -> bool {
    one.shares_models_with(other) || other.shares_models_with(one)
}
