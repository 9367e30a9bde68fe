//! `semantic`

use policy::SemanticSettings;

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct Semantic<'s>(pub(super) &'s SemanticSettings);

impl PickHead for Semantic<'_> {
    fn pick(&self, _field: &[Contender<'_>], _context: &mut Context<'_>) -> Pick {
        Pick::head(0)
    }
}
