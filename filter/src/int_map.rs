//! Tables by numbers that are given out in turn, which need no hashing against attackers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// By context or token.
pub(crate) type IntMap<K, V> = HashMap<K, V, BuildHasherDefault<Numbers>>;

/// See [`IntMap`].
#[derive(Debug, Default)]
pub(crate) struct Numbers(u64);

impl Hasher for Numbers {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, id: u32) {
        self.write_u64(u64::from(id));
    }

    fn write_u64(&mut self, id: u64) {
        // Fibonacci hashing: the table looks at the highest bits as well as at the lowest.
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
