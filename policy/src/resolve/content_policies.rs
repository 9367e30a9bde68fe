//! Content policies: the chain and its blocks, or the list.

use super::Context;
use crate::dialect::{kind_name, policy_kind};
use crate::draft::{ModerationDraft, PolicyKind, PolicySettingsDraft};
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::{
    ContentPolicy, ContentPolicyKind, DEFAULT_MODERATION_TIMEOUT_MS, Moderation, OnModerationError,
    PolicyAction,
};
use crate::section::Slot;
use crate::yaml::At;

/// Days that events and records are kept when the policy does not say.
const DEFAULT_RETENTION_DAYS: u32 = 365;

/// In the order of the chain, then of the list. A pack that is not `enabled` has none: its routing works, its policies
/// are off, and lint says so.
pub(super) fn resolve(context: &Context<'_>, lint: &mut Lint) -> Vec<ContentPolicy> {
    let policies: Vec<ContentPolicy> = from_chain(context, lint)
        .into_iter()
        .chain(from_list(context, lint))
        .collect();
    match context.draft.pack.enabled.given() {
        Some(enabled) if !enabled.value => {
            let message = "the pack is not enabled: its content policies do not run, its providers and groups serve";
            lint.report(Code::W102, enabled.at, message);
            Vec::new()
        }
        Some(_) | None => policies,
    }
}

fn from_chain(context: &Context<'_>, lint: &mut Lint) -> Vec<ContentPolicy> {
    let mut chained = Vec::new();
    let mut policies = Vec::new();
    for name in &context.draft.policies.chain {
        let Some(kind) = policy_kind(&name.value, name.at, lint) else {
            continue;
        };
        if chained.contains(&kind) {
            lint.report(
                Code::E109,
                name.at,
                format!("`{}` is in the chain twice", name.value),
            );
            continue;
        }
        chained.push(kind);
        match context
            .draft
            .policies
            .blocks
            .iter()
            .find(|(block, _)| block.value == kind)
        {
            Some((block, settings)) => policies.push(ContentPolicy {
                name: kind_name(kind).to_owned(),
                kind: with_defaults(context, kind, block.at, settings, lint),
            }),
            None => {
                let message = format!(
                    "`{}` is in the chain, but has no block below `policy`",
                    name.value
                );
                let problem = Problem::new(Code::E003, name.at, message);
                lint.add(problem.suggest(format!("add `policy: {{{}: {{...}}}}`", name.value)));
            }
        }
    }
    for (block, _) in &context.draft.policies.blocks {
        if !chained.contains(&block.value) {
            let message = format!(
                "`{}` is not in `policies.chain`, so it does not run",
                kind_name(block.value)
            );
            lint.report(Code::W102, block.at, message);
        }
    }
    policies
}

fn from_list(context: &Context<'_>, lint: &mut Lint) -> Vec<ContentPolicy> {
    let mut policies = Vec::new();
    for item in &context.draft.policies.list {
        match &item.kind {
            Slot::Given(kind) => policies.push(ContentPolicy {
                name: item
                    .name
                    .get()
                    .cloned()
                    .unwrap_or_else(|| kind_name(kind.value).to_owned()),
                kind: with_defaults(
                    context,
                    kind.value,
                    item.config.as_ref().map_or(kind.at, |config| config.at),
                    &item.settings,
                    lint,
                ),
            }),
            Slot::Absent => {
                if let Some(at) = item.at {
                    let at = lint.missing(at, "type");
                    lint.report(Code::E109, at, "a policy needs a `type`");
                }
            }
            Slot::Bad => {}
        }
    }
    policies
}

/// The settings of a policy of this kind, whose block or item is at `at`.
fn with_defaults(
    context: &Context<'_>,
    kind: PolicyKind,
    at: At,
    settings: &PolicySettingsDraft,
    lint: &mut Lint,
) -> ContentPolicyKind {
    match kind {
        PolicyKind::AuditLogger => ContentPolicyKind::AuditLogger {
            immutable: settings.immutable.copied().unwrap_or(true),
            retention_days: settings
                .retention_days
                .copied()
                .unwrap_or(DEFAULT_RETENTION_DAYS),
            log_all_access: settings.log_all_access.copied().unwrap_or(false),
        },
        PolicyKind::ContentFilter => content_filter(context, at, settings, lint),
    }
}

fn content_filter(
    context: &Context<'_>,
    at: At,
    settings: &PolicySettingsDraft,
    lint: &mut Lint,
) -> ContentPolicyKind {
    if settings.categories.is_absent() && settings.moderation.is_absent() {
        let at = lint.missing(at, "categories");
        let message = "a content filter needs `categories`, or a `moderation` target";
        lint.report(Code::E109, at, message);
    }
    let action = settings.action.copied().unwrap_or(PolicyAction::Flag);
    let moderation = settings.moderation.given();
    if let (PolicyAction::Redact, Some(moderation)) = (action, moderation) {
        let message = "a moderation target does not say where it found something, so nothing can be replaced: \
             use `action: block` or `flag`, and another policy to redact";
        lint.report(Code::E109, moderation.at, message);
    }
    let categories = settings.categories.get().into_iter().flatten();
    ContentPolicyKind::ContentFilter {
        categories: categories.map(|category| category.value).collect(),
        action,
        moderation: moderation
            .and_then(|given| resolve_moderation(context, &given.value, given.at, lint)),
    }
}

fn resolve_moderation(
    context: &Context<'_>,
    draft: &ModerationDraft,
    at: At,
    lint: &mut Lint,
) -> Option<Moderation> {
    if draft.target.is_absent() {
        let at = lint.missing(at, "target");
        lint.report(Code::E109, at, "`moderation` needs a `target`");
    }
    let target = draft.target.given()?;
    Some(Moderation {
        target: context.target(&target.value, target.at, lint)?,
        model: draft.model.get().cloned(),
        timeout_ms: draft
            .timeout_ms
            .copied()
            .unwrap_or(DEFAULT_MODERATION_TIMEOUT_MS),
        on_error: draft.on_error.copied().unwrap_or(OnModerationError::Allow),
    })
}
