//! `round_robin`: one after the other.

use super::{LoadBalancer, Pick};
use crate::plan::context::{Candidate, Context};

pub(super) struct RoundRobin;

impl LoadBalancer for RoundRobin {
    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick {
        Pick::primary(context.wrr().next(candidates, |_, _| 1))
    }

    fn affinity_weight(&self, _candidate: &Candidate<'_>) -> Option<u32> {
        Some(1)
    }
}
