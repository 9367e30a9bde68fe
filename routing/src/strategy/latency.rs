//! `latency`

use policy::LatencySettings;

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct Latency<'s>(pub(super) &'s LatencySettings);

impl PickHead for Latency<'_> {
    fn pick(&self, _field: &[Contender<'_>], _context: &mut Context<'_>) -> Pick {
        Pick::head(0)
    }
}
