//! Strategies pick the primary of a plan. To add one, add a file here and a line in [`with_strategy`].

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

/// One way to pick the primary.
pub(crate) trait LoadBalancer {
    /// Removes the candidates that the strategy rules out, with [`Context::exclude`].
    fn filter(&self, _candidates: &mut Vec<Candidate<'_>>, _context: &mut Context<'_>) {}

    /// The primary's position in `candidates`, which are in failover order and never empty.
    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick;

    /// The member's share of conversations under session affinity; `None` if the strategy has nothing to distribute.
    fn affinity_weight(&self, _candidate: &Candidate<'_>) -> Option<u32> {
        None
    }
}

/// A strategy's decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pick {
    /// Position among the candidates.
    pub(crate) primary: usize,
    /// Semantic only.
    pub(crate) similarity: Option<f32>,
    /// Picked by session affinity.
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

/// Rotates among the candidates for which `may` is true, in list order.
fn round_robin(
    candidates: &[Candidate<'_>],
    context: &mut Context<'_>,
    may: impl Fn(usize) -> bool,
) -> Pick {
    let wrr = context.wrr();
    Pick::primary(wrr.next(candidates, |position, _| u32::from(may(position))))
}

/// Passes the implementation of `strategy` to `job`.
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

/// Removes the candidates that `strategy` rules out.
pub(crate) fn filter(
    strategy: &Strategy,
    candidates: &mut Vec<Candidate<'_>>,
    context: &mut Context<'_>,
) {
    with_strategy(strategy, |strategy| strategy.filter(candidates, context));
}

/// Picks the primary among the candidates of the best rank; `None` if there are none.
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

/// Picks the primary among `candidates`, which must not be empty: by session affinity if `sticky` and there is a
/// conversation, else by the strategy. A recovering target whose share is used up is skipped.
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
