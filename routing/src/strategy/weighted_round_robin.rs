//! `weighted_round_robin`: smooth, by relative weights; exact over each cycle of one worker.

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct WeightedRoundRobin;

impl PickHead for WeightedRoundRobin {
    fn pick(&self, field: &[Contender<'_>], context: &mut Context<'_>) -> Pick {
        Pick::head(
            context
                .rotation()
                .next(field, |_, contender| weight(contender)),
        )
    }

    fn share(&self, contender: &Contender<'_>) -> Option<u32> {
        Some(weight(contender))
    }
}

/// A member without a weight counts as one.
fn weight(contender: &Contender<'_>) -> u32 {
    contender.candidate.weight.unwrap_or(1)
}
