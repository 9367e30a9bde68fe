//! Everything about a policy that can be worked out before a request comes: built once per policy load.

use std::collections::HashMap;
use std::sync::Arc;

use policy::{GroupId, Member, Policy, Price, Target, TargetId, Vendor};

use crate::hash;
use crate::health::{self, TargetKey, Thresholds};
use crate::latency::PairKey;
use crate::vendor_models;

/// A policy prepared for lookups. Its cost per request does not grow with the number of groups.
#[derive(Debug)]
pub struct PolicyIndex {
    policy: Arc<Policy>,
    names: HashMap<String, GroupId>,
    /// Positions in `default_pool` of targets that name a model: in `model`, `model_mapping` or as a group's member.
    named: HashMap<String, Vec<usize>>,
    pools: Vec<Vec<Candidate>>,
    default_pool: Vec<Candidate>,
    vitals: Vec<Vitals>,
}

/// What the health machine needs of one target.
#[derive(Debug)]
pub(crate) struct Vitals {
    pub(crate) key: TargetKey,
    pub(crate) thresholds: Thresholds,
}

/// One (target, model) pair that a plan may name, with defaults filled in.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) target: TargetId,
    pub(crate) member: Option<(GroupId, usize)>,
    /// Model sent to the target; `None` when it depends on the client's name.
    pub(crate) model: Option<Arc<str>>,
    pub(crate) weight: Option<u32>,
    pub(crate) timeout_ms: u64,
    pub(crate) tag: Option<Arc<str>>,
    pub(crate) region: Option<Arc<str>>,
    pub(crate) price: Option<Price>,
    pub(crate) context_window: Option<u32>,
    /// Same on every machine; what rendezvous hashing hashes.
    pub(crate) identity: u64,
    pub(crate) pair: PairKey,
}

/// What a requested model name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// A group, by name or alias.
    Group(GroupId),
    /// No group: targets from best to last choice.
    Targets(Vec<Choice>),
    /// Nobody serves it.
    Unknown,
}

/// One target for a model that is no group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Position in the default order.
    pub(crate) position: usize,
    /// Smaller serves first; the strategy picks the head among the smallest that can serve.
    pub(crate) class: u8,
    /// The target serves the client's model under the client's name.
    pub(crate) knows: bool,
}

impl PolicyIndex {
    /// Prepares `policy`.
    pub fn new(policy: Arc<Policy>) -> Self {
        let mut names = HashMap::new();
        for (position, group) in policy.groups.iter().enumerate() {
            for name in std::iter::once(&group.name).chain(&group.aliases) {
                names.entry(name.clone()).or_insert(GroupId(position));
            }
        }
        let vitals: Vec<Vitals> = policy
            .targets
            .iter()
            .map(|target| Vitals {
                key: health::target_key(target),
                thresholds: Thresholds::of(target),
            })
            .collect();
        let pools = policy
            .groups
            .iter()
            .enumerate()
            .map(|(group, model_group)| {
                let members = model_group.members.iter().enumerate();
                members
                    .filter_map(|(position, member)| {
                        let target = policy.target(member.target)?;
                        Some(Candidate::of_member(
                            (GroupId(group), position),
                            member,
                            target,
                        ))
                    })
                    .collect()
            })
            .collect();
        let default_pool: Vec<Candidate> = policy
            .default_order
            .iter()
            .filter_map(|&id| Some(Candidate::of_target(id, policy.target(id)?)))
            .collect();
        let named = named_models(&policy, &default_pool);
        Self {
            names,
            named,
            pools,
            default_pool,
            vitals,
            policy,
        }
    }

    /// The policy behind it.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The group that `name` names, by its own name or an alias.
    pub fn group_named(&self, name: &str) -> Option<GroupId> {
        self.names.get(name).copied()
    }

    /// Key and limits of `target` for [`health::HealthTable`].
    pub fn health_of(&self, target: TargetId) -> Option<(TargetKey, &Thresholds)> {
        self.vitals
            .get(target.0)
            .map(|vitals| (vitals.key, &vitals.thresholds))
    }

    /// What `model` stands for (contract §1, "requested model is no group and no alias").
    pub fn resolve(&self, model: &str) -> Resolution {
        match self.group_named(model) {
            Some(group) => Resolution::Group(group),
            None => self.resolve_target_model(model),
        }
    }

    /// What a refusal lists as known: groups in document order, or the model names of a policy without groups.
    pub fn known_models(&self) -> Vec<String> {
        if self.policy.groups.is_empty() {
            let mut names: Vec<String> = self
                .named
                .keys()
                .chain(self.policy.failover.model_mapping.keys())
                .cloned()
                .collect();
            names.sort();
            names.dedup();
            names
        } else {
            self.policy
                .groups
                .iter()
                .map(|group| group.name.clone())
                .collect()
        }
    }

    /// Whether `model` belongs to the target's vendor.
    pub(crate) fn knows_by_vendor(&self, target: TargetId, model: &str) -> bool {
        self.policy
            .target(target)
            .is_some_and(|target| vendor_models::rank(target.vendor, model).is_some())
    }

    pub(crate) fn pool(&self, group: GroupId) -> &[Candidate] {
        self.pools.get(group.0).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn default_pool(&self) -> &[Candidate] {
        &self.default_pool
    }

    fn resolve_target_model(&self, model: &str) -> Resolution {
        let named = self.named.get(model).map_or(&[][..], Vec::as_slice);
        let anyone_may_serve = self.policy.groups.is_empty() && Vendor::of_model(model).is_none();
        let mut choices: Vec<Choice> = Vec::with_capacity(self.default_pool.len());
        let mut served =
            !named.is_empty() || self.policy.failover.model_mapping.contains_key(model);
        for (position, candidate) in self.default_pool.iter().enumerate() {
            let Some(target) = self.policy.target(candidate.target) else {
                continue;
            };
            let rank = if named.contains(&position) {
                Some(0)
            } else if let Some(rank) = vendor_models::rank(target.vendor, model) {
                Some(rank.saturating_add(1))
            } else if anyone_may_serve
                && target.model.is_none()
                && vendor_models::serves_any_name(target.vendor)
            {
                Some(1)
            } else {
                None
            };
            served |= rank.is_some();
            choices.push(Choice {
                position,
                class: rank.unwrap_or(u8::MAX),
                knows: rank.is_some(),
            });
        }
        if !served {
            return Resolution::Unknown;
        }
        choices.sort_by_key(|choice| choice.class);
        Resolution::Targets(choices)
    }

    /// The model name that `candidate` is sent for the client's `model`.
    ///
    /// `knows`: the target serves that name itself. `first`: it is the first choice.
    pub(crate) fn model_name(
        &self,
        candidate: &Candidate,
        model: &str,
        knows: bool,
        first: bool,
    ) -> Arc<str> {
        if let Some(fixed) = &candidate.model {
            return Arc::clone(fixed);
        }
        let target = self.policy.target(candidate.target);
        let own_mapping = target.and_then(|target| target.model_mapping.get(model));
        let mapping = self.policy.failover.model_mapping.get(model);
        let name = match (own_mapping, mapping) {
            (Some(own), _) => own,
            (None, _) if knows && first => model,
            (None, Some(mapped))
                if knows
                    && !target.is_some_and(|target| {
                        vendor_models::rank(target.vendor, mapped).is_some()
                    }) =>
            {
                model
            }
            (None, Some(mapped)) => target
                .and_then(|target| target.model.as_ref())
                .filter(|_| !knows)
                .unwrap_or(mapped),
            (None, None) if knows => model,
            (None, None) => target
                .and_then(|target| target.model.as_deref())
                .unwrap_or(model),
        };
        Arc::from(name)
    }
}

impl Candidate {
    fn of_member(at: (GroupId, usize), member: &Member, target: &Target) -> Self {
        let model = member.model.as_deref();
        Self {
            target: member.target,
            member: Some(at),
            model: model.map(Arc::from),
            weight: member.weight.or(target.weight),
            timeout_ms: member.timeout_ms,
            tag: member.tag.as_deref().map(Arc::from),
            region: member
                .region
                .as_deref()
                .or(target.region.as_deref())
                .map(Arc::from),
            price: member.price.or(target.price),
            context_window: member.context_window,
            identity: identity(target, model),
            pair: PairKey(identity(target, model)),
        }
    }

    fn of_target(id: TargetId, target: &Target) -> Self {
        Self {
            target: id,
            member: None,
            model: None,
            weight: target.weight,
            timeout_ms: target.timeout_ms,
            tag: None,
            region: target.region.as_deref().map(Arc::from),
            price: target.price,
            context_window: None,
            identity: identity(target, None),
            pair: PairKey(identity(target, None)),
        }
    }
}

/// The user's own names only, so that conversations stay where they are when an address changes.
fn identity(target: &Target, model: Option<&str>) -> u64 {
    hash::of_parts(&[target.id.as_bytes(), model.unwrap_or_default().as_bytes()])
}

fn named_models(policy: &Policy, default_pool: &[Candidate]) -> HashMap<String, Vec<usize>> {
    let mut named: HashMap<String, Vec<usize>> = HashMap::new();
    let mut add = |model: &str, position: usize| {
        let positions = named.entry(model.to_owned()).or_default();
        if !positions.contains(&position) {
            positions.push(position);
        }
    };
    let mut position_of: HashMap<TargetId, usize> = HashMap::new();
    for (position, candidate) in default_pool.iter().enumerate() {
        position_of.insert(candidate.target, position);
        let Some(target) = policy.target(candidate.target) else {
            continue;
        };
        for model in target.model.iter().chain(target.model_mapping.keys()) {
            add(model, position);
        }
    }
    for member in policy.groups.iter().flat_map(|group| &group.members) {
        if let (Some(model), Some(&position)) = (&member.model, position_of.get(&member.target)) {
            add(model, position);
        }
    }
    named
}
