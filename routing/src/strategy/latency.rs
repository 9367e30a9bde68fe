//! `latency`: the lowest recent latency.
//!
//! 1. Members above `max_latency_ms` are out, unless all are: slow is better than nothing.
//! 2. A member with fewer than `min_sample_count` samples is measured first, by a counted number of requests.
//! 3. Otherwise the fastest serves. Members that cannot be told from the fastest, because they are within a tenth of it
//!    or within the noise of the measurement, take turns in list order: nothing stampedes to whoever was a millisecond
//!    ahead, and among equals the first of the list comes first.

use policy::LatencySettings;

use super::{Pick, PickHead, sampling};
use crate::latency::Measured;
use crate::plan::context::{Contender, Context};
use crate::refusal::ExclusionReason;

/// How much slower than the fastest still counts as equally fast.
const TOLERANCE: f64 = 1.10;
/// The same where measurements are noisy; noise excuses no more than this.
const NOISY_TOLERANCE: f64 = 1.50;

pub(super) struct Latency<'s>(pub(super) &'s LatencySettings);

impl Latency<'_> {
    fn measured(&self, contender: &Contender<'_>, context: &Context<'_>) -> Measured {
        context
            .view
            .latency
            .measured(contender.candidate.pair(), self.0.window_ms)
    }

    fn is_slower_than(
        &self,
        limit_ms: u64,
        contender: &Contender<'_>,
        context: &Context<'_>,
    ) -> bool {
        let measured = self.measured(contender, context);
        measured.samples() >= self.0.min_sample_count
            && measured
                .latency_ms
                .is_some_and(|latency_ms| latency_ms > limit_ms as f64)
    }
}

impl PickHead for Latency<'_> {
    fn screen(&self, field: &mut Vec<Contender<'_>>, context: &mut Context<'_>) {
        let Some(limit_ms) = self.0.max_latency_ms else {
            return;
        };
        let is_slow: Vec<bool> = field
            .iter()
            .map(|contender| self.is_slower_than(limit_ms, contender, context))
            .collect();
        if is_slow.iter().all(|slow| *slow) || !is_slow.contains(&true) {
            return;
        }
        let mut verdicts = is_slow.iter();
        field.retain(|contender| {
            let slow = verdicts.next().copied().unwrap_or(false);
            if slow {
                context.exclude(contender, ExclusionReason::TooSlow);
            }
            !slow
        });
    }

    fn pick(&self, field: &[Contender<'_>], context: &mut Context<'_>) -> Pick {
        let measured: Vec<Measured> = field
            .iter()
            .map(|contender| self.measured(contender, context))
            .collect();
        if let Some(cold) = sampling::next(field, &measured, self.0.min_sample_count, context) {
            return Pick::head(cold);
        }
        let fastest = measured
            .iter()
            .filter_map(|one| Some((one.latency_ms?, one.standard_error_ms)))
            .min_by(|(left, _), (right, _)| left.total_cmp(right));
        let is_equal = |one: &Measured| match (one.latency_ms, fastest) {
            (Some(latency_ms), Some((least, noise))) => {
                let noise = noise.hypot(one.standard_error_ms);
                let limit = (least + noise).clamp(least * TOLERANCE, least * NOISY_TOLERANCE);
                latency_ms <= limit
            }
            // Nobody has served yet: all are equal.
            (None, None) => true,
            _ => false,
        };
        super::take_turns(field, context, |position| {
            measured.get(position).is_some_and(is_equal)
        })
    }

    /// A conversation stays with its member as long as that is not too slow.
    fn share(&self, _contender: &Contender<'_>) -> Option<u32> {
        Some(1)
    }
}
