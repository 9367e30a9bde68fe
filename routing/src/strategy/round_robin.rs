//! `round_robin`: one after the other.

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct RoundRobin;

impl PickHead for RoundRobin {
    fn pick(&self, field: &[Contender<'_>], context: &mut Context<'_>) -> Pick {
        Pick::head(context.rotation().next(field, |_, _| 1))
    }

    fn share(&self, _contender: &Contender<'_>) -> Option<u32> {
        Some(1)
    }
}
