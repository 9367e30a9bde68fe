//! What strategies see while a plan is built.

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

/// A candidate for the primary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) deployment: &'a Deployment,
    /// Position in its pool, including excluded members.
    pub(crate) position: usize,
    /// The first choice of its group or resolution, including excluded ones.
    pub(crate) first_choice: bool,
    /// Strategies pick among the candidates of the best rank. All members of a group have the same.
    pub(crate) rank: MatchQuality,
    /// How well the target matches the client's model name.
    pub(crate) fit: MatchQuality,
    pub(crate) eligibility: Eligibility,
    /// Set by the strategy's filter, for its pick.
    pub(crate) score: f64,
}

/// Whether a target may be used without restriction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eligibility {
    Healthy,
    /// Recovered at this time; its share grows slowly.
    Recovering {
        since_ms: u64,
    },
    /// Half-open: as primary it serves a half-open request.
    HalfOpen,
}

/// Everything a strategy needs besides the candidates.
pub(crate) struct Context<'a> {
    pub(crate) view: &'a StateSnapshot<'a>,
    pub(crate) index: &'a PolicyIndex,
    pub(crate) request: &'a Request<'a>,
    pub(crate) worker: &'a mut StrategyState,
    pub(crate) random: &'a mut Random,
    pub(crate) now_ms: u64,
    /// The group whose primary is being picked; `None` for a model that is no group.
    pub(crate) group: Option<GroupId>,
    pub(crate) model_mapper: ModelMapper<'a>,
    pub(crate) excluded: Vec<Excluded>,
    /// Cheapest estimate that exceeded the request budget, and the budget.
    pub(crate) over_request_budget: Option<(Option<f64>, Option<f64>)>,
}

impl Context<'_> {
    /// Excludes `candidate` from the plan.
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

    /// This worker's round-robin state for the current pool.
    pub(crate) fn wrr(&mut self) -> &mut WrrState {
        self.worker.wrr(self.group)
    }
}
