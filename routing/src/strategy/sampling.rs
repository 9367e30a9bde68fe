//! Members that are not measured yet get a few requests first, counted so that the crowd does not follow.

use crate::latency::Measured;
use crate::plan::context::{Contender, Context};

/// Shortest time after which samples under way are taken for lost.
const SHORTEST_PERIOD_MS: u64 = 10_000;

/// One worker's samples under way for one (target, model).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sampling {
    since_ms: u64,
    started: u32,
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
            *sampling = Sampling {
                since_ms: now_ms,
                started: 0,
            };
        }
        let expected = known.max(sampling.started);
        if expected < enough && fewest.is_none_or(|(_, least)| expected < least) {
            fewest = Some((position, expected));
        }
    }
    let (position, _) = fewest?;
    let pair = field.get(position)?.candidate.pair();
    let sampling = context.worker.sampling(pair);
    sampling.started = sampling.started.saturating_add(1);
    Some(position)
}
