//! The state that a plan is made from: shared snapshots, and what one worker keeps for itself.

use std::collections::HashMap;

use policy::{GroupId, TargetId};

use crate::health::HealthTable;
use crate::index::PolicyIndex;
use crate::latency::{LocalWindow, PairKey, Snapshot};
use crate::semantic::Fetched;
use crate::strategy::rotation::Rotation;
use crate::strategy::sampling::Sampling;
use crate::strategy::slow_start::SlowStart;

/// Snapshots of shared state at one moment.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Health of every target.
    pub health: &'a HealthTable,
    /// Latency and throughput of every (target, model).
    pub latency: &'a Snapshot,
    /// Targets whose provider's budget is spent.
    pub over_budget: &'a [TargetId],
}

/// What a worker remembers between plans. Belongs to one [`crate::PolicyIndex`]: start with a new one after a reload.
#[derive(Debug, Clone, Default)]
pub struct WorkerState {
    memory: Memory,
    /// What the memory would be, had nobody been left out of the group's plans. Only for groups of which somebody is.
    undisturbed: HashMap<Option<GroupId>, Memory>,
    embeddings: HashMap<GroupId, Fetched>,
}

/// What strategies count from plan to plan.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// By group; `None` is for models that are no group.
    rotations: HashMap<Option<GroupId>, Rotation>,
    slow_starts: HashMap<TargetId, SlowStart>,
    sampling: HashMap<PairKey, Sampling>,
}

impl WorkerState {
    /// Keeps the embeddings of a group's texts, one for each of [`PolicyIndex::embedding_texts`] in its order. `false`,
    /// and nothing is kept, when there are more or fewer.
    pub fn learn_embeddings(
        &mut self,
        index: &PolicyIndex,
        group: GroupId,
        vectors: Vec<Vec<f32>>,
    ) -> bool {
        let members = index
            .policy()
            .group(group)
            .map_or(&[][..], |group| group.members.as_slice());
        match Fetched::new(members, vectors) {
            Some(fetched) => {
                self.embeddings.insert(group, fetched);
                true
            }
            None => false,
        }
    }

    /// The group's embeddings have been learnt.
    pub fn knows_embeddings(&self, group: GroupId) -> bool {
        self.embeddings.contains_key(&group)
    }

    pub(crate) fn embeddings(&self, group: GroupId) -> Option<&Fetched> {
        self.embeddings.get(&group)
    }

    pub(crate) fn rotation(&mut self, group: Option<GroupId>) -> &mut Rotation {
        self.memory.rotations.entry(group).or_default()
    }

    pub(crate) fn slow_start(&mut self, target: TargetId) -> &mut SlowStart {
        self.memory.slow_starts.entry(target).or_default()
    }

    pub(crate) fn sampling(&mut self, pair: PairKey) -> &mut Sampling {
        self.memory.sampling.entry(pair).or_default()
    }

    /// The view's latency holds from now on what this worker gathered in `window`. To be called whenever that is so: until
    /// then members that are being measured are not sent more than their samples.
    pub fn samples_arrived(&mut self, window: &LocalWindow) {
        for (pair, samples) in window.counts() {
            let memories = std::iter::once(&mut self.memory).chain(self.undisturbed.values_mut());
            for memory in memories {
                if let Some(sampling) = memory.sampling.get_mut(&pair) {
                    sampling.arrived(samples);
                }
            }
        }
    }

    /// Swaps the memory for the one of plans of `group` from which nobody was left out, and back.
    pub(crate) fn swap_undisturbed(&mut self, group: Option<GroupId>) {
        let memory = &self.memory;
        let other = self
            .undisturbed
            .entry(group)
            .or_insert_with(|| memory.clone());
        std::mem::swap(&mut self.memory, other);
    }

    /// Nobody is left out of the plans of `group`: the two memories are one again.
    pub(crate) fn forget_undisturbed(&mut self, group: Option<GroupId>) {
        if !self.undisturbed.is_empty() {
            self.undisturbed.remove(&group);
        }
    }
}
