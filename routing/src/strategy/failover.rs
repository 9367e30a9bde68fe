//! `failover`: the first candidate.

use super::{LoadBalancer, Pick};
use crate::plan::context::{Candidate, Context};

pub(super) struct Failover;

impl LoadBalancer for Failover {
    fn pick(&self, _candidates: &[Candidate<'_>], _context: &mut Context<'_>) -> Pick {
        Pick::primary(0)
    }
}
