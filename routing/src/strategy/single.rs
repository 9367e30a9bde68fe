//! `single`: the first member and no other.

use super::{Pick, PickHead};
use crate::plan::context::{Contender, Context};

pub(super) struct Single;

impl PickHead for Single {
    /// The plan has already cut the group to its first member.
    fn pick(&self, _field: &[Contender<'_>], _context: &mut Context<'_>) -> Pick {
        Pick::head(0)
    }
}
