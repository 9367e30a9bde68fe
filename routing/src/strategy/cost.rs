//! `cost`

use policy::CostSettings;

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct Cost<'s>(pub(super) &'s CostSettings);

impl PickHead for Cost<'_> {
    fn pick(&self, _field: &[Contender<'_>], _context: &mut Context<'_>) -> Pick {
        Pick::head(0)
    }
}
