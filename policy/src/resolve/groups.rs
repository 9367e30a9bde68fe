//! Model groups: members in failover order, names and aliases, and the chain of fallback groups.

use std::collections::BTreeMap;

use catalog::PathLayout;

use super::{Context, list, strategy, targets};
use crate::deployments_path::DeploymentsPath;
use crate::draft::{GroupDraft, MemberDraft, StrategyName};
use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::model::{GroupId, Member, ModelGroup, Target, TargetId, Unpriced};
use crate::order;
use crate::section::Slot;
use crate::yaml::{At, shorten};

/// All groups, in document order.
pub(super) fn resolve(
    context: &Context<'_>,
    targets: &[Target],
    lint: &mut Lint,
) -> Vec<ModelGroup> {
    let drafts = &context.draft.groups;
    let names = names(context, lint);
    check_aliases(drafts, &names, lint);
    let fallbacks = fallbacks(drafts, &names, lint);
    drafts
        .iter()
        .zip(fallbacks)
        .map(|(draft, fallback)| resolve_one(context, targets, draft, fallback, lint))
        .collect()
}

fn resolve_one(
    context: &Context<'_>,
    targets: &[Target],
    draft: &GroupDraft,
    fallback_group: Option<GroupId>,
    lint: &mut Lint,
) -> ModelGroup {
    let at = draft
        .at
        .unwrap_or(context.root)
        .shown_at(draft.name.given().map(|name| name.at));
    let name = draft.name.get().cloned().unwrap_or_default();
    match &draft.member_list {
        Slot::Absent => {
            let at = lint.missing(at, "models");
            lint.report(
                Code::E109,
                at,
                format!("model group `{name}` has no `models`"),
            );
        }
        Slot::Given(list) if draft.members.is_empty() => {
            lint.report(
                Code::E109,
                list.at,
                format!("model group `{name}` has an empty list of models"),
            );
        }
        Slot::Given(_) | Slot::Bad => {}
    }
    let strategy = strategy::of_group(context, draft, lint);
    let mut members: Vec<Member> = draft
        .members
        .iter()
        .map(|member| resolve_member(context, targets, member, strategy, lint))
        .collect();
    if strategy == StrategyName::Weighted {
        strategy::check_percentages(draft, &mut members, at, lint);
    }
    warn_about_repeats(context, draft, &members, lint);
    let members = order::by_rank(members, |member| order::rank_of_priority(member.priority));
    let aliases = draft.aliases.get().map(Vec::as_slice).unwrap_or_default();
    ModelGroup {
        name,
        aliases: aliases.iter().map(|alias| alias.value.clone()).collect(),
        strategy: strategy::with_settings(context, targets, strategy, &draft.strategy, lint),
        members,
        fallback_group,
        session_affinity: draft.session_affinity.copied().unwrap_or(false),
        fail_open: draft.fail_open.copied().unwrap_or(false),
        hedge_after_ms: draft.hedge_after_ms.copied(),
    }
}

fn resolve_member(
    context: &Context<'_>,
    targets: &[Target],
    draft: &MemberDraft,
    strategy: StrategyName,
    lint: &mut Lint,
) -> Member {
    let id = match &draft.provider {
        Slot::Given(provider) => context.target(&provider.value, provider.at, lint),
        Slot::Absent => {
            let at = lint.missing(draft.at.unwrap_or(context.root), "provider");
            lint.report(
                Code::E109,
                at,
                "a member needs a `provider`: the id of a target",
            );
            None
        }
        Slot::Bad => None,
    };
    let target = id.and_then(|id| targets.get(id.0));
    let own = id.and_then(|id| context.draft.targets.get(id.0));
    let model = draft
        .model
        .get()
        .cloned()
        .or_else(|| target.and_then(|target| target.model.clone()));
    warn_about_deployment(draft, target, lint);
    let price = targets::price(&draft.price, lint).or(target.and_then(|target| target.price));
    // Without the target nothing is known about prices, and the E101 is enough.
    let may_be_unpriced = context
        .draft
        .unpriced
        .copied()
        .is_some_and(|unpriced| unpriced != Unpriced::Refuse);
    if strategy == StrategyName::Cost
        && !may_be_unpriced
        && price.is_none()
        && target.is_some_and(|target| !context.knows_price(target, model.as_deref()))
    {
        let at = draft
            .model
            .given()
            .map(|model| model.at)
            .or(draft.at)
            .unwrap_or(context.root);
        let model = model.as_deref().unwrap_or("the client's model");
        let problem = Problem::new(
            Code::E110,
            at,
            format!("strategy `cost` needs the prices of {model}"),
        );
        lint.add(problem.suggest("add `cost_per_1k_input` and `cost_per_1k_output`".to_owned()));
    }
    if let Some(weight) = draft
        .weight
        .given()
        .filter(|_| !strategy::uses_weights(strategy))
    {
        let message = format!(
            "`weight` has no effect with strategy `{}`",
            strategy::canonical(strategy)
        );
        lint.report(Code::W102, weight.at, message);
    }
    let weight = draft
        .weight
        .copied()
        .or(target.and_then(|target| target.weight));
    Member {
        target: id.unwrap_or(TargetId(0)),
        model,
        weight: if strategy == StrategyName::WeightedRoundRobin {
            weight.or(Some(1))
        } else {
            weight
        },
        // Numbers that lint itself gave to targets say nothing about a group that has an order of its own.
        priority: draft
            .priority
            .copied()
            .or(own.and_then(|own| own.priority.copied())),
        timeout_ms: draft
            .timeout_ms
            .copied()
            .or(target.map(|target| target.timeout_ms))
            .unwrap_or(crate::model::DEFAULT_TIMEOUT_MS),
        tag: draft.tag.get().cloned(),
        region: draft
            .region
            .get()
            .cloned()
            .or_else(|| target.and_then(|target| target.region.clone())),
        price,
        context_window: draft.context_window.copied(),
        description: draft.description.get().cloned(),
        examples: draft
            .examples
            .get()
            .map(|examples| {
                examples
                    .iter()
                    .map(|example| example.value.clone())
                    .collect()
            })
            .unwrap_or_default(),
    }
}

/// A base URL that names a deployment serves that one, whatever the member asks for.
fn warn_about_deployment(draft: &MemberDraft, target: Option<&Target>, lint: &mut Lint) {
    let (Some(target), Some(model)) = (target, draft.model.given()) else {
        return;
    };
    if target.vendor.profile().layout != PathLayout::Deployments {
        return;
    }
    match DeploymentsPath::of(target) {
        DeploymentsPath::Deployment { deployment, .. } if deployment != model.value => {
            let message = format!(
                "`{}` has no effect: the base URL of `{}` names the deployment `{deployment}`",
                model.value, target.id
            );
            let problem = Problem::new(Code::W107, model.at, message);
            lint.add(problem.suggest("end the base URL before `/openai/deployments`".to_owned()));
        }
        DeploymentsPath::Deployment { .. }
        | DeploymentsPath::V1 { .. }
        | DeploymentsPath::DeploymentPerModel { .. } => {}
    }
}

fn warn_about_repeats(
    context: &Context<'_>,
    draft: &GroupDraft,
    members: &[Member],
    lint: &mut Lint,
) {
    let mut seen = BTreeMap::new();
    for (member, draft) in members.iter().zip(&draft.members) {
        let known = |id: &&Spanned<String>| context.target_ids.contains_key(id.value.as_str());
        let Some(provider) = draft.provider.given().filter(known) else {
            continue;
        };
        if let Some(line) = seen.insert((member.target, member.model.as_deref()), provider.at.line)
        {
            let message =
                format!("the same target and model as on line {line}: it is tried only once");
            lint.report(Code::W106, provider.at, message);
        }
    }
}

/// Every group's name with its group, the first one where a name is given twice.
fn names<'a>(context: &Context<'a>, lint: &mut Lint) -> BTreeMap<&'a str, Spanned<GroupId>> {
    let mut names: BTreeMap<&str, Spanned<GroupId>> = BTreeMap::new();
    for (index, draft) in context.draft.groups.iter().enumerate() {
        match &draft.name {
            Slot::Given(name) => match names.get(name.value.as_str()) {
                Some(first) => {
                    let message = format!(
                        "Duplicate model group name `{}`: line {} has it too",
                        name.value, first.at.line
                    );
                    lint.add(
                        Problem::new(Code::E103, name.at, message)
                            .suggest("rename one of them".to_owned()),
                    );
                }
                None => {
                    names.insert(
                        name.value.as_str(),
                        Spanned {
                            value: GroupId(index),
                            at: name.at,
                        },
                    );
                }
            },
            Slot::Absent => {
                let at = lint.missing(draft.at.unwrap_or(context.root), "name");
                lint.report(Code::E109, at, "a model group needs a `name`");
            }
            Slot::Bad => {}
        }
    }
    names
}

fn check_aliases(drafts: &[GroupDraft], names: &BTreeMap<&str, Spanned<GroupId>>, lint: &mut Lint) {
    let mut aliases: BTreeMap<&str, At> = BTreeMap::new();
    for alias in drafts
        .iter()
        .filter_map(|draft| draft.aliases.get())
        .flatten()
    {
        let taken = names
            .get(alias.value.as_str())
            .map(|name| ("a model group's name", name.at));
        let taken = taken.or_else(|| {
            aliases
                .get(alias.value.as_str())
                .map(|at| ("an alias", *at))
        });
        match taken {
            Some((what, at)) => {
                let message = format!(
                    "alias `{}` collides: it is {what} on line {}",
                    alias.value, at.line
                );
                lint.report(Code::E106, alias.at, message);
            }
            None => {
                aliases.insert(&alias.value, alias.at);
            }
        }
    }
}

/// The fallback group of each group; those that are unknown or would close a circle are reported and left out.
fn fallbacks(
    drafts: &[GroupDraft],
    names: &BTreeMap<&str, Spanned<GroupId>>,
    lint: &mut Lint,
) -> Vec<Option<GroupId>> {
    let mut next: Vec<Option<GroupId>> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let fallback = draft.fallback_group.given();
        let found = fallback
            .and_then(|fallback| names.get(fallback.value.as_str()))
            .map(|group| group.value);
        if let (Some(fallback), None) = (fallback, found) {
            let suggestion = lint.did_you_mean(&fallback.value, &mut names.keys().copied());
            let known = || format!("known are {}", list(names.keys().copied()));
            let message = format!(
                "fallback_group `{}` is no model group",
                shorten(&fallback.value)
            );
            let problem = Problem::new(Code::E107, fallback.at, message);
            lint.add(problem.suggest(suggestion.unwrap_or_else(known)));
        }
        next.push(found);
    }
    break_cycles(drafts, &mut next, lint);
    next
}

/// Every group has at most one fallback, so a walk from each group either ends, meets an earlier walk, or meets itself.
fn break_cycles(drafts: &[GroupDraft], next: &mut [Option<GroupId>], lint: &mut Lint) {
    let mut visited_by: Vec<Option<usize>> = vec![None; next.len()];
    for start in 0..next.len() {
        let mut current = start;
        while let Some(slot) = visited_by.get_mut(current).filter(|slot| slot.is_none()) {
            *slot = Some(start);
            let Some(GroupId(following)) = next.get(current).copied().flatten() else {
                break;
            };
            if visited_by.get(following) == Some(&Some(start)) {
                report_cycle(drafts, next, current, lint);
                if let Some(slot) = next.get_mut(current) {
                    *slot = None;
                }
                break;
            }
            current = following;
        }
    }
}

/// `last` is the group whose fallback closes the circle.
fn report_cycle(drafts: &[GroupDraft], next: &[Option<GroupId>], last: usize, lint: &mut Lint) {
    const SHOWN: usize = 8;
    let name = |group: usize| {
        drafts
            .get(group)
            .and_then(|draft| draft.name.get())
            .map_or("?", String::as_str)
    };
    let mut circle = vec![name(last)];
    let mut current = next.get(last).copied().flatten();
    while let Some(GroupId(group)) = current {
        circle.push(name(group));
        if group == last || circle.len() > SHOWN {
            break;
        }
        current = next.get(group).copied().flatten();
    }
    if let Some(fallback) = drafts
        .get(last)
        .and_then(|draft| draft.fallback_group.given())
    {
        let message = format!("fallback_group is cyclic: {}", circle.join(" → "));
        lint.report(Code::E107, fallback.at, message);
    }
}
