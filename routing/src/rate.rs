//! Requests per minute of gateway keys: the grants of the last 60 seconds.
//!
//! Time is divided into slots of two seconds. A slot counts until its last moment is 60 seconds old, so no 60 seconds
//! ever hold more than the limit; at most two seconds' worth of requests wait longer than necessary. Times come from a
//! monotonic clock: with one that can be set, a window could last for as long as the clock was wrong.

use crate::hash;

const SLOT_MS: u64 = 2_000;
/// The current slot, 29 whole ones, and the one in which the window starts.
const SLOTS: usize = 31;
/// Most keys in one table; the one idle for longest is evicted.
const MAX_KEYS: usize = 4_096;
const RECORD: usize = 16 + SLOTS * 4;
const MAGIC: &[u8] = b"KTRT\x02";

/// Identifies a gateway key in shared data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateKey(u64);

/// Grants of many keys. Shared data holds the [`RateTable::encode`]d bytes; writers use compare-and-swap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateTable {
    windows: Vec<Window>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    key: RateKey,
    /// Number of the first slot in `granted`, which goes back in time.
    newest: u64,
    granted: [u32; SLOTS],
}

impl RateKey {
    /// Of the gateway key with this id.
    pub fn of(key_id: &str) -> Self {
        Self(hash::of(key_id.as_bytes()))
    }

    /// The table of `tables` that holds the key.
    pub fn table(self, tables: u64) -> u64 {
        self.0.checked_rem(tables).unwrap_or(0)
    }
}

// === impl RateTable ===

impl RateTable {
    /// Grants one request.
    ///
    /// # Errors
    /// `limit` requests were granted in the last 60 seconds; returns the milliseconds until the next one may be
    /// granted.
    pub fn grant(&mut self, key: RateKey, limit: u32, now_ms: u64) -> Result<(), u64> {
        let slot = now_ms / SLOT_MS;
        self.windows
            .retain(|window| slot.saturating_sub(window.newest) < SLOTS as u64);
        let position = self.windows.iter().position(|window| window.key == key);
        let mut window = position
            .and_then(|position| self.windows.get(position))
            .copied()
            .unwrap_or(Window {
                key,
                newest: slot,
                granted: [0; SLOTS],
            });
        window.advance(slot);
        if window.total() >= u64::from(limit) {
            return Err(window.wait_ms(limit, now_ms));
        }
        let [present, ..] = &mut window.granted;
        *present = present.saturating_add(1);
        match position.and_then(|position| self.windows.get_mut(position)) {
            Some(known) => *known = window,
            None => self.add(window),
        }
        Ok(())
    }

    /// Requests granted in the last 60 seconds.
    pub fn granted(&self, key: RateKey, now_ms: u64) -> u64 {
        let window = self.windows.iter().find(|window| window.key == key);
        window.map_or(0, |window| {
            let mut window = *window;
            window.advance(now_ms / SLOT_MS);
            window.total()
        })
    }

    fn add(&mut self, window: Window) {
        if self.windows.len() >= MAX_KEYS {
            let quietest = self
                .windows
                .iter()
                .enumerate()
                .min_by_key(|(_, window)| window.newest)
                .map(|(position, _)| position);
            if let Some(position) = quietest {
                self.windows.swap_remove(position);
            }
        }
        self.windows.push(window);
    }

    /// Decodes shared data; invalid bytes give an empty table.
    pub fn decode(bytes: &[u8]) -> Self {
        let records = bytes.strip_prefix(MAGIC).unwrap_or_default();
        Self {
            windows: records
                .chunks_exact(RECORD)
                .take(MAX_KEYS)
                .filter_map(Window::decode)
                .collect(),
        }
    }

    /// Encodes for shared data.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAGIC.len() + self.windows.len() * RECORD);
        bytes.extend_from_slice(MAGIC);
        for window in &self.windows {
            bytes.extend_from_slice(&window.key.0.to_le_bytes());
            bytes.extend_from_slice(&window.newest.to_le_bytes());
            for granted in window.granted {
                bytes.extend_from_slice(&granted.to_le_bytes());
            }
        }
        bytes
    }
}

// === impl Window ===

impl Window {
    /// Advances to `slot`. Ignores a clock that went back.
    fn advance(&mut self, slot: u64) {
        let by = slot.saturating_sub(self.newest);
        let by = usize::try_from(by).unwrap_or(SLOTS).min(SLOTS);
        self.granted.rotate_right(by);
        self.granted.iter_mut().take(by).for_each(|slot| *slot = 0);
        self.newest = self.newest.max(slot);
    }

    fn total(&self) -> u64 {
        self.granted.iter().map(|granted| u64::from(*granted)).sum()
    }

    /// The time until enough of the oldest slots have left for one more request.
    fn wait_ms(&self, limit: u32, now_ms: u64) -> u64 {
        let mut left = self.total();
        for (age, granted) in self.granted.iter().enumerate().rev() {
            left = left.saturating_sub(u64::from(*granted));
            if left < u64::from(limit) {
                let slots = SLOTS.saturating_sub(age) as u64;
                let leaves_ms = self.newest.saturating_add(slots).saturating_mul(SLOT_MS);
                return leaves_ms.saturating_sub(now_ms).max(1);
            }
        }
        SLOTS as u64 * SLOT_MS
    }

    fn decode(record: &[u8]) -> Option<Self> {
        let (key, rest) = record.split_first_chunk::<8>()?;
        let (newest, rest) = rest.split_first_chunk::<8>()?;
        let mut granted = [0; SLOTS];
        for (slot, bytes) in granted.iter_mut().zip(rest.chunks_exact(4)) {
            *slot = u32::from_le_bytes(bytes.try_into().ok()?);
        }
        Some(Self {
            key: RateKey(u64::from_le_bytes(*key)),
            newest: u64::from_le_bytes(*newest),
            granted,
        })
    }
}

#[cfg(test)]
mod tests;
