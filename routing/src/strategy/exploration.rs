//! Explores members without measurements by a few counted requests, so that other traffic does not follow.

use crate::latency::Measured;
use crate::plan::context::{Candidate, Context};

/// Shortest time after which samples in flight count as lost, because their client disconnected or the provider asked
/// to wait.
const MIN_EXPLORATION_MS: u64 = 10_000;

/// One worker's exploration of one deployment: samples started and not yet in the snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exploration {
    since_ms: u64,
    under_way: u32,
}

/// The member to explore next: the one with the fewest samples, the first of equals. `None` if all have `enough`, or
/// have enough in flight.
pub(super) fn next(
    candidates: &[Candidate<'_>],
    measured: &[Measured],
    enough: u32,
    context: &mut Context<'_>,
) -> Option<usize> {
    let now_ms = context.now_ms;
    let mut fewest: Option<(usize, u32)> = None;
    for (position, (candidate, measured)) in candidates.iter().zip(measured).enumerate() {
        let known = measured.samples();
        if known >= enough {
            continue;
        }
        let exploration = context.worker.exploration(candidate.deployment.key());
        let period_ms = candidate.deployment.timeout_ms.max(MIN_EXPLORATION_MS);
        if now_ms.abs_diff(exploration.since_ms) >= period_ms {
            *exploration = Exploration::default();
        }
        let expected = known.saturating_add(exploration.under_way);
        if expected < enough && fewest.is_none_or(|(_, least)| expected < least) {
            fewest = Some((position, expected));
        }
    }
    let (position, _) = fewest?;
    let deployment = candidates.get(position)?.deployment.key();
    context.worker.exploration(deployment).start(now_ms);
    Some(position)
}

impl Exploration {
    /// The snapshot now includes `samples` more of this worker.
    pub(crate) fn arrived(&mut self, samples: u32) {
        self.under_way = self.under_way.saturating_sub(samples);
    }

    fn start(&mut self, now_ms: u64) {
        if self.under_way == 0 {
            self.since_ms = now_ms;
        }
        self.under_way = self.under_way.saturating_add(1);
    }
}
