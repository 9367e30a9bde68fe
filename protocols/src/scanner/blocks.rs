//! Sixty-four bytes of a JSON text at a time, by wasm's vector instructions.

use core::arch::wasm32::{
    u8x16_eq, u8x16_lt, u8x16_splat, u64x2, u64x2_splat, v128, v128_any_true, v128_or,
};

/// Length of a block in bytes.
const BLOCK: usize = 64;

/// Bytes in the blocks from the front that may stand in a string as they are: without quote, backslash or control
/// character.
pub(super) fn plain(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let mut passed = 0_usize;
    for block in blocks {
        let (parts, _) = block.as_chunks::<16>();
        let special =
            (parts.iter().map(special)).fold(u64x2_splat(0), |any, one| v128_or(any, one));
        if v128_any_true(special) {
            break;
        }
        passed = passed.saturating_add(BLOCK);
    }
    passed
}

/// Ones in the place of each byte that may not stand in a string as it is.
#[inline(always)]
fn special(part: &[u8; 16]) -> v128 {
    let part = vector(part);
    let quote = u8x16_eq(part, u8x16_splat(b'"'));
    let backslash = u8x16_eq(part, u8x16_splat(b'\\'));
    let control = u8x16_lt(part, u8x16_splat(b' '));
    v128_or(v128_or(quote, backslash), control)
}

/// In two loads: the compiler makes one for each argument.
#[inline(always)]
fn vector(part: &[u8; 16]) -> v128 {
    let half = |half: &[u8; 8]| u64::from_le_bytes(*half);
    let (halves, _) = part.as_chunks::<8>();
    match halves {
        [first, second] => u64x2(half(first), half(second)),
        _ => u64x2_splat(0),
    }
}
