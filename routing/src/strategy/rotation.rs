//! Smooth weighted round robin: in each cycle everyone comes up as often as its weight says, spread out evenly.

use crate::plan::context::Contender;

/// Credit of each member of one pool.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rotation {
    credit: Vec<i64>,
}

impl Rotation {
    /// Everyone gains its weight; the one with the most credit (the first of equals) is picked and pays for the round.
    /// Members that are not in `field`, or have no weight, keep their credit untouched. Without any weight all count as
    /// one. `weight` is given the position in `field` as well.
    pub(crate) fn next(
        &mut self,
        field: &[Contender<'_>],
        weight: impl Fn(usize, &Contender<'_>) -> u32,
    ) -> usize {
        let weightless = field
            .iter()
            .enumerate()
            .all(|(position, contender)| weight(position, contender) == 0);
        let mut total: i64 = 0;
        let mut best: Option<(usize, usize, i64)> = None;
        for (position, contender) in field.iter().enumerate() {
            let weight = if weightless {
                1
            } else {
                i64::from(weight(position, contender))
            };
            if weight == 0 {
                continue;
            }
            total = total.saturating_add(weight);
            let Some(credit) = self.credit_of(contender.position) else {
                continue;
            };
            *credit = credit.saturating_add(weight);
            if best.is_none_or(|(_, _, most)| *credit > most) {
                best = Some((position, contender.position, *credit));
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
