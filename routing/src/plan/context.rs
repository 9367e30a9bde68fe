//! What strategies see of a plan in the making.

use std::sync::Arc;

use policy::GroupId;

use super::Excluded;
use crate::index::{Deployment, PolicyIndex};
use crate::model_mapper::ModelMapper;
use crate::plan_error::ExclusionReason;
use crate::random::Random;
use crate::request::Request;
use crate::resolve::MatchQuality;
use crate::state::{StateSnapshot, StrategyState};
use crate::strategy::wrr::WrrState;

/// A candidate that may become the head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) deployment: &'a Deployment,
    /// In its pool, whoever else is out.
    pub(crate) position: usize,
    /// The first choice of its group or resolution, whoever else is out.
    pub(crate) first_choice: bool,
    /// Strategies pick among those of the best fit. All members of a group fit the group.
    pub(crate) rank: MatchQuality,
    /// How the target fits the client's model name.
    pub(crate) fit: MatchQuality,
    pub(crate) eligibility: Eligibility,
    /// What the strategy's screening found out, for its picking.
    pub(crate) score: f64,
}

/// How freely a target may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eligibility {
    Healthy,
    /// Recovered at this time; its share grows slowly.
    Recovering {
        since_ms: u64,
    },
    /// Half-open: being the head is a trial.
    HalfOpen,
}

/// Everything around the field.
pub(crate) struct Context<'a> {
    pub(crate) view: &'a StateSnapshot<'a>,
    pub(crate) index: &'a PolicyIndex,
    pub(crate) request: &'a Request<'a>,
    pub(crate) worker: &'a mut StrategyState,
    pub(crate) random: &'a mut Random,
    pub(crate) now_ms: u64,
    /// The group whose head is being picked; `None` for a model that is no group.
    pub(crate) group: Option<GroupId>,
    pub(crate) model_mapper: ModelMapper<'a>,
    pub(crate) excluded: Vec<Excluded>,
    /// Cheapest estimate that was too dear, and the budget.
    pub(crate) over_request_budget: Option<(Option<f64>, Option<f64>)>,
}

impl Context<'_> {
    /// Leaves `candidate` out of the plan.
    pub(crate) fn exclude(&mut self, candidate: &Candidate<'_>, reason: ExclusionReason) {
        let target = candidate.deployment.target;
        let model = self.model_of(candidate);
        let known = |excluded: &Excluded| excluded.target == target && excluded.model == model;
        if !self.excluded.iter().any(known) {
            self.excluded.push(Excluded {
                target,
                member: candidate.deployment.member,
                model,
                reason,
            });
        }
    }

    /// The model name that `candidate` would be sent.
    pub(crate) fn model_of(&mut self, candidate: &Candidate<'_>) -> Arc<str> {
        self.model_mapper
            .model(candidate.deployment, candidate.fit, candidate.first_choice)
    }

    /// This worker's rotation over the pool that is being picked from.
    pub(crate) fn wrr(&mut self) -> &mut WrrState {
        self.worker.wrr(self.group)
    }
}
