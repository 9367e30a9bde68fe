//! The primary that the strategy would have picked, if its target could serve.
//!
//! The strategy picks a second time from all candidates, with its own counters, so that the hypothetical pick does not
//! affect real ones. Only plans with excluded candidates pay for it.

use policy::Strategy;

use super::Excluded;
use super::context::{Candidate, Context};
use crate::model_mapper::ModelMapper;
use crate::plan_error::ExclusionReason;
use crate::strategy;

/// A candidate of the first pool whose target cannot serve now.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExcludedCandidate<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) reason: ExclusionReason,
    /// Number of remaining candidates before it.
    pub(super) place: usize,
}

/// The excluded candidate that would be the primary.
pub(super) fn find<'a>(
    strategy: &Strategy,
    sticky: bool,
    candidates: &[Candidate<'a>],
    excluded: &[ExcludedCandidate<'a>],
    context: &mut Context<'a>,
) -> Option<Excluded> {
    let group = context.group;
    if excluded.is_empty() {
        context.worker.reset_counterfactual(group);
        return None;
    }
    let mut everyone = candidates.to_vec();
    for one in excluded.iter().rev() {
        everyone.insert(one.place.min(everyone.len()), one.candidate);
    }
    context.worker.swap_counterfactual(group);
    let mut random = context.random.clone();
    let mut counterfactual = Context {
        view: context.view,
        index: context.index,
        request: context.request,
        worker: context.worker,
        random: &mut random,
        now_ms: context.now_ms,
        group,
        model_mapper: ModelMapper::new(context.index, context.request.model),
        excluded: Vec::new(),
        over_request_budget: None,
    };
    strategy::filter(strategy, &mut everyone, &mut counterfactual);
    let primary = strategy::pick_best(strategy, sticky, &everyone, &mut counterfactual)
        .and_then(|pick| everyone.get(pick.primary));
    context.worker.swap_counterfactual(group);
    let primary = primary?.deployment;
    let preferred = excluded
        .iter()
        .find(|one| std::ptr::eq(one.candidate.deployment, primary))?;
    Some(Excluded {
        target: primary.target,
        member: primary.member,
        model: context.model_of(&preferred.candidate),
        reason: preferred.reason,
    })
}

#[cfg(test)]
mod tests;
