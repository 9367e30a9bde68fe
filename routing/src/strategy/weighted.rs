//! `weighted`: random by percentage; what a missing member had is spread over the others in proportion.

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct Weighted;

impl PickHead for Weighted {
    fn pick(&self, field: &[Contender<'_>], context: &mut Context<'_>) -> Pick {
        let total: u64 = field.iter().map(weight).map(u64::from).sum();
        if total == 0 {
            // Whoever has a weight is out: the others share equally rather than refuse.
            let draw = context.random.below(field.len() as u64);
            return Pick::head(usize::try_from(draw).unwrap_or(0));
        }
        let mut draw = context.random.below(total);
        for (position, contender) in field.iter().enumerate() {
            let weight = u64::from(weight(contender));
            if draw < weight {
                return Pick::head(position);
            }
            draw = draw.saturating_sub(weight);
        }
        Pick::head(0)
    }

    fn share(&self, contender: &Contender<'_>) -> Option<u32> {
        Some(weight(contender))
    }
}

/// A member without a percentage has none.
fn weight(contender: &Contender<'_>) -> u32 {
    contender.candidate.weight.unwrap_or(0)
}
