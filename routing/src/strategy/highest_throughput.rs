//! `highest_throughput`: the most completion tokens per second in recent responses.
//!
//! Explores members and rotates among equals as [`super::latency`] does; members within nine tenths of the best are
//! equal.

use policy::LatencySettings;

use super::exploration::Measurements;
use super::{LoadBalancer, Pick};
use crate::latency::Measured;
use crate::plan::context::{Candidate, Context};

/// Share of the best throughput that counts as equal.
const TOLERANCE: f64 = 0.9;

pub(super) struct HighestThroughput<'s>(pub(super) &'s LatencySettings);

impl LoadBalancer for HighestThroughput<'_> {
    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick {
        let measurements = Measurements::of(candidates, self.0, context);
        if let Some(unknown) = measurements.explore(candidates, context) {
            return Pick::primary(unknown);
        }
        let measured = measurements.believed();
        let best = measured
            .iter()
            .map(Measured::useful_tokens_per_second)
            .fold(0.0, f64::max);
        super::round_robin(candidates, context, |position| {
            measured
                .get(position)
                .is_some_and(|one| one.useful_tokens_per_second() >= best * TOLERANCE)
        })
    }

    /// A conversation stays with its member.
    fn affinity_weight(&self, _candidate: &Candidate<'_>) -> Option<u32> {
        Some(1)
    }
}
