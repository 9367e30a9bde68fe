//! `random`: any of them, each as likely as the others.

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct Uniform;

impl PickHead for Uniform {
    fn pick(&self, field: &[Contender<'_>], context: &mut Context<'_>) -> Pick {
        let draw = context.random.below(field.len() as u64);
        Pick::head(usize::try_from(draw).unwrap_or(0))
    }

    fn share(&self, _contender: &Contender<'_>) -> Option<u32> {
        Some(1)
    }
}
