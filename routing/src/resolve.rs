//! Resolves a requested model name: to a group, or to targets from best to last choice, or to nothing.

use std::collections::HashMap;

use catalog::Provider;
use policy::order::by_rank;
use policy::{GroupId, Policy, Target, TargetId};

use crate::index::PolicyIndex;
use crate::vendor_models;

/// The meaning of a requested model name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// A group, by name or alias.
    Group(GroupId),
    /// No group: targets from best to last choice.
    Targets(Vec<Match>),
    /// No target serves it.
    Unknown,
}

/// A target for a model that is no group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The target.
    pub target: TargetId,
    /// Determines its order.
    pub fit: MatchQuality,
    /// Position in the default order.
    pub(crate) position: usize,
}

/// How well a target matches a model name; best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchQuality {
    /// The target names the model: as its own, or as a member of a group.
    Named,
    /// The model is the vendor's own.
    Vendor,
    /// The vendor serves another vendor's model under the same name.
    SameName,
    /// The target's own `model_mapping` has an entry for it.
    Mapped,
    /// Nothing is known: it follows in failover order, with `model_mapping` if there is an entry.
    Fallback,
}

/// The targets that name each model.
#[derive(Debug, Default)]
pub(crate) struct NamedModels(HashMap<String, Vec<TargetId>>);

impl PolicyIndex {
    /// Resolves `model`. A name that is no group and no alias goes to a target that names the model, else to its
    /// vendor, else through the failover order if a `model_mapping` has an entry for it.
    ///
    /// Without any groups, a name of no known vendor is assumed to be served by targets whose users name their models
    /// themselves, such as a vLLM server.
    pub fn resolve(&self, model: &str) -> Resolution {
        if let Some(group) = self.group_named(model) {
            return Resolution::Group(group);
        }
        let policy = self.policy();
        let owner = Provider::of_model(model);
        let nameless = policy.groups.is_empty() && owner.is_none();
        let choices: Vec<Match> = self
            .default_pool()
            .iter()
            .enumerate()
            .filter_map(|(position, deployment)| {
                let target = policy.target(deployment.target)?;
                let fit = if self.named_models().names(model, deployment.target) {
                    MatchQuality::Named
                } else if nameless && takes_any_name(target) {
                    MatchQuality::Vendor
                } else {
                    vendor_models::fit(target, model, owner)
                };
                Some(Match {
                    target: deployment.target,
                    fit,
                    position,
                })
            })
            .collect();
        let mapped = policy.failover.model_mapping.contains_key(model);
        if !mapped
            && choices
                .iter()
                .all(|choice| choice.fit == MatchQuality::Fallback)
        {
            return Resolution::Unknown;
        }
        Resolution::Targets(by_rank(choices, |choice| choice.fit as u64))
    }

    /// The names listed by an error: groups in document order, or for a policy without groups the known model names,
    /// sorted.
    pub fn known_models(&self) -> Vec<String> {
        let policy = self.policy();
        if !policy.groups.is_empty() {
            return policy
                .groups
                .iter()
                .map(|group| group.name.clone())
                .collect();
        }
        let mappings = policy.targets.iter().map(|target| &target.model_mapping);
        let mapped = mappings
            .chain([&policy.failover.model_mapping])
            .flat_map(|mapping| mapping.keys());
        let named = self.named_models().0.keys();
        let mut names: Vec<String> = named.chain(mapped).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl NamedModels {
    pub(crate) fn new(policy: &Policy) -> Self {
        let mut named = Self::default();
        for (position, target) in policy.targets.iter().enumerate() {
            if let Some(model) = &target.model {
                named.add(model, TargetId(position));
            }
        }
        for member in policy.groups.iter().flat_map(|group| &group.members) {
            if let Some(model) = &member.model {
                named.add(model, member.target);
            }
        }
        named
    }

    /// Whether the target names `model`.
    pub(crate) fn names(&self, model: &str, target: TargetId) -> bool {
        self.0
            .get(model)
            .is_some_and(|targets| targets.contains(&target))
    }

    fn add(&mut self, model: &str, target: TargetId) {
        let targets = self.0.entry(model.to_owned()).or_default();
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
}

fn takes_any_name(target: &Target) -> bool {
    target.model.is_none() && vendor_models::serves_any_name(target.vendor)
}
