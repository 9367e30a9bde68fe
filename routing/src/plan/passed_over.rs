//! Whom the strategy would have made the head, had its target been in a state to serve.
//!
//! The strategy picks a second time, from everybody, with a memory of its own: what it would have done says nothing to
//! what it does. Only plans of a pool from which somebody is left out pay for that.

use policy::Strategy;

use super::Excluded;
use super::context::{Contender, Context};
use crate::naming::Naming;
use crate::refusal::ExclusionReason;
use crate::strategy;

/// A contender of the first pool whose target cannot serve now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Absent<'a> {
    pub(super) contender: Contender<'a>,
    pub(super) reason: ExclusionReason,
    /// How many of the field come before it.
    pub(super) place: usize,
}

/// The absent one that would be the head now.
pub(super) fn find<'a>(
    strategy: &Strategy,
    sticky: bool,
    field: &[Contender<'a>],
    absent: &[Absent<'a>],
    context: &mut Context<'a>,
) -> Option<Excluded> {
    let group = context.group;
    if absent.is_empty() {
        context.worker.forget_undisturbed(group);
        return None;
    }
    let mut everyone = field.to_vec();
    for one in absent.iter().rev() {
        everyone.insert(one.place.min(everyone.len()), one.contender);
    }
    context.worker.swap_undisturbed(group);
    let mut random = context.random.clone();
    let mut undisturbed = Context {
        view: context.view,
        index: context.index,
        request: context.request,
        worker: context.worker,
        random: &mut random,
        now_ms: context.now_ms,
        group,
        naming: Naming::new(context.index, context.request.model),
        excluded: Vec::new(),
        too_dear: None,
    };
    strategy::screen(strategy, &mut everyone, &mut undisturbed);
    let head = strategy::pick_best(strategy, sticky, &everyone, &mut undisturbed)
        .and_then(|pick| everyone.get(pick.head));
    context.worker.swap_undisturbed(group);
    let head = head?.candidate;
    let passed_over = absent
        .iter()
        .find(|one| std::ptr::eq(one.contender.candidate, head))?;
    Some(Excluded {
        target: head.target,
        member: head.member,
        model: context.model_of(&passed_over.contender),
        reason: passed_over.reason,
    })
}
