//! Content policies: the chain and its blocks, or the list.

use crate::dialect::{kind_name, policy_kind};
use crate::draft::{Draft, PolicyKind, PolicySettingsDraft};
use crate::finding::Code;
use crate::lint::{Lint, Problem};
use crate::model::{ContentPolicy, ContentPolicyKind, PolicyAction};
use crate::section::Slot;

/// Days that events and records are kept when the policy does not say.
const DEFAULT_RETENTION_DAYS: u32 = 365;

/// In the order of the chain, then of the list. A pack that is not `enabled` has none: its routing works, its policies
/// are off, and lint says so.
pub(super) fn resolve(draft: &Draft, lint: &mut Lint) -> Vec<ContentPolicy> {
    let policies: Vec<ContentPolicy> = from_chain(draft, lint)
        .into_iter()
        .chain(from_list(draft, lint))
        .collect();
    match draft.pack.enabled.given() {
        Some(enabled) if !enabled.value => {
            let message = "the pack is not enabled: its content policies do not run, its providers and groups serve";
            lint.report(Code::W102, enabled.at, message);
            Vec::new()
        }
        Some(_) | None => policies,
    }
}

fn from_chain(draft: &Draft, lint: &mut Lint) -> Vec<ContentPolicy> {
    let mut chained = Vec::new();
    let mut policies = Vec::new();
    for name in &draft.policies.chain {
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
        match draft
            .policies
            .blocks
            .iter()
            .find(|(block, _)| block.value == kind)
        {
            Some((_, settings)) => policies.push(ContentPolicy {
                name: kind_name(kind).to_owned(),
                kind: with_defaults(kind, settings),
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
    for (block, _) in &draft.policies.blocks {
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

fn from_list(draft: &Draft, lint: &mut Lint) -> Vec<ContentPolicy> {
    let mut policies = Vec::new();
    for item in &draft.policies.list {
        match &item.kind {
            Slot::Given(kind) => policies.push(ContentPolicy {
                name: item
                    .name
                    .get()
                    .cloned()
                    .unwrap_or_else(|| kind_name(kind.value).to_owned()),
                kind: with_defaults(kind.value, &item.settings),
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

fn with_defaults(kind: PolicyKind, settings: &PolicySettingsDraft) -> ContentPolicyKind {
    match kind {
        PolicyKind::AuditLogger => ContentPolicyKind::AuditLogger {
            immutable: settings.immutable.copied().unwrap_or(true),
            retention_days: settings
                .retention_days
                .copied()
                .unwrap_or(DEFAULT_RETENTION_DAYS),
            log_all_access: settings.log_all_access.copied().unwrap_or(false),
        },
        PolicyKind::ContentFilter => ContentPolicyKind::ContentFilter {
            categories: settings
                .categories
                .get()
                .map(|categories| {
                    categories
                        .iter()
                        .map(|category| category.value.clone())
                        .collect()
                })
                .unwrap_or_default(),
            action: settings.action.copied().unwrap_or(PolicyAction::Flag),
        },
    }
}
