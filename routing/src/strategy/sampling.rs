//! Members that are not measured yet get a few requests first, counted so that the crowd does not follow.

use crate::latency::Measured;
use crate::plan::context::{Contender, Context};

/// Shortest time after which samples under way are taken for lost, because their client left or the provider asked to
/// wait.
const SHORTEST_PERIOD_MS: u64 = 10_000;

/// One worker's samples under way for one (target, model): started, and not yet in the snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sampling {
    since_ms: u64,
    under_way: u32,
}

/// The member to be measured next: the one with the fewest samples, the first of equals. `None` when all have
/// `enough`, or all that lack some have enough under way.
pub(super) fn next(
    field: &[Contender<'_>],
    measured: &[Measured],
    enough: u32,
    context: &mut Context<'_>,
) -> Option<usize> {
    let now_ms = context.now_ms;
    let mut fewest: Option<(usize, u32)> = None;
    for (position, (contender, measured)) in field.iter().zip(measured).enumerate() {
        let known = measured.samples();
        if known >= enough {
            continue;
        }
        let sampling = context.worker.sampling(contender.candidate.pair());
        let period_ms = contender.candidate.timeout_ms.max(SHORTEST_PERIOD_MS);
        if now_ms.abs_diff(sampling.since_ms) >= period_ms {
            *sampling = Sampling::default();
        }
        let expected = known.saturating_add(sampling.under_way);
        if expected < enough && fewest.is_none_or(|(_, least)| expected < least) {
            fewest = Some((position, expected));
        }
    }
    let (position, _) = fewest?;
    let pair = field.get(position)?.candidate.pair();
    context.worker.sampling(pair).start(now_ms);
    Some(position)
}

impl Sampling {
    /// The snapshot has so many samples more of this worker.
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
