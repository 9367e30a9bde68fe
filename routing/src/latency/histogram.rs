//! A log-linear histogram of milliseconds: quantiles within 3.2 % of the true value.
//!
//! Up to 16 ms every millisecond has its own slot; above that each power of two is divided into 16 slots, so that a
//! slot is at most 1/16 of its lower end wide and its middle at most 1/32 away from any value in it.

/// Slots per power of two.
const SLOTS_PER_OCTAVE: u64 = 16;
/// Powers of two above `SLOTS_PER_OCTAVE`; the last slot also takes everything beyond 2²⁴ ms (4.6 h).
const OCTAVES: u64 = 20;
/// Number of slots.
pub(super) const SLOTS: u16 = (SLOTS_PER_OCTAVE + SLOTS_PER_OCTAVE * OCTAVES) as u16;

/// Counts of milliseconds. Only non-empty slots are kept, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    slots: Vec<(u16, u32)>,
}

impl Histogram {
    /// Counts one value.
    pub fn record(&mut self, value_ms: u64) {
        self.add(slot_of(value_ms), 1);
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (slot, count) in &other.slots {
            self.add(*slot, *count);
        }
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.slots.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// The value at `quantile` (0 to 1); `None` if empty.
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let count = self.count();
        let wanted = ((count as f64 * quantile.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0_u64;
        for (slot, count) in &self.slots {
            seen = seen.saturating_add(u64::from(*count));
            if seen >= wanted {
                return Some(middle_of(*slot));
            }
        }
        None
    }

    /// Half of each count; slots of one value are emptied.
    pub(super) fn halve(&mut self) {
        self.slots.retain_mut(|(_, count)| {
            *count /= 2;
            *count > 0
        });
    }

    pub(super) fn slots(&self) -> &[(u16, u32)] {
        &self.slots
    }

    /// Ignores slots out of range.
    pub(super) fn add(&mut self, slot: u16, count: u32) {
        if slot >= SLOTS || count == 0 {
            return;
        }
        match self.slots.binary_search_by_key(&slot, |(slot, _)| *slot) {
            Ok(position) => {
                if let Some((_, known)) = self.slots.get_mut(position) {
                    *known = known.saturating_add(count);
                }
            }
            Err(position) => self.slots.insert(position, (slot, count)),
        }
    }
}

fn slot_of(value_ms: u64) -> u16 {
    if value_ms < SLOTS_PER_OCTAVE {
        return u16::try_from(value_ms).unwrap_or(0);
    }
    let octave = u64::from(value_ms.ilog2()).saturating_sub(u64::from(SLOTS_PER_OCTAVE.ilog2()));
    let within = (value_ms >> octave).saturating_sub(SLOTS_PER_OCTAVE);
    let slot = SLOTS_PER_OCTAVE
        .saturating_add(octave.saturating_mul(SLOTS_PER_OCTAVE))
        .saturating_add(within);
    u16::try_from(slot).map_or(SLOTS - 1, |slot| slot.min(SLOTS - 1))
}

fn middle_of(slot: u16) -> u64 {
    let slot = u64::from(slot);
    if slot < SLOTS_PER_OCTAVE {
        return slot;
    }
    let octave = slot.saturating_sub(SLOTS_PER_OCTAVE) / SLOTS_PER_OCTAVE;
    let within = slot % SLOTS_PER_OCTAVE;
    let width = 1_u64 << octave.min(OCTAVES);
    SLOTS_PER_OCTAVE
        .saturating_add(within)
        .saturating_mul(width)
        .saturating_add(width / 2)
}
