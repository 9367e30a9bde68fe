//! The dialect of groups of targets (seed 002): `provider: vendor:kind:model`, `providers.model_groups`, aliases.

use catalog::Provider;

use super::{pack, sections, strategy};
use crate::draft::{Draft, FallbackDraft, GroupDraft, ProviderRef, TargetDraft};
use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::section::Key;
use crate::value;
use crate::yaml::Node;

/// The middle word of `vendor:kind:model`. What a target is asked for is decided by the request, so they all mean the same.
const KINDS: &[&str] = &[
    "chat",
    "completion",
    "completions",
    "embedding",
    "embeddings",
    "messages",
    "responses",
    "response",
];

pub(super) const PROVIDERS: &[Key<Draft>] = &[
    Key::new("routing", strategy::read_routing),
    Key::new("fallback", |draft, node, lint| {
        sections::FALLBACK.read(&mut draft.fallback, node, lint)
    }),
    Key::new("model_groups", pack::read_groups),
];

pub(super) const TARGET: &[Key<TargetDraft>] = &[Key::new("weight", |target, node, lint| {
    target.weight.set(pack::weight(node, lint), lint)
})];

pub(super) const GROUP: &[Key<GroupDraft>] = &[
    Key::new("targets", pack::read_members),
    Key::new("aliases", |group, node, lint| {
        let items = value::sequence(node, "names", lint).unwrap_or_default();
        let aliases = items
            .iter()
            .filter_map(|item| value::name(item, lint))
            .collect();
        group.aliases.put(Some(Spanned {
            value: aliases,
            at: node.at,
        }));
    }),
    Key::new("fallback_group", |group, node, lint| {
        group.fallback_group.set(value::string(node, lint), lint)
    }),
];

pub(super) const FALLBACK: &[Key<FallbackDraft>] = &[
    Key::new("enabled", |fallback, node, lint| {
        fallback.enabled.set(value::boolean(node, lint), lint)
    }),
    Key::new("strategy", |fallback, node, lint| {
        fallback
            .strategy
            .set(strategy::strategy_name(node, lint), lint);
    }),
    Key::new("max_retries", |fallback, node, lint| {
        fallback
            .max_attempts
            .set(value::integer(node, 0..=100, lint), lint);
    }),
    Key::without_effect("retry_on", super::reference::TRIGGERS_ARE_FIXED),
];

/// `openai`, `openai:gpt-4o`, `openai:chat:gpt-4o`, `ollama:chat:llama3.1:8b`
pub(super) fn provider_ref(node: &Node, lint: &mut Lint) -> Option<Spanned<ProviderRef>> {
    let Spanned { value: text, at } = value::string(node, lint)?;
    let (name, rest) = match text.split_once(':') {
        None => (text.as_str(), None),
        Some((name, rest)) => (name, Some(rest)),
    };
    let vendor = named_vendor(name, at, lint)?;
    let model = rest.map(|rest| match rest.split_once(':') {
        Some((kind, model)) if KINDS.contains(&kind) => model,
        Some(_) | None => rest,
    });
    if model.is_some_and(|model| {
        model.is_empty() || model.contains(char::is_whitespace) || KINDS.contains(&model)
    }) {
        lint.add(value::mismatch(
            node,
            "a vendor, or `vendor:kind:model` such as `openai:chat:gpt-4o`",
        ));
        return None;
    }
    Some(Spanned {
        value: ProviderRef {
            vendor,
            model: model.map(str::to_owned),
        },
        at,
    })
}

pub(super) fn vendor(node: &Node, lint: &mut Lint) -> Option<Spanned<Provider>> {
    let Spanned { value: text, at } = value::string(node, lint)?;
    named_vendor(&text, at, lint).map(|value| Spanned { value, at })
}

fn named_vendor(name: &str, at: crate::yaml::At, lint: &mut Lint) -> Option<Provider> {
    if let Some(vendor) = Provider::named(name) {
        return Some(vendor);
    }
    let mut names = Provider::all().flat_map(|vendor| {
        let profile = vendor.profile();
        let aliases = profile.aliases.iter().chain(profile.model_aliases);
        aliases.copied().chain([profile.name])
    });
    let suggestion = lint.did_you_mean(name, &mut names).unwrap_or_else(|| {
        "a vendor that is not listed is `openai-compatible` with a `base_url`".to_owned()
    });
    let message = format!("unknown vendor `{}`", crate::yaml::shorten(name));
    lint.add(Problem::new(Code::E109, at, message).suggest(suggestion));
    None
}
