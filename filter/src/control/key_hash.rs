//! What is known of a gateway key, and how it is compared.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

/// SHA-256 of a whole key. There is no other way to compare keys: neither a presented key nor its beginning ever meets the
/// key that would be right, and of two hashes all bytes are looked at. So what a refusal takes says nothing of how much
/// of a guess is right.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyHash([u8; 32]);

impl KeyHash {
    /// Of a key as a client presents it.
    pub(super) fn of(presented: &[u8]) -> Self {
        Self(Sha256::digest(presented).into())
    }

    /// As the collector sends it: 64 hexadecimal digits.
    pub(super) fn parse(hex: &str) -> Option<Self> {
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let digits = str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        let difference = pairs.fold(0, |difference, (one, other)| difference | (one ^ other));
        // Otherwise the compiler may stop at the first difference.
        std::hint::black_box(difference) == 0
    }
}

impl Eq for KeyHash {}

impl Hash for KeyHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn is_read_as_it_is_computed_and_differs_in_any_bit() {
        let hash = KeyHash::of(b"kt_gk_good");
        let hex = events::key_hash_hex(&hash.0);
        assert_eq!(KeyHash::parse(&hex), Some(hash));
        for bit in 0..256 {
            let mut other = hash;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash, other);
        }
        for wrong in [
            "",
            &hex[1..],
            &hex.replace(&hex[..1], "g"),
            &format!("{hex}0"),
        ] {
            assert_eq!(KeyHash::parse(wrong), None, "{wrong}");
        }
    }

    /// What differs between guesses is the least time of many, so that a busy machine does not count.
    #[test]
    #[allow(clippy::disallowed_methods)]
    fn a_guess_that_is_nearly_right_takes_as_long_as_one_that_is_all_wrong() {
        let right = format!("kt_gk_{}", "a".repeat(43));
        let keys = HashMap::from([(KeyHash::of(right.as_bytes()), ())]);
        let guesses = [0, 1, 20, 42].map(|same| {
            let (same, different) = ("a".repeat(same), "b".repeat(43 - same));
            (format!("kt_gk_{same}{different}"), Duration::MAX)
        });
        let mut guesses = guesses;
        for _ in 0..500 {
            for (guess, least) in &mut guesses {
                let start = Instant::now();
                for _ in 0..20 {
                    let hash = KeyHash::of(black_box(guess.as_bytes()));
                    assert!(!keys.contains_key(&hash));
                }
                *least = start.elapsed().min(*least);
            }
        }
        let times = guesses.map(|(_, least)| least.as_nanos());
        let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        assert!(most * 2 < least * 3, "{times:?}");
    }
}
