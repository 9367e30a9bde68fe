//! What strategies see of a plan in the making.

use std::sync::Arc;

use policy::GroupId;

use super::Excluded;
use crate::index::{Candidate, PolicyIndex};
use crate::naming::Naming;
use crate::random::Random;
use crate::refusal::ExclusionReason;
use crate::request::Request;
use crate::resolve::Fit;
use crate::strategy::rotation::Rotation;
use crate::view::{View, WorkerState};

/// A candidate that may become the head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contender<'a> {
    pub(crate) candidate: &'a Candidate,
    /// In its pool, whoever else is out.
    pub(crate) position: usize,
    /// The first choice of its group or resolution, whoever else is out.
    pub(crate) first_choice: bool,
    /// Strategies pick among those of the best fit. All members of a group fit the group.
    pub(crate) rank: Fit,
    /// How the target fits the client's model name.
    pub(crate) fit: Fit,
    pub(crate) standing: Standing,
    /// What the strategy's screening found out, for its picking.
    pub(crate) score: f64,
}

/// How freely a target may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Healthy,
    /// Recovered at this time; its share grows slowly.
    Recovering {
        since_ms: u64,
    },
    /// Half-open: being the head is a trial.
    Trial,
}

/// Everything around the field.
pub(crate) struct Context<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) index: &'a PolicyIndex,
    pub(crate) request: &'a Request<'a>,
    pub(crate) worker: &'a mut WorkerState,
    pub(crate) random: &'a mut Random,
    pub(crate) now_ms: u64,
    /// The group whose head is being picked; `None` for a model that is no group.
    pub(crate) group: Option<GroupId>,
    pub(crate) naming: Naming<'a>,
    pub(crate) excluded: Vec<Excluded>,
    /// Cheapest estimate that was too dear, and the budget.
    pub(crate) too_dear: Option<(Option<f64>, Option<f64>)>,
}

impl Context<'_> {
    /// Leaves `contender` out of the plan.
    pub(crate) fn exclude(&mut self, contender: &Contender<'_>, reason: ExclusionReason) {
        let target = contender.candidate.target;
        let model = self.model_of(contender);
        let known = |excluded: &Excluded| excluded.target == target && excluded.model == model;
        if !self.excluded.iter().any(known) {
            self.excluded.push(Excluded {
                target,
                member: contender.candidate.member,
                model,
                reason,
            });
        }
    }

    /// The model name that `contender` would be sent.
    pub(crate) fn model_of(&mut self, contender: &Contender<'_>) -> Arc<str> {
        self.naming
            .model(contender.candidate, contender.fit, contender.first_choice)
    }

    /// This worker's rotation over the pool that is being picked from.
    pub(crate) fn rotation(&mut self) -> &mut Rotation {
        self.worker.rotation(self.group)
    }
}
