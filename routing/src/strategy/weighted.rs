//! `weighted`: random by percentage; the share of a missing member is distributed over the others in proportion.

use super::{LoadBalancer, Pick};
use crate::plan::context::{Candidate, Context};

pub(super) struct Weighted;

impl LoadBalancer for Weighted {
    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick {
        let total: u64 = candidates.iter().map(weight).map(u64::from).sum();
        if total == 0 {
            // Every member with a weight is excluded: the others share equally instead of failing.
            let draw = context.random.below(candidates.len() as u64);
            return Pick::primary(usize::try_from(draw).unwrap_or(0));
        }
        let mut draw = context.random.below(total);
        for (position, candidate) in candidates.iter().enumerate() {
            let weight = u64::from(weight(candidate));
            if draw < weight {
                return Pick::primary(position);
            }
            draw = draw.saturating_sub(weight);
        }
        Pick::primary(0)
    }

    fn affinity_weight(&self, candidate: &Candidate<'_>) -> Option<u32> {
        Some(weight(candidate))
    }
}

/// A member without a percentage has none.
fn weight(candidate: &Candidate<'_>) -> u32 {
    candidate.deployment.weight.unwrap_or(0)
}
