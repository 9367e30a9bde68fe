//! Scans 64 bytes of JSON text at a time with wasm's vector instructions.
//!
//! V8 materialises a constant vector for each use, so comparing costs more than operations shared by a whole block.
//! Control characters and the quote are found by the smallest byte: with its second bit flipped, `"` is 0x20, and
//! anything else below 0x21 is a control character.

use core::arch::wasm32::{
    i8x16_lt, i8x16_min, i8x16_splat, u8x16_eq, u8x16_min, u8x16_splat, u64x2, v128, v128_any_true,
    v128_or, v128_xor,
};

/// Length of a block in bytes.
const BLOCK: usize = 64;

/// The quote with [`SECOND_BIT`] flipped. Smaller values are control characters.
const FLIPPED_QUOTE: u8 = b'"' ^ SECOND_BIT;
const SECOND_BIT: u8 = 2;

/// Bytes in the leading blocks that may occur in a string unescaped: no quote, backslash or control character.
pub(super) fn plain(bytes: &[u8]) -> usize {
    let min = |a, b| u8x16_min(a, b);
    passed(bytes, min, |least| {
        let limit = u8x16_splat(FLIPPED_QUOTE);
        u8x16_eq(min(least, limit), least)
    })
}

/// [`plain`] and ASCII: as signed numbers, all other bytes are smaller.
pub(super) fn plain_ascii(bytes: &[u8]) -> usize {
    let limit = i8x16_splat(FLIPPED_QUOTE as i8 + 1);
    let min = |a, b| i8x16_min(a, b);
    passed(bytes, min, |least| i8x16_lt(least, limit))
}

/// Bytes in the leading blocks without a backslash, for whose smallest bytes by `min`, each with its second bit
/// flipped, `is_special` returns false.
#[inline(always)]
fn passed(
    bytes: &[u8],
    min: impl Fn(v128, v128) -> v128,
    is_special: impl Fn(v128) -> v128,
) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let is_plain = |block: &&[u8; BLOCK]| {
        let (parts, _) = block.as_chunks::<16>();
        let [a, b, c, d] = parts else { return false };
        let [a, b, c, d] = [vector(a), vector(b), vector(c), vector(d)];
        let flipped = |part| v128_xor(part, u8x16_splat(SECOND_BIT));
        let least = min(min(flipped(a), flipped(b)), min(flipped(c), flipped(d)));
        let backslash = |part| u8x16_eq(part, u8x16_splat(b'\\'));
        let backslashes = v128_or(
            v128_or(backslash(a), backslash(b)),
            v128_or(backslash(c), backslash(d)),
        );
        !v128_any_true(v128_or(backslashes, is_special(least)))
    };
    blocks
        .iter()
        .take_while(is_plain)
        .count()
        .saturating_mul(BLOCK)
}

/// Two loads: the compiler emits one per argument.
#[inline(always)]
fn vector(part: &[u8; 16]) -> v128 {
    let half = |half: &[u8; 8]| u64::from_le_bytes(*half);
    let (halves, _) = part.as_chunks::<8>();
    match halves {
        [first, second] => u64x2(half(first), half(second)),
        _ => u8x16_splat(0),
    }
}
