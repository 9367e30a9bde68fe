//! Puts a policy together from deployments of models.

use std::collections::BTreeMap;

use catalog::{PathLayout, Provider};
use serde_json::{Map, Value, json};

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeySource {
    /// This variable.
    Variable(String),
    /// It stood in the configuration itself, or nowhere; the policy names a secret of this name.
    Secret(String),
    /// None is needed.
    None,
}

impl KeySource {
    /// The secret that `name` becomes as a variable's name: `anthropic-prod` is ANTHROPIC_PROD.
    pub(super) fn secret(name: &str) -> Self {
        Self::Secret(name.replace('-', "_").to_uppercase())
    }

    /// The secret of a provider's key where the configuration has no name for it.
    pub(super) fn secret_of(provider: Provider) -> Self {
        Self::secret(&format!("{}_API_KEY", provider.name()))
    }
}

/// A server of a provider, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) provider: Provider,
    pub(super) base_url: Option<String>,
    pub(super) api_version: Option<String>,
    pub(super) aws_region: Option<String>,
    pub(super) key: KeySource,
}

/// A model at a server, as member of a group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deployment {
    pub(super) server: Server,
    pub(super) model: String,
    pub(super) weight: Option<u64>,
    pub(super) timeout_ms: Option<u64>,
    /// US dollars per 1,000 tokens, input and output.
    pub(super) price: Option<(f64, f64)>,
    pub(super) context_window: Option<u64>,
}

/// Names that clients ask for, and who serves them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    /// As policies write it; `None` leaves the choice to the policy's rules.
    pub(super) strategy: Option<&'static str>,
    pub(super) members: Vec<Deployment>,
    pub(super) fallback_group: Option<String>,
}

impl Group {
    /// A group without aliases and without one that follows it.
    pub(super) fn new(
        name: impl Into<String>,
        strategy: Option<&'static str>,
        members: Vec<Deployment>,
    ) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            strategy,
            members,
            fallback_group: None,
        }
    }

    /// Only one strategy has weights; lint warns of them where they have no effect.
    pub(super) fn drop_unused_weights(&mut self) {
        if self.strategy != Some("weighted_round_robin") {
            for member in &mut self.members {
                member.weight = None;
            }
        }
    }
}

/// The policy. `notes` get the secrets that have to be stored.
pub(super) fn policy(
    groups: &[Group],
    settings: Map<String, Value>,
    notes: &mut Vec<String>,
) -> Value {
    let mut targets: Vec<(String, &Server)> = Vec::new();
    for deployment in groups.iter().flat_map(|group| &group.members) {
        if !targets
            .iter()
            .any(|(_, known)| *known == &deployment.server)
        {
            targets.push((free_id(&targets, &deployment.server), &deployment.server));
        }
    }
    let id_of = |server: &Server| {
        let found = targets.iter().find(|(_, known)| *known == server);
        found.map_or("", |(id, _)| id.as_str())
    };
    let mut secrets: Vec<&str> = Vec::new();
    for (_, server) in &targets {
        if let KeySource::Secret(name) = &server.key
            && !secrets.contains(&name.as_str())
        {
            secrets.push(name);
        }
    }
    let mut document = json!({
        "providers": {"targets": targets.iter().map(|(id, server)| target(id, server)).collect::<Vec<_>>()},
        "model_groups": groups.iter().map(|group| model_group(group, &id_of)).collect::<Vec<_>>(),
    });
    for (name, value) in settings {
        document[name] = value;
    }
    for name in secrets {
        notes.push(format!(
            "store the key {name}: keys are not copied; put it into the secrets folder, or set a variable of this name"
        ));
    }
    document
}

/// The provider's name, with a number from the second server of the same provider on.
fn free_id(targets: &[(String, &Server)], server: &Server) -> String {
    let name = server.provider.name();
    let count = targets
        .iter()
        .filter(|(_, known)| known.provider == server.provider)
        .count();
    match count {
        0 => name.to_owned(),
        more => format!("{name}-{}", more + 1),
    }
}

fn target(id: &str, server: &Server) -> Value {
    let mut target = json!({"id": id, "provider": server.provider.name()});
    if let Some(base_url) = &server.base_url {
        target["base_url"] = base_url.as_str().into();
    }
    if let Some(version) = &server.api_version
        && server.provider.profile().layout == PathLayout::Deployments
    {
        target["api_version"] = version.as_str().into();
    }
    if let Some(region) = &server.aws_region {
        target["aws_sigv4_region"] = region.as_str().into();
        return target;
    }
    match &server.key {
        KeySource::Variable(name) => target["secret_key_ref"] = json!({"env": name}),
        KeySource::Secret(name) => target["secret_key_ref"] = json!({"store": name}),
        KeySource::None => {}
    }
    target
}

fn model_group<'a>(group: &Group, id_of: &impl Fn(&Server) -> &'a str) -> Value {
    let mut out = json!({"name": group.name});
    if !group.aliases.is_empty() {
        out["aliases"] = json!(group.aliases);
    }
    if let Some(strategy) = group.strategy {
        out["strategy"] = strategy.into();
    }
    let models = group.members.iter().map(|deployment| {
        let mut member = json!({"provider": id_of(&deployment.server), "model": deployment.model});
        let numbers: BTreeMap<&str, Option<u64>> = BTreeMap::from([
            ("weight", deployment.weight),
            ("timeout_ms", deployment.timeout_ms),
            ("context_window", deployment.context_window),
        ]);
        for (name, number) in numbers {
            if let Some(number) = number {
                member[name] = number.into();
            }
        }
        if let Some((input, output)) = deployment.price {
            member["cost_per_1k_input"] = input.into();
            member["cost_per_1k_output"] = output.into();
        }
        member
    });
    out["models"] = models.collect();
    if let Some(fallback) = &group.fallback_group {
        out["fallback_group"] = fallback.as_str().into();
    }
    out
}
