//! Strategies pick the head of a plan. A new one is a file here and a line in [`with_strategy`].

mod cost;
#[cfg(test)]
mod cost_tests;
mod failover;
mod highest_throughput;
mod latency;
#[cfg(test)]
mod latency_tests;
mod random;
pub(crate) mod rotation;
mod round_robin;
pub(crate) mod sampling;
mod semantic;
mod single;
pub(crate) mod slow_start;
#[cfg(test)]
mod tests;
mod weighted;
mod weighted_round_robin;

use policy::Strategy;

use crate::affinity;
use crate::plan::context::{Contender, Context};

/// One way to pick the head.
pub(crate) trait PickHead {
    /// Takes those out that the strategy itself rules out, with [`Context::exclude`].
    fn screen(&self, _field: &mut Vec<Contender<'_>>, _context: &mut Context<'_>) {}

    /// The head's position in `field`, which is in failover order and never empty.
    fn pick(&self, field: &[Contender<'_>], context: &mut Context<'_>) -> Pick;

    /// The member's share of conversations under session affinity; `None` where the strategy leaves nothing to spread.
    fn share(&self, _contender: &Contender<'_>) -> Option<u32> {
        None
    }
}

/// What a strategy decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pick {
    /// Position in the field.
    pub(crate) head: usize,
    /// Semantic only.
    pub(crate) similarity: Option<f32>,
    /// By session affinity.
    pub(crate) by_conversation: bool,
}

impl Pick {
    pub(crate) fn head(head: usize) -> Self {
        Self {
            head,
            similarity: None,
            by_conversation: false,
        }
    }
}

/// Those of `field` that `may` names take turns, the first of the list first.
fn take_turns(
    field: &[Contender<'_>],
    context: &mut Context<'_>,
    may: impl Fn(usize) -> bool,
) -> Pick {
    let rotation = context.rotation();
    Pick::head(rotation.next(field, |position, _| u32::from(may(position))))
}

/// Hands the implementation of `strategy` to `job`.
fn with_strategy<R>(strategy: &Strategy, job: impl FnOnce(&dyn PickHead) -> R) -> R {
    match strategy {
        Strategy::Failover => job(&failover::Failover),
        Strategy::Weighted => job(&weighted::Weighted),
        Strategy::WeightedRoundRobin => job(&weighted_round_robin::WeightedRoundRobin),
        Strategy::RoundRobin => job(&round_robin::RoundRobin),
        Strategy::Random => job(&random::Uniform),
        Strategy::Single => job(&single::Single),
        Strategy::Latency(settings) => job(&latency::Latency(settings)),
        Strategy::HighestThroughput(settings) => {
            job(&highest_throughput::HighestThroughput(settings))
        }
        Strategy::Cost(settings) => job(&cost::Cost(settings)),
        Strategy::Semantic(settings) => job(&semantic::Semantic(settings)),
    }
}

/// Takes those out of `field` that `strategy` rules out.
pub(crate) fn screen(
    strategy: &Strategy,
    field: &mut Vec<Contender<'_>>,
    context: &mut Context<'_>,
) {
    with_strategy(strategy, |strategy| strategy.screen(field, context));
}

/// Picks the head among those of `field` that fit best; `None` when it is empty.
pub(crate) fn pick_best(
    strategy: &Strategy,
    sticky: bool,
    field: &[Contender<'_>],
    context: &mut Context<'_>,
) -> Option<Pick> {
    let best = field.iter().map(|contender| contender.rank).min()?;
    let first_choices = field
        .iter()
        .take_while(|contender| contender.rank == best)
        .count();
    let front = field.get(..first_choices).unwrap_or(field);
    Some(pick_head(strategy, sticky, front, context))
}

/// Picks the head among `field`, which must not be empty: by conversation where there is one to be kept together
/// (`sticky`), else by the strategy. A target that has just recovered is passed over while its share is used up.
fn pick_head(
    strategy: &Strategy,
    sticky: bool,
    field: &[Contender<'_>],
    context: &mut Context<'_>,
) -> Pick {
    with_strategy(strategy, |strategy| {
        let conversation = context.request.conversation.filter(|_| sticky);
        let choose = |field: &[Contender<'_>], context: &mut Context<'_>| {
            conversation
                .and_then(|id| affinity::choose(id, field, |contender| strategy.share(contender)))
                .map(|head| Pick {
                    by_conversation: true,
                    ..Pick::head(head)
                })
                .unwrap_or_else(|| strategy.pick(field, context))
        };
        let first = choose(field, context);
        if slow_start::admits(field.get(first.head), conversation, context) {
            return first;
        }
        let mut rest: Vec<(usize, Contender<'_>)> = field.iter().copied().enumerate().collect();
        let mut passed = first.head;
        while rest.len() > 1 {
            rest.retain(|(position, _)| *position != passed);
            let others: Vec<Contender<'_>> = rest.iter().map(|(_, contender)| *contender).collect();
            let next = choose(&others, context);
            let Some((position, contender)) = rest.get(next.head).copied() else {
                break;
            };
            if slow_start::admits(Some(&contender), conversation, context) {
                return Pick {
                    head: position,
                    ..next
                };
            }
            passed = position;
        }
        first
    })
}
