//! `latency`: the lowest recent latency.
//!
//! 1. Members above `max_latency_ms` are excluded, unless all are: slow is better than nothing.
//! 2. Members that were never measured are explored first, by `min_sample_count` requests; later on, one request in twenty
//!    explores what the window has forgotten, and the last estimate counts until then.
//! 3. Otherwise the fastest serves. Members within a tenth of it, or within the noise of the measurement, rotate in
//!    list order: traffic does not stampede to a member that was a millisecond faster, and among equals the first of
//!    the list comes first.

use policy::LatencySettings;

use super::exploration::Measurements;
use super::{LoadBalancer, Pick};
use crate::latency::Measured;
use crate::plan::context::{Candidate, Context};
use crate::plan_error::ExclusionReason;

/// Factor up to which a slower member counts as equally fast.
const TOLERANCE: f64 = 1.10;
/// The same for noisy measurements; noise never excuses more.
const NOISY_TOLERANCE: f64 = 1.50;

pub(super) struct Latency<'s>(pub(super) &'s LatencySettings);

impl Latency<'_> {
    fn measured(&self, candidate: &Candidate<'_>, context: &Context<'_>) -> Measured {
        context
            .view
            .latency
            .measured(candidate.deployment.key(), self.0.window_ms)
    }

    fn is_slower_than(
        &self,
        limit_ms: u64,
        candidate: &Candidate<'_>,
        context: &Context<'_>,
    ) -> bool {
        let measured = self.measured(candidate, context);
        measured.samples() >= self.0.min_sample_count
            && measured
                .latency_ms
                .is_some_and(|latency_ms| latency_ms > limit_ms as f64)
    }
}

impl LoadBalancer for Latency<'_> {
    fn filter(&self, candidates: &mut Vec<Candidate<'_>>, context: &mut Context<'_>) {
        let Some(limit_ms) = self.0.max_latency_ms else {
            return;
        };
        let is_slow: Vec<bool> = candidates
            .iter()
            .map(|candidate| self.is_slower_than(limit_ms, candidate, context))
            .collect();
        if is_slow.iter().all(|slow| *slow) || !is_slow.contains(&true) {
            return;
        }
        let mut verdicts = is_slow.iter();
        candidates.retain(|candidate| {
            let slow = verdicts.next().copied().unwrap_or(false);
            if slow {
                context.exclude(candidate, ExclusionReason::TooSlow);
            }
            !slow
        });
    }

    fn pick(&self, candidates: &[Candidate<'_>], context: &mut Context<'_>) -> Pick {
        let measurements = Measurements::of(candidates, self.0, context);
        if let Some(unknown) = measurements.explore(candidates, context) {
            return Pick::primary(unknown);
        }
        let measured = measurements.believed();
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
            // No member has served yet: all are equal.
            (None, None) => true,
            _ => false,
        };
        super::round_robin(candidates, context, |position| {
            measured.get(position).is_some_and(is_equal)
        })
    }

    /// A conversation stays with its member unless that is too slow.
    fn affinity_weight(&self, _candidate: &Candidate<'_>) -> Option<u32> {
        Some(1)
    }
}

#[cfg(test)]
mod tests;
