//! The state that a plan is made from: shared snapshots, and what one worker keeps for itself.

use policy::TargetId;

use crate::health::HealthTable;
use crate::latency::Snapshot;

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

/// What a worker remembers between plans: rotations, ramps, samples under way. Lost at reload without harm.
#[derive(Debug, Clone, Default)]
pub struct WorkerState {}
