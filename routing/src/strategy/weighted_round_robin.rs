//! `weighted_round_robin`: smooth, by relative weights; exact over each cycle of one worker.

use super::{LoadBalancer, Pick};
use crate::plan::context::{Candidate, Context};

pub(super) struct WeightedRoundRobin;

impl LoadBalancer for WeightedRoundRobin {
    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick {
        Pick::primary(
            context
                .wrr()
                .next(candidates, |_, candidate| weight(candidate)),
        )
    }

    fn affinity_weight(&self, candidate: &Candidate<'_>) -> Option<u32> {
        Some(weight(candidate))
    }
}

/// A member without a weight counts as one.
fn weight(candidate: &Candidate<'_>) -> u32 {
    candidate.deployment.weight.unwrap_or(1)
}
