//! Strategies pick the head of a plan. A new one is a file here and a line in [`with_strategy`].

mod cost;
pub(crate) mod exploration;
mod failover;
mod highest_throughput;
mod latency;
mod random;
mod round_robin;
mod semantic;
mod single;
pub(crate) mod slow_start;
#[cfg(test)]
mod tests;
mod weighted;
mod weighted_round_robin;
pub(crate) mod wrr;

use policy::Strategy;

use crate::affinity;
use crate::plan::context::{Candidate, Context};

/// One way to pick the head.
pub(crate) trait LoadBalancer {
    /// Takes those out that the strategy itself rules out, with [`Context::exclude`].
    fn filter(&self, _field: &mut Vec<Candidate<'_>>, _context: &mut Context<'_>) {}

    /// The head's position in `candidates`, which is in failover order and never empty.
    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick;

    /// The member's share of conversations under session affinity; `None` where the strategy leaves nothing to spread.
    fn affinity_weight(&self, _contender: &Candidate<'_>) -> Option<u32> {
        None
    }
}

/// What a strategy decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pick {
    /// Position in the field.
    pub(crate) primary: usize,
    /// Semantic only.
    pub(crate) similarity: Option<f32>,
    /// By session affinity.
    pub(crate) by_session_affinity: bool,
}

impl Pick {
    pub(crate) fn primary(primary: usize) -> Self {
        Self {
            primary,
            similarity: None,
            by_session_affinity: false,
        }
    }
}

/// Those of `candidates` that `may` names take turns, the first of the list first.
fn round_robin(
    candidates: &[Candidate<'_>],
    context: &mut Context<'_>,
    may: impl Fn(usize) -> bool,
) -> Pick {
    let wrr = context.wrr();
    Pick::primary(wrr.next(candidates, |position, _| u32::from(may(position))))
}

/// Hands the implementation of `strategy` to `job`.
fn with_strategy<R>(strategy: &Strategy, job: impl FnOnce(&dyn LoadBalancer) -> R) -> R {
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

/// Takes those out of `candidates` that `strategy` rules out.
pub(crate) fn filter(
    strategy: &Strategy,
    candidates: &mut Vec<Candidate<'_>>,
    context: &mut Context<'_>,
) {
    with_strategy(strategy, |strategy| strategy.filter(candidates, context));
}

/// Picks the head among those of `candidates` that fit best; `None` when it is empty.
pub(crate) fn pick_best(
    strategy: &Strategy,
    sticky: bool,
    candidates: &[Candidate<'_>],
    context: &mut Context<'_>,
) -> Option<Pick> {
    let best = candidates.iter().map(|candidate| candidate.rank).min()?;
    let first_choices = candidates
        .iter()
        .take_while(|candidate| candidate.rank == best)
        .count();
    let front = candidates.get(..first_choices).unwrap_or(candidates);
    Some(pick_head(strategy, sticky, front, context))
}

/// Picks the head among `candidates`, which must not be empty: by conversation where there is one to be kept together
/// (`sticky`), else by the strategy. A target that has just recovered is passed over while its share is used up.
fn pick_head(
    strategy: &Strategy,
    sticky: bool,
    candidates: &[Candidate<'_>],
    context: &mut Context<'_>,
) -> Pick {
    with_strategy(strategy, |strategy| {
        let conversation = context.request.conversation.filter(|_| sticky);
        let choose = |candidates: &[Candidate<'_>], context: &mut Context<'_>| {
            conversation
                .and_then(|id| {
                    affinity::choose(id, candidates, |candidate| {
                        strategy.affinity_weight(candidate)
                    })
                })
                .map(|primary| Pick {
                    by_session_affinity: true,
                    ..Pick::primary(primary)
                })
                .unwrap_or_else(|| strategy.pick(candidates, context))
        };
        let first = choose(candidates, context);
        if slow_start::admits(candidates.get(first.primary), conversation, context) {
            return first;
        }
        let mut rest: Vec<(usize, Candidate<'_>)> =
            candidates.iter().copied().enumerate().collect();
        let mut passed = first.primary;
        while rest.len() > 1 {
            rest.retain(|(position, _)| *position != passed);
            let others: Vec<Candidate<'_>> = rest.iter().map(|(_, candidate)| *candidate).collect();
            let next = choose(&others, context);
            let Some((position, candidate)) = rest.get(next.primary).copied() else {
                break;
            };
            if slow_start::admits(Some(&candidate), conversation, context) {
                return Pick {
                    primary: position,
                    ..next
                };
            }
            passed = position;
        }
        first
    })
}
