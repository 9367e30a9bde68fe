//! Everything that can be derived from a policy before a request arrives: built once per policy load.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use policy::{
    EmbeddingSource, GroupId, Member, ModelGroup, Policy, Price, Strategy, Target, TargetId,
    Unpriced,
};

use crate::hash;
use crate::health::{self, TargetKey, Thresholds};
use crate::latency::DeploymentKey;
use crate::price;
use crate::resolve::NamedModels;
use crate::semantic::{self, BuiltInEmbedding};

/// A policy prepared for lookups. The cost per request does not grow with the number of groups.
#[derive(Debug)]
pub struct PolicyIndex {
    policy: Arc<Policy>,
    names: HashMap<String, GroupId>,
    named_models: NamedModels,
    pools: Vec<Vec<Deployment>>,
    default_pool: Vec<Deployment>,
    health_configs: Vec<HealthConfig>,
    fetches_embeddings: bool,
    /// For groups with semantic routing by the built-in embedding.
    built_in: HashMap<GroupId, BuiltInEmbedding>,
}

/// A (target, model) pair that a plan may contain, with defaults applied.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) target: TargetId,
    pub(crate) member: Option<(GroupId, usize)>,
    /// The model sent to the target; `None` if it depends on the client's name.
    pub(crate) model: Option<Arc<str>>,
    pub(crate) weight: Option<u32>,
    pub(crate) timeout_ms: u64,
    pub(crate) tag: Option<Arc<str>>,
    pub(crate) region: Option<Arc<str>>,
    /// The member's or target's price, or the list price if the model is fixed.
    pub(crate) price: Option<Price>,
    pub(crate) context_window: Option<u32>,
    /// The target has no address.
    pub(crate) unreachable: bool,
    /// Derived from names in the policy only, so that it is equal on every machine and survives a change of address.
    pub(crate) identity: u64,
}

/// The health configuration of one target.
#[derive(Debug)]
struct HealthConfig {
    key: TargetKey,
    thresholds: Thresholds,
    callouts_key: TargetKey,
    callouts_thresholds: Thresholds,
}

impl PolicyIndex {
    /// Indexes `policy`.
    pub fn new(policy: Arc<Policy>) -> Self {
        let mut names = HashMap::new();
        for (position, group) in policy.groups.iter().enumerate() {
            for name in std::iter::once(&group.name).chain(&group.aliases) {
                names.entry(name.clone()).or_insert(GroupId(position));
            }
        }
        let health_configs = policy.targets.iter().map(HealthConfig::of).collect();
        let mut interner = Interner::default();
        let pools = (0..policy.groups.len())
            .map(|group| group_pool(&policy, GroupId(group), &mut interner))
            .collect();
        let default_pool: Vec<Deployment> = policy
            .default_order
            .iter()
            .filter_map(|&id| Some(Deployment::of_target(id, policy.target(id)?, &mut interner)))
            .collect();
        let named_models = NamedModels::new(&policy);
        Self {
            names,
            named_models,
            pools,
            default_pool,
            health_configs,
            fetches_embeddings: policy.groups.iter().any(fetches_embeddings),
            built_in: built_in(&policy),
            policy,
        }
    }

    /// The policy.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The group with this name or alias.
    pub fn group_named(&self, name: &str) -> Option<GroupId> {
        self.names.get(name).copied()
    }

    /// Key and thresholds of `target` for [`health::HealthTable`]. `None` only for an id of another policy.
    pub fn health_config(&self, target: TargetId) -> Option<(TargetKey, &Thresholds)> {
        self.health_configs
            .get(target.0)
            .map(|config| (config.key, &config.thresholds))
    }

    /// The same for the gateway's own requests to `target`, such as embeddings and moderation.
    pub fn callout_health_config(&self, target: TargetId) -> Option<(TargetKey, &Thresholds)> {
        self.health_configs
            .get(target.0)
            .map(|config| (config.callouts_key, &config.callouts_thresholds))
    }

    /// The keys of latency samples of `target`: one for each model that groups send it, and one for all other models.
    pub fn deployment_keys(&self, target: TargetId) -> Vec<DeploymentKey> {
        let mut deployments: Vec<DeploymentKey> = self
            .pools
            .iter()
            .flatten()
            .chain(&self.default_pool)
            .filter(|deployment| deployment.target == target)
            .map(Deployment::key)
            .collect();
        deployments.sort_unstable();
        deployments.dedup();
        deployments
    }

    /// The embedding source for routing `model`: embed the last user message for
    /// [`Request::query_embedding`](crate::Request::query_embedding).
    pub fn embedding_for(&self, model: &str) -> Option<(GroupId, &EmbeddingSource)> {
        let id = self.group_named(model)?;
        match &self.policy.group(id)?.strategy {
            Strategy::Semantic(settings) => Some((id, settings.embedding.as_ref()?)),
            _ => None,
        }
    }

    /// Some group routes by embeddings of a provider.
    pub fn fetches_embeddings(&self) -> bool {
        self.fetches_embeddings
    }

    /// Groups whose members' texts must be embedded, and those texts, for [`crate::StrategyState::set_embeddings`].
    pub fn embedding_texts(&self) -> Vec<(GroupId, &EmbeddingSource, Vec<&str>)> {
        let groups = self.policy.groups.iter().enumerate();
        groups
            .filter_map(|(position, group)| match &group.strategy {
                Strategy::Semantic(settings) => {
                    let texts = group.members.iter().flat_map(semantic::texts).collect();
                    Some((GroupId(position), settings.embedding.as_ref()?, texts))
                }
                _ => None,
            })
            .collect()
    }

    /// The key of latency samples of a group's member.
    pub fn deployment_key(&self, group: GroupId, member: usize) -> Option<DeploymentKey> {
        self.pool(group).get(member).map(Deployment::key)
    }

    /// Similarity of `message` to each member by the built-in embedding; `None` if the group does not use it.
    pub fn built_in_similarities(&self, group: GroupId, message: &str) -> Option<Vec<f32>> {
        Some(self.built_in(group)?.similarities(message))
    }

    pub(crate) fn built_in(&self, group: GroupId) -> Option<&BuiltInEmbedding> {
        self.built_in.get(&group)
    }

    /// Members of a group in failover order.
    pub(crate) fn pool(&self, group: GroupId) -> &[Deployment] {
        self.pools.get(group.0).map_or(&[], Vec::as_slice)
    }

    /// All targets in failover order.
    pub(crate) fn default_pool(&self) -> &[Deployment] {
        &self.default_pool
    }

    pub(crate) fn named_models(&self) -> &NamedModels {
        &self.named_models
    }
}

impl Deployment {
    fn of_member(
        at: (GroupId, usize),
        member: &Member,
        target: &Target,
        unpriced: Unpriced,
        interner: &mut Interner,
    ) -> Self {
        let model = member.model.as_deref().or(target.model.as_deref());
        let identity = identity(target, model);
        Self {
            target: member.target,
            member: Some(at),
            model: interner.shared(model),
            weight: member.weight.or(target.weight),
            timeout_ms: member.timeout_ms,
            tag: interner.shared(member.tag.as_deref()),
            region: interner.shared(member.region.as_deref().or(target.region.as_deref())),
            price: member
                .price
                .or(target.price)
                .or_else(|| price::listed_or_assumed(unpriced, target, model?)),
            context_window: member.context_window,
            unreachable: target.endpoint_variable.is_some(),
            identity,
        }
    }

    fn of_target(id: TargetId, target: &Target, interner: &mut Interner) -> Self {
        let identity = identity(target, None);
        Self {
            target: id,
            member: None,
            model: None,
            weight: target.weight,
            timeout_ms: target.timeout_ms,
            tag: None,
            region: interner.shared(target.region.as_deref()),
            price: target.price,
            context_window: None,
            unreachable: target.endpoint_variable.is_some(),
            identity,
        }
    }

    /// The key of its latency samples.
    pub(crate) fn key(&self) -> DeploymentKey {
        DeploymentKey(self.identity)
    }
}

impl HealthConfig {
    fn of(target: &Target) -> Self {
        Self {
            key: health::target_key(target),
            thresholds: Thresholds::of(target),
            callouts_key: health::callouts_key(health::target_key(target)),
            callouts_thresholds: Thresholds::of_callouts(target),
        }
    }
}

fn fetches_embeddings(group: &ModelGroup) -> bool {
    matches!(&group.strategy, Strategy::Semantic(settings) if settings.embedding.is_some())
}

fn built_in(policy: &Policy) -> HashMap<GroupId, BuiltInEmbedding> {
    let groups = policy.groups.iter().enumerate();
    groups
        .filter(|(_, group)| {
            matches!(&group.strategy, Strategy::Semantic(settings) if settings.embedding.is_none())
        })
        .map(|(position, group)| (GroupId(position), BuiltInEmbedding::new(&group.members)))
        .collect()
}

fn group_pool(policy: &Policy, id: GroupId, interner: &mut Interner) -> Vec<Deployment> {
    let members = policy
        .group(id)
        .map_or(&[][..], |group| group.members.as_slice());
    members
        .iter()
        .enumerate()
        .filter_map(|(position, member)| {
            let target = policy.target(member.target)?;
            Some(Deployment::of_member(
                (id, position),
                member,
                target,
                policy.gateway.unpriced,
                interner,
            ))
        })
        .collect()
}

/// Interns strings: thousands of groups share a handful of models.
#[derive(Default)]
struct Interner(HashSet<Arc<str>>);

impl Interner {
    fn shared(&mut self, word: Option<&str>) -> Option<Arc<str>> {
        let word = word?;
        if let Some(known) = self.0.get(word) {
            return Some(Arc::clone(known));
        }
        let word: Arc<str> = Arc::from(word);
        self.0.insert(Arc::clone(&word));
        Some(word)
    }
}

fn identity(target: &Target, model: Option<&str>) -> u64 {
    hash::of_parts(&[target.id.as_bytes(), model.unwrap_or_default().as_bytes()])
}
