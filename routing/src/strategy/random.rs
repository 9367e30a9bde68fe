//! `random`: uniform over the candidates.

use super::{LoadBalancer, Pick};
use crate::plan::context::{Candidate, Context};

pub(super) struct Uniform;

impl LoadBalancer for Uniform {
    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick {
        let draw = context.random.below(candidates.len() as u64);
        Pick::primary(usize::try_from(draw).unwrap_or(0))
    }

    fn affinity_weight(&self, _candidate: &Candidate<'_>) -> Option<u32> {
        Some(1)
    }
}
