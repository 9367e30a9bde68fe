//! The state that a plan is made from: shared snapshots, and what one worker keeps for itself.

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
    /// Targets whose provider's budget is spent.
    pub over_budget: &'a [TargetId],
}

/// What a worker remembers between plans. Belongs to one [`crate::PolicyIndex`]: start with a new one after a reload.
#[derive(Debug, Clone, Default)]
pub struct StrategyState {
    counters: StrategyCounters,
    /// What the memory would be, had nobody been left out of the group's plans. Only for groups of which somebody is.
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
}

impl StrategyState {
    /// Keeps the embeddings of a group's texts, one for each of [`PolicyIndex::embedding_texts`] in its order. `false`,
    /// and nothing is kept, when there are more or fewer.
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

    /// The group's embeddings have been learnt.
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

    /// The view's latency holds from now on what this worker gathered in `window`. To be called whenever that is so: until
    /// then members that are being measured are not sent more than their samples.
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

    /// Swaps the memory for the one of plans of `group` from which nobody was left out, and back.
    pub(crate) fn swap_counterfactual(&mut self, group: Option<GroupId>) {
        let counters = &self.counters;
        let other = self
            .counterfactual
            .entry(group)
            .or_insert_with(|| counters.clone());
        std::mem::swap(&mut self.counters, other);
    }

    /// Nobody is left out of the plans of `group`: the two memories are one again.
    pub(crate) fn reset_counterfactual(&mut self, group: Option<GroupId>) {
        if !self.counterfactual.is_empty() {
            self.counterfactual.remove(&group);
        }
    }
}
