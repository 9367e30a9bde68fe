//! The addresses behind a target's name, as seen by one worker.
//!
//! A name may resolve to several hosts. If one fails, Envoy's outlier detection ejects it, and the target still serves.
//! So a failure to reach an address counts against the target only if no other address has served recently. If all
//! fail, each is excused only until it has failed itself.

use crate::hash;

/// How long a success excuses other addresses, in milliseconds. Short, because large providers rotate addresses: one
/// that no longer resolves never fails.
const SUCCESS_MEMORY_MS: u64 = 5_000;
/// Shortest interval between recorded successes, in milliseconds: reading the address costs a host call.
const MIN_RECORD_INTERVAL_MS: u64 = 20;
/// Most addresses kept; the least recently recorded one is evicted.
const MAX_ADDRESSES: usize = 16;

/// The known addresses of one target.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    known: Vec<Address>,
    noted_ms: u64,
}

#[derive(Debug, Clone, Copy)]
struct Address {
    hash: u64,
    serves: bool,
    noted_ms: u64,
}

impl Addresses {
    /// The next success should be recorded with [`Addresses::served`].
    pub fn should_record_success(&self, now_ms: u64) -> bool {
        now_ms.abs_diff(self.noted_ms) >= MIN_RECORD_INTERVAL_MS
    }

    /// Records that `address` served.
    pub fn served(&mut self, address: &[u8], now_ms: u64) {
        self.noted_ms = now_ms;
        self.note(address, true, now_ms);
    }

    /// Records that `address` could not be reached. Returns `true` if another one serves, so the target is not to
    /// blame.
    pub fn failed(&mut self, address: &[u8], now_ms: u64) -> bool {
        let hash = self.note(address, false, now_ms);
        self.known.iter().any(|other| {
            other.hash != hash
                && other.serves
                && now_ms.abs_diff(other.noted_ms) <= SUCCESS_MEMORY_MS
        })
    }

    fn note(&mut self, address: &[u8], serves: bool, now_ms: u64) -> u64 {
        let hash = hash::of_parts(&[address]);
        self.known.retain(|known| known.hash != hash);
        if self.known.len() >= MAX_ADDRESSES {
            self.known.remove(0);
        }
        self.known.push(Address {
            hash,
            serves,
            noted_ms: now_ms,
        });
        hash
    }
}

#[cfg(test)]
mod tests;
