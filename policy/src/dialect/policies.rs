//! Content policies: `policies.chain` with `policy.<kind>` blocks, or a list of `{name, type, action, config}`.

use super::sections;
use crate::content_category::{CONTENT_CATEGORIES, ContentCategory};
use crate::draft::{
    ModerationDraft, PoliciesDraft, PolicyItemDraft, PolicyKind, PolicySettingsDraft,
};
use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::model::{OnModerationError, PolicyAction};
use crate::section::Key;
use crate::value::{self, Unit};
use crate::yaml::{At, Node, Value, shorten};

/// Canonical names of the kinds; `_` for `-` is read too.
const KINDS: &[(&str, PolicyKind)] = &[
    ("audit-logger", PolicyKind::AuditLogger),
    ("content-filter", PolicyKind::ContentFilter),
];

pub(super) const POLICIES: &[Key<PoliciesDraft>] = &[
    Key::new("chain", |policies, node, lint| {
        let chain = value::strings(node, "policies", lint);
        policies
            .chain
            .extend(chain.map(|chain| chain.value).unwrap_or_default());
    }),
    // Some documents indent the blocks below `policies`.
    Key::new("policy", read_blocks),
];

pub(super) const POLICY_ITEM: &[Key<PolicyItemDraft>] = &[
    Key::new("name", |item, node, lint| {
        item.name.set(value::string(node, lint), lint)
    }),
    Key::new("type", |item, node, lint| {
        let name = value::string(node, lint);
        item.kind.put(name.and_then(|name| {
            Some(Spanned {
                value: policy_kind(&name.value, name.at, lint)?,
                at: name.at,
            })
        }));
    }),
    Key::new("action", |item, node, lint| {
        item.settings.action.set(action(node, lint), lint)
    }),
    Key::new("config", |item, node, _| item.config = Some(node.clone())),
];

pub(super) const AUDIT_LOGGER: &[Key<PolicySettingsDraft>] = &[
    Key::new("immutable", |settings, node, lint| {
        settings.immutable.set(value::boolean(node, lint), lint)
    }),
    Key::new("retention_days", |settings, node, lint| {
        settings
            .retention_days
            .set(value::integer(node, 1..=36_500, lint), lint);
    }),
    Key::new("log_all_access", |settings, node, lint| {
        settings
            .log_all_access
            .set(value::boolean(node, lint), lint)
    }),
];

pub(super) const CONTENT_FILTER: &[Key<PolicySettingsDraft>] = &[
    Key::new("categories", |settings, node, lint| {
        settings.categories.put(categories(node, lint))
    }),
    Key::new("action", |settings, node, lint| {
        settings.action.set(action(node, lint), lint)
    }),
    Key::new("moderation", |settings, node, lint| {
        let mut moderation = ModerationDraft::default();
        sections::MODERATION.read(&mut moderation, node, lint);
        settings.moderation.put(Some(Spanned {
            value: moderation,
            at: node.at,
        }));
    }),
];

pub(super) const MODERATION: &[Key<ModerationDraft>] = &[
    Key::new("target", |moderation, node, lint| {
        moderation.target.set(value::identifier(node, lint), lint)
    }),
    Key::new("provider", |moderation, node, lint| {
        moderation.target.set(value::identifier(node, lint), lint)
    }),
    Key::new("model", |moderation, node, lint| {
        moderation.model.set(value::name(node, lint), lint)
    }),
    Key::new("timeout_ms", |moderation, node, lint| {
        moderation
            .timeout_ms
            .set(value::duration(node, Unit::Milliseconds, lint), lint);
    }),
    Key::new("on_error", |moderation, node, lint| {
        const CHOICES: &[(&str, OnModerationError)] = &[
            ("allow", OnModerationError::Allow),
            ("block", OnModerationError::Block),
        ];
        moderation
            .on_error
            .set(value::choice(node, CHOICES, lint), lint);
    }),
];

/// `policies`: a mapping or a list.
pub(super) fn read_policies(policies: &mut PoliciesDraft, node: &Node, lint: &mut Lint) {
    let Value::Sequence(items) = &node.value else {
        return sections::POLICIES.read(policies, node, lint);
    };
    for item in items.iter() {
        let mut draft = PolicyItemDraft {
            at: Some(item.at),
            ..PolicyItemDraft::default()
        };
        sections::POLICY_ITEM.read(&mut draft, item, lint);
        let PolicyItemDraft {
            kind,
            settings,
            config,
            ..
        } = &mut draft;
        if let (Some(kind), Some(config)) = (kind.copied(), config) {
            read_settings(settings, kind, config, lint);
        }
        if matches!(item.value, Value::Mapping(_)) {
            policies.list.push(draft);
        }
    }
}

/// `policy`: a mapping from kind to settings.
pub(super) fn read_blocks(policies: &mut PoliciesDraft, node: &Node, lint: &mut Lint) {
    let Value::Mapping(entries) = &node.value else {
        return lint.add(value::mismatch(
            node,
            "a mapping from policy kind to its settings",
        ));
    };
    for entry in entries.iter() {
        let Some(kind) = policy_kind(&entry.key, entry.key_at, lint) else {
            continue;
        };
        let mut settings = PolicySettingsDraft::default();
        // `audit-logger:` alone asks for the defaults.
        if !entry.value.is_null() {
            read_settings(&mut settings, kind, &entry.value, lint);
        }
        policies.blocks.push((
            Spanned {
                value: kind,
                at: entry.key_at,
            },
            settings,
        ));
    }
}

fn read_settings(
    settings: &mut PolicySettingsDraft,
    kind: PolicyKind,
    node: &Node,
    lint: &mut Lint,
) {
    match kind {
        PolicyKind::AuditLogger => sections::AUDIT_LOGGER.read(settings, node, lint),
        PolicyKind::ContentFilter => sections::CONTENT_FILTER.read(settings, node, lint),
    }
}

/// The kind called `name`, or an E001 at `at`.
pub(crate) fn policy_kind(name: &str, at: At, lint: &mut Lint) -> Option<PolicyKind> {
    let folded = name.trim().to_ascii_lowercase().replace('_', "-");
    if let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == folded) {
        return Some(*kind);
    }
    let suggestion = lint.did_you_mean(&folded, &mut KINDS.iter().map(|(name, _)| *name));
    let known = || {
        format!(
            "known are {}",
            KINDS
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let problem = Problem::new(
        Code::E001,
        at,
        format!("unknown policy kind `{}`", shorten(name)),
    );
    lint.add(problem.suggest(suggestion.unwrap_or_else(known)));
    None
}

/// The canonical name of `kind`.
pub(crate) fn kind_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::AuditLogger => "audit-logger",
        PolicyKind::ContentFilter => "content-filter",
    }
}

fn action(node: &Node, lint: &mut Lint) -> Option<Spanned<PolicyAction>> {
    const ACTIONS: &[(&str, PolicyAction)] = &[
        ("flag", PolicyAction::Flag),
        ("block", PolicyAction::Block),
        ("redact", PolicyAction::Redact),
    ];
    value::choice(node, ACTIONS, lint)
}

/// Known categories, each once. Unknown ones are reported and left out.
fn categories(node: &Node, lint: &mut Lint) -> Option<Spanned<Vec<Spanned<ContentCategory>>>> {
    let names = value::strings(node, "categories", lint)?;
    if matches!(&node.value, Value::Sequence(items) if items.is_empty()) {
        lint.add(value::mismatch(node, "at least one category"));
    }
    let mut known: Vec<Spanned<ContentCategory>> = Vec::new();
    for name in names.value {
        let Some(category) = category(&name, lint) else {
            continue;
        };
        if known.iter().any(|other| other.value == category) {
            let message = format!("`{}` is listed twice", name.value);
            lint.report(Code::E109, name.at, message);
        } else {
            known.push(Spanned {
                value: category,
                at: name.at,
            });
        }
    }
    Some(Spanned {
        value: known,
        at: names.at,
    })
}

fn category(name: &Spanned<String>, lint: &mut Lint) -> Option<ContentCategory> {
    let folded = name.value.trim().to_ascii_lowercase().replace('-', "_");
    if let Some(category) = CONTENT_CATEGORIES
        .iter()
        .find(|category| category.name() == folded)
    {
        return Some(*category);
    }
    let mut names = CONTENT_CATEGORIES.iter().map(|category| category.name());
    let suggestion = lint.did_you_mean(&folded, &mut names).unwrap_or_else(|| {
        let known: Vec<&str> = CONTENT_CATEGORIES
            .iter()
            .map(|category| category.name())
            .collect();
        format!("known are {}", known.join(", "))
    });
    let message = format!("unknown category `{}`", shorten(&name.value));
    lint.add(Problem::new(Code::E109, name.at, message).suggest(suggestion));
    None
}
