//! The pack dialect (seeds 000 and 001): `pack`, provider blocks with base URLs, top-level `model_groups[].models[]`.

use super::{groups, policies, sections, strategy};
use crate::draft::{
    Draft, GroupDraft, MemberDraft, PackDraft, PriceDraft, SecretKeyRefDraft, TargetDraft,
};
use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::model::{BaseUrl, Credential};
use crate::section::{Key, Slot};
use crate::value::{self, Unit};
use crate::yaml::{Node, Value};

pub(super) const ROOT: &[Key<Draft>] = &[
    Key::new("pack", |draft, node, lint| {
        sections::PACK.read(&mut draft.pack, node, lint)
    }),
    Key::new("providers", read_providers),
    Key::new("model_groups", read_groups),
    Key::new("policies", |draft, node, lint| {
        policies::read_policies(&mut draft.policies, node, lint)
    }),
    Key::new("policy", |draft, node, lint| {
        policies::read_blocks(&mut draft.policies, node, lint)
    }),
];

pub(super) const PACK: &[Key<PackDraft>] = &[
    Key::new("name", |pack, node, lint| {
        pack.name.set(value::string(node, lint), lint)
    }),
    Key::new("version", |pack, node, lint| {
        pack.version.set(value::string(node, lint), lint)
    }),
    Key::new("enabled", |pack, node, lint| {
        pack.enabled.set(value::boolean(node, lint), lint)
    }),
    Key::without_effect("description", "it is for readers only"),
];

pub(super) const PROVIDERS: &[Key<Draft>] = &[Key::new("targets", read_targets)];

pub(super) const TARGET: &[Key<TargetDraft>] = &[
    Key::new("id", |target, node, lint| {
        target.id.set(value::identifier(node, lint), lint)
    }),
    // Seed 001 calls it so in its summary.
    Key::new("name", |target, node, lint| {
        target.id.set(value::identifier(node, lint), lint)
    }),
    Key::new("provider", |target, node, lint| match &node.value {
        Value::Mapping(_) => sections::PROVIDER.read(target, node, lint),
        Value::Scalar(_) | Value::Sequence(_) => {
            target.provider.set(groups::provider_ref(node, lint), lint);
        }
    }),
    Key::new("secret_key_ref", |target, node, lint| {
        target.credential.set(secret_key_ref(node, lint), lint);
    }),
];

pub(super) const PROVIDER: &[Key<TargetDraft>] = &[
    Key::new("base_url", |target, node, lint| {
        target.base_url.set(base_url(node, lint), lint)
    }),
    Key::new("type", |target, node, lint| {
        target.kind.set(groups::vendor(node, lint), lint)
    }),
    Key::new("secret_key_ref", |target, node, lint| {
        target.credential.set(secret_key_ref(node, lint), lint);
    }),
];

pub(super) const SECRET_KEY_REF: &[Key<SecretKeyRefDraft>] = &[
    Key::new("env", |secret, node, lint| {
        secret.env.put(variable_name(node, lint))
    }),
    Key::new("store", |secret, node, lint| {
        secret.store.put(file_name(node, lint))
    }),
];

pub(super) const GROUP: &[Key<GroupDraft>] = &[
    Key::new("name", |group, node, lint| {
        group.name.set(value::name(node, lint), lint)
    }),
    Key::new("models", read_members),
    Key::new("strategy", |group, node, lint| {
        group
            .strategy
            .strategy
            .set(strategy::strategy_name(node, lint), lint);
    }),
    Key::new("routing", |group, node, lint| {
        group
            .strategy
            .strategy
            .set(strategy::strategy_name(node, lint), lint);
    }),
    Key::new("session_affinity", |group, node, lint| {
        group.session_affinity.set(value::boolean(node, lint), lint)
    }),
];

pub(super) const MEMBER: &[Key<MemberDraft>] = &[
    Key::new("provider", |member, node, lint| {
        member.provider.set(value::string(node, lint), lint)
    }),
    Key::new("model", |member, node, lint| {
        member.model.set(value::name(node, lint), lint)
    }),
    Key::new("weight", |member, node, lint| {
        member.weight.set(weight(node, lint), lint)
    }),
    Key::new("priority", |member, node, lint| {
        member.priority.set(priority(node, lint), lint)
    }),
    Key::new("timeout_ms", |member, node, lint| {
        member
            .timeout_ms
            .set(value::duration(node, Unit::Milliseconds, lint), lint);
    }),
    Key::new("tag", |member, node, lint| {
        member.tag.set(value::name(node, lint), lint)
    }),
    Key::new("region", |member, node, lint| {
        member.region.set(value::name(node, lint), lint)
    }),
    Key::new("cost_per_1k_input", |member, node, lint| {
        read_price_input(&mut member.price, node, lint)
    }),
    Key::new("cost_per_1k_output", |member, node, lint| {
        read_price_output(&mut member.price, node, lint)
    }),
];

fn read_providers(draft: &mut Draft, node: &Node, lint: &mut Lint) {
    match &node.value {
        // `providers[].priority`, as the summaries of seeds 001 and 003 have it.
        Value::Sequence(_) => read_targets(draft, node, lint),
        Value::Mapping(_) => sections::PROVIDERS.read(draft, node, lint),
        Value::Scalar(_) => {
            sections::PROVIDERS.read(draft, node, lint);
            draft.target_list.put(None);
        }
    }
}

fn read_targets(draft: &mut Draft, node: &Node, lint: &mut Lint) {
    let items = list(&mut draft.target_list, node, "targets", lint);
    for item in items {
        let mut target = TargetDraft {
            at: Some(item.at),
            ..TargetDraft::default()
        };
        sections::TARGET.read(&mut target, item, lint);
        // What is no mapping is no target: further complaints about it would only repeat the first.
        match &item.value {
            Value::Mapping(_) => draft.targets.push(target),
            Value::Scalar(_) | Value::Sequence(_) => draft.target_list.put(None),
        }
    }
}

pub(super) fn read_groups(draft: &mut Draft, node: &Node, lint: &mut Lint) {
    for item in value::sequence(node, "model groups", lint).unwrap_or_default() {
        let mut group = GroupDraft {
            at: Some(item.at),
            ..GroupDraft::default()
        };
        sections::GROUP.read(&mut group, item, lint);
        if matches!(item.value, Value::Mapping(_)) {
            draft.groups.push(group);
        }
    }
}

/// A list of `{provider, model, …}` or of target ids.
pub(super) fn read_members(group: &mut GroupDraft, node: &Node, lint: &mut Lint) {
    let items = list(&mut group.member_list, node, "members", lint);
    for item in items {
        let mut member = MemberDraft {
            at: Some(item.at),
            ..MemberDraft::default()
        };
        match &item.value {
            Value::Scalar(_) => member.provider.put(value::string(item, lint)),
            Value::Mapping(_) | Value::Sequence(_) => {
                sections::MEMBER.read(&mut member, item, lint)
            }
        }
        match &item.value {
            Value::Scalar(_) | Value::Mapping(_) => group.members.push(member),
            Value::Sequence(_) => group.member_list.put(None),
        }
    }
}

/// The items of `node`, with a note in `given` that there is such a list.
fn list<'n>(given: &mut Slot<()>, node: &'n Node, of: &str, lint: &mut Lint) -> &'n [Node] {
    let items = value::sequence(node, of, lint);
    given.put(items.map(|_| Spanned {
        value: (),
        at: node.at,
    }));
    items.unwrap_or_default()
}

pub(super) fn weight(node: &Node, lint: &mut Lint) -> Option<Spanned<u32>> {
    value::integer(node, 0..=1_000_000, lint)
}

pub(super) fn priority(node: &Node, lint: &mut Lint) -> Option<Spanned<u32>> {
    value::integer(node, 0..=1_000_000, lint)
}

pub(super) fn read_price_input(price: &mut PriceDraft, node: &Node, lint: &mut Lint) {
    price.input.set(usd(node, lint), lint);
}

pub(super) fn read_price_output(price: &mut PriceDraft, node: &Node, lint: &mut Lint) {
    price.output.set(usd(node, lint), lint);
}

pub(super) fn usd(node: &Node, lint: &mut Lint) -> Option<Spanned<f64>> {
    value::number(node, 0.0..=1e4, lint)
}

pub(super) fn base_url(node: &Node, lint: &mut Lint) -> Option<Spanned<BaseUrl>> {
    let Spanned { value, at } = value::string(node, lint)?;
    match value.trim().parse() {
        Ok(value) => Some(Spanned { value, at }),
        // The text may hold a password, or a key in its query.
        Err(error) => {
            let error: crate::base_url::InvalidBaseUrl = error;
            lint.add(Problem::new(Code::E109, at, format!("bad base_url: {error}")).sensitive());
            None
        }
    }
}

pub(super) fn secret_key_ref(node: &Node, lint: &mut Lint) -> Option<Spanned<Credential>> {
    let mut secret = SecretKeyRefDraft::default();
    match &node.value {
        Value::Scalar(scalar) if !scalar.is_null() => {
            let problem = Problem::new(
                Code::E109,
                node.at,
                "secret_key_ref is a mapping, not the key or its name",
            );
            lint.add(
                problem
                    .suggest("write `secret_key_ref: {env: NAME_OF_A_VARIABLE}`".to_owned())
                    .sensitive(),
            );
            return None;
        }
        Value::Mapping(_) => sections::SECRET_KEY_REF.read(&mut secret, node, lint),
        Value::Scalar(_) | Value::Sequence(_) => {}
    }
    match (secret.env.given(), secret.store.given()) {
        (Some(_), Some(store)) => {
            lint.report(
                Code::E109,
                store.at,
                "secret_key_ref has both `env` and `store`: give one of them",
            );
            None
        }
        (Some(env), None) => Some(Spanned {
            value: Credential::Env(env.value.clone()),
            at: env.at,
        }),
        (None, Some(store)) => Some(Spanned {
            value: Credential::Store(store.value.clone()),
            at: store.at,
        }),
        (None, None) => {
            if secret.env.is_absent() && secret.store.is_absent() {
                let message = "Missing secret_key_ref: it names neither `env` nor `store`";
                lint.report(Code::E104, node.at, message);
            }
            None
        }
    }
}

/// Whoever pastes a key here is told so, without repeating the key.
fn variable_name(node: &Node, lint: &mut Lint) -> Option<Spanned<String>> {
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    secret_name(
        node,
        is_name,
        "the name of an environment variable (letters, digits, `_`), not the key itself",
        lint,
    )
}

/// One segment of a path, and also the name of a variable's file in the secrets folder.
fn file_name(node: &Node, lint: &mut Lint) -> Option<Spanned<String>> {
    let is_name = |text: &str| {
        !text.starts_with('.')
            && (1..=128).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    secret_name(
        node,
        is_name,
        "the name of a file in the secrets folder (letters, digits, `_`, `-`, `.`)",
        lint,
    )
}

fn secret_name(
    node: &Node,
    is_name: impl Fn(&str) -> bool,
    expected: &str,
    lint: &mut Lint,
) -> Option<Spanned<String>> {
    match &node.value {
        Value::Scalar(scalar) if is_name(&scalar.text) && !scalar.is_null() => Some(Spanned {
            value: scalar.text.to_string(),
            at: node.at,
        }),
        Value::Scalar(_) | Value::Sequence(_) | Value::Mapping(_) => {
            lint.add(Problem::new(Code::E109, node.at, format!("expected {expected}")).sensitive());
            None
        }
    }
}
