//! Smooth weighted round robin: in each cycle every candidate is picked according to its weight, evenly spread.

use crate::plan::context::Candidate;

/// Credits of the members of one pool.
#[derive(Debug, Clone, Default)]
pub(crate) struct WrrState {
    credit: Vec<i64>,
}

impl WrrState {
    /// Each candidate gains its weight; the one with the most credit (the first of equals) is picked and pays for the
    /// round. Members that are not in `candidates`, or have no weight, keep their credit. If no candidate has a weight,
    /// all count as one. `weight` also receives the position in `candidates`.
    pub(crate) fn next(
        &mut self,
        candidates: &[Candidate<'_>],
        weight: impl Fn(usize, &Candidate<'_>) -> u32,
    ) -> usize {
        let weightless = candidates
            .iter()
            .enumerate()
            .all(|(position, candidate)| weight(position, candidate) == 0);
        let mut total: i64 = 0;
        let mut best: Option<(usize, usize, i64)> = None;
        for (position, candidate) in candidates.iter().enumerate() {
            let weight = if weightless {
                1
            } else {
                i64::from(weight(position, candidate))
            };
            if weight == 0 {
                continue;
            }
            total = total.saturating_add(weight);
            let Some(credit) = self.credit_of(candidate.position) else {
                continue;
            };
            *credit = credit.saturating_add(weight);
            if best.is_none_or(|(_, _, most)| *credit > most) {
                best = Some((position, candidate.position, *credit));
            }
        }
        let Some((position, pool_position, _)) = best else {
            return 0;
        };
        if let Some(credit) = self.credit_of(pool_position) {
            *credit = credit.saturating_sub(total);
        }
        position
    }

    fn credit_of(&mut self, position: usize) -> Option<&mut i64> {
        if self.credit.len() <= position {
            self.credit.resize(position.saturating_add(1), 0);
        }
        self.credit.get_mut(position)
    }
}
