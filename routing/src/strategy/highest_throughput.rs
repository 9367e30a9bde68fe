//! `highest_throughput`: the most completion tokens per second in recent answers.
//!
//! Samples are gathered and equals take turns as in [`super::latency`]; equal is whoever reaches nine tenths of the best.

use policy::LatencySettings;

use super::{Pick, PickHead, sampling};
use crate::latency::Measured;
use crate::plan::context::{Contender, Context};

/// The share of the best throughput that still counts as equally good.
const TOLERANCE: f64 = 0.9;

pub(super) struct HighestThroughput<'s>(pub(super) &'s LatencySettings);

impl PickHead for HighestThroughput<'_> {
    fn pick(&self, field: &[Contender<'_>], context: &mut Context<'_>) -> Pick {
        let measured: Vec<Measured> = field
            .iter()
            .map(|contender| {
                let pair = contender.candidate.pair();
                context.view.latency.measured(pair, self.0.window_ms)
            })
            .collect();
        if let Some(cold) = sampling::next(field, &measured, self.0.min_sample_count, context) {
            return Pick::head(cold);
        }
        let best = measured
            .iter()
            .map(Measured::useful_tokens_per_second)
            .fold(0.0, f64::max);
        super::take_turns(field, context, |position| {
            measured
                .get(position)
                .is_some_and(|one| one.useful_tokens_per_second() >= best * TOLERANCE)
        })
    }

    /// A conversation stays with its member.
    fn share(&self, _contender: &Contender<'_>) -> Option<u32> {
        Some(1)
    }
}
