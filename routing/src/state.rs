//! The state that plans are made from: shared snapshots, and what one worker keeps.

use std::collections::HashMap;

use policy::{GroupId, TargetId};

use crate::health::HealthTable;
use crate::index::PolicyIndex;
use crate::latency::{DeploymentKey, LatencySnapshot, LocalWindow};
use crate::semantic::FetchedEmbeddings;
use crate::strategy::exploration::Exploration;
use crate::strategy::slow_start::SlowStart;
use crate::strategy::wrr::WrrState;

/// Snapshots of shared state at one moment.
#[derive(Clone, Copy)]
pub struct StateSnapshot<'a> {
    /// Health of every target.
    pub health: &'a HealthTable,
    /// Latency and throughput of every (target, model).
    pub latency: &'a LatencySnapshot,
    /// Targets whose provider's budget is exhausted.
    pub over_budget: &'a [TargetId],
    /// Targets whose spending counts against a budget.
    pub budgeted: Budgeted<'a>,
}

/// See [`StateSnapshot::budgeted`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Budgeted<'a> {
    /// There is no budget.
    #[default]
    None,
    /// These have a provider budget.
    Targets(&'a [TargetId]),
    /// The key that pays has a budget, whatever it is spent on.
    All,
}

impl Budgeted<'_> {
    pub(crate) fn contains(self, target: TargetId) -> bool {
        match self {
            Self::None => false,
            Self::Targets(targets) => targets.contains(&target),
            Self::All => true,
        }
    }
}

/// What strategies of one worker remember between plans. Belongs to one [`crate::PolicyIndex`]: create a new one after
/// a reload.
#[derive(Debug, Clone, Default)]
pub struct StrategyState {
    counters: StrategyCounters,
    /// The counters as they would be if no candidate of the group had been excluded. Only for groups with excluded
    /// candidates.
    counterfactual: HashMap<Option<GroupId>, StrategyCounters>,
    embeddings: HashMap<GroupId, FetchedEmbeddings>,
}

/// What strategies count from plan to plan.
#[derive(Debug, Clone, Default)]
struct StrategyCounters {
    /// By group; `None` is for models that are no group.
    wrr: HashMap<Option<GroupId>, WrrState>,
    slow_starts: HashMap<TargetId, SlowStart>,
    exploration: HashMap<DeploymentKey, Exploration>,
    /// Requests since a member was last explored that had been measured before; by group.
    since_exploration: HashMap<Option<GroupId>, u32>,
}

impl StrategyState {
    /// Stores the embeddings of a group's texts, one for each of [`PolicyIndex::embedding_texts`] in order. Returns
    /// `false` and stores nothing if the number differs.
    pub fn set_embeddings(
        &mut self,
        index: &PolicyIndex,
        group: GroupId,
        vectors: Vec<Vec<f32>>,
    ) -> bool {
        let members = index
            .policy()
            .group(group)
            .map_or(&[][..], |group| group.members.as_slice());
        match FetchedEmbeddings::new(members, vectors) {
            Some(fetched) => {
                self.embeddings.insert(group, fetched);
                true
            }
            None => false,
        }
    }

    /// The group's embeddings are stored.
    pub fn has_embeddings(&self, group: GroupId) -> bool {
        self.embeddings.contains_key(&group)
    }

    pub(crate) fn embeddings(&self, group: GroupId) -> Option<&FetchedEmbeddings> {
        self.embeddings.get(&group)
    }

    pub(crate) fn wrr(&mut self, group: Option<GroupId>) -> &mut WrrState {
        self.counters.wrr.entry(group).or_default()
    }

    pub(crate) fn slow_start(&mut self, target: TargetId) -> &mut SlowStart {
        self.counters.slow_starts.entry(target).or_default()
    }

    pub(crate) fn exploration(&mut self, deployment: DeploymentKey) -> &mut Exploration {
        self.counters.exploration.entry(deployment).or_default()
    }

    pub(crate) fn since_exploration(&mut self, group: Option<GroupId>) -> &mut u32 {
        self.counters.since_exploration.entry(group).or_default()
    }

    /// To be called when the snapshot's latency includes what this worker recorded in `window`. Until then members
    /// being explored get no more than the required samples.
    pub fn samples_arrived(&mut self, window: &LocalWindow) {
        for (deployment, samples) in window.counts() {
            let counters =
                std::iter::once(&mut self.counters).chain(self.counterfactual.values_mut());
            for counters in counters {
                if let Some(exploration) = counters.exploration.get_mut(&deployment) {
                    exploration.arrived(samples);
                }
            }
        }
    }

    /// Swaps the counters for the counterfactual ones of `group`, and back.
    pub(crate) fn swap_counterfactual(&mut self, group: Option<GroupId>) {
        let counters = &self.counters;
        let other = self
            .counterfactual
            .entry(group)
            .or_insert_with(|| counters.clone());
        std::mem::swap(&mut self.counters, other);
    }

    /// No candidate of `group` is excluded: discards the counterfactual counters.
    pub(crate) fn reset_counterfactual(&mut self, group: Option<GroupId>) {
        if !self.counterfactual.is_empty() {
            self.counterfactual.remove(&group);
        }
    }
}
