//! Strategies: each picks the head of a plan.

use policy::Strategy;

use crate::index::Candidate;

/// Who can serve, in failover order; never empty when a strategy is asked.
pub(crate) type Field<'a> = [&'a Candidate];

/// What a strategy decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pick {
    /// Position in the field.
    pub(crate) head: usize,
    /// Semantic only.
    pub(crate) similarity: Option<f32>,
}

/// Picks the head among `field`.
pub(crate) fn pick(_strategy: &Strategy, _field: &Field<'_>) -> Pick {
    Pick {
        head: 0,
        similarity: None,
    }
}
