//! `single`: the first member and no other.

use super::{LoadBalancer, Pick};
use crate::plan::context::{Candidate, Context};

pub(super) struct Single;

impl LoadBalancer for Single {
    /// The plan has already cut the group to its first member.
    fn pick(&self, _field: &[Candidate<'_>], _context: &mut Context<'_>) -> Pick {
        Pick::primary(0)
    }
}
