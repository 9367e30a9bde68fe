//! The one hash that must be identical on every machine, in every build and in wasm: XXH64 with seed 0.

use xxhash_rust::xxh64::{Xxh64, xxh64};

/// XXH64 of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> u64 {
    xxh64(bytes, 0)
}

/// XXH64 of several parts. Each part's length is hashed as well, so that `["ab", "c"]` differs from `["a", "bc"]`.
pub(crate) fn of_parts(parts: &[&[u8]]) -> u64 {
    let mut state = Xxh64::new(0);
    for part in parts {
        state.update(&(part.len() as u64).to_le_bytes());
        state.update(part);
    }
    state.digest()
}

/// Mixes two numbers into one.
pub(crate) fn combine(left: u64, right: u64) -> u64 {
    let mut bytes = [0; 16];
    let (low, high) = bytes.split_at_mut(8);
    low.copy_from_slice(&left.to_le_bytes());
    high.copy_from_slice(&right.to_le_bytes());
    of(&bytes)
}
