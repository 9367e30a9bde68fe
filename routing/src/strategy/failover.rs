//! `failover`: the first that can serve.

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct Failover;

impl PickHead for Failover {
    fn pick(&self, _field: &[Contender<'_>], _context: &mut Context<'_>) -> Pick {
        Pick::head(0)
    }
}
