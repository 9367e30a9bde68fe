//! `single`: only the first member.

use super::{LoadBalancer, Pick};
use crate::plan::context::{Candidate, Context};

pub(super) struct Single;

impl LoadBalancer for Single {
    /// The plan has already reduced the group to its first member.
    fn pick(&self, _candidates: &[Candidate<'_>], _context: &mut Context<'_>) -> Pick {
        Pick::primary(0)
    }
}
