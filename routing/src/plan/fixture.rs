//! A complete setup to make plans in tests.

use std::sync::Arc;

use policy::{GroupId, Policy, TargetId};

use super::{Plan, make};
use crate::health::{HealthTable, Outcome, Signal};
use crate::index::PolicyIndex;
use crate::latency::{DeploymentKey, LatencySnapshot};
use crate::plan_error::PlanError;
use crate::random::Random;
use crate::request::Request;
use crate::state::{Budgeted, StateSnapshot, StrategyState};

pub(crate) const NOW: u64 = 1_700_000_000_000;

/// Everything a plan is made from; all targets are healthy.
pub(crate) struct Fixture {
    pub(crate) index: PolicyIndex,
    pub(crate) health: HealthTable,
    pub(crate) latency: LatencySnapshot,
    pub(crate) over_budget: Vec<TargetId>,
    pub(crate) budgeted: Vec<TargetId>,
    pub(crate) worker: StrategyState,
    pub(crate) random: Random,
    pub(crate) now_ms: u64,
}

impl Fixture {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            index: PolicyIndex::new(Arc::new(policy)),
            health: HealthTable::default(),
            latency: LatencySnapshot::default(),
            over_budget: Vec::new(),
            budgeted: Vec::new(),
            worker: StrategyState::default(),
            random: Random::seeded(1),
            now_ms: NOW,
        }
    }

    pub(crate) fn plan(&mut self, request: &Request<'_>) -> Result<Plan, PlanError> {
        let view = StateSnapshot {
            health: &self.health,
            latency: &self.latency,
            over_budget: &self.over_budget,
            budgeted: Budgeted::Targets(&self.budgeted),
        };
        make(
            &self.index,
            &view,
            &mut self.worker,
            request,
            &mut self.random,
            self.now_ms,
        )
    }

    /// `target/model` of each attempt.
    pub(crate) fn served(&mut self, model: &str) -> Vec<String> {
        let plan = self.plan(&Request::for_model(model)).unwrap();
        self.names(&plan)
    }

    pub(crate) fn names(&self, plan: &Plan) -> Vec<String> {
        let id = |target: TargetId| &self.index.policy().target(target).unwrap().id;
        plan.attempts
            .iter()
            .map(|attempt| format!("{}/{}", id(attempt.target), attempt.model))
            .collect()
    }

    pub(crate) fn signal(&mut self, target: usize, signal: Signal) {
        let (key, limits) = self.index.health_config(TargetId(target)).unwrap();
        self.health.apply(key, limits, signal, self.now_ms);
    }

    /// Of the member at this position of the first group.
    pub(crate) fn deployment(&self, member: usize) -> DeploymentKey {
        self.index.pool(GroupId(0))[member].key()
    }

    pub(crate) fn take_down(&mut self, target: usize) {
        for _ in 0..3 {
            self.signal(target, Signal::Attempt(Outcome::ServerError));
        }
    }
}
