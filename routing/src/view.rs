//! The state that a plan is made from: shared snapshots, and what one worker keeps for itself.

use std::collections::HashMap;

use policy::{GroupId, TargetId};

use crate::health::HealthTable;
use crate::latency::{PairKey, Snapshot};
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
    /// By group; `None` is for models that are no group.
    rotations: HashMap<Option<GroupId>, Rotation>,
    slow_starts: HashMap<TargetId, SlowStart>,
    sampling: HashMap<PairKey, Sampling>,
}

impl WorkerState {
    pub(crate) fn rotation(&mut self, group: Option<GroupId>) -> &mut Rotation {
        self.rotations.entry(group).or_default()
    }

    pub(crate) fn slow_start(&mut self, target: TargetId) -> &mut SlowStart {
        self.slow_starts.entry(target).or_default()
    }

    pub(crate) fn sampling(&mut self, pair: PairKey) -> &mut Sampling {
        self.sampling.entry(pair).or_default()
    }
}
