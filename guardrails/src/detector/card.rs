//! Numbers of payment cards: 13 to 19 digits, in groups or not, with Luhn's check digit (ISO/IEC 7812).

use std::ops::Range;

const LENGTHS: Range<usize> = 13..20;
/// Digits of every group but the last.
const SHORTEST_GROUP: usize = 4;

/// From the digit at `at`, which no digit precedes.
pub(super) fn from(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    // Networks whose cards people pay with begin with 2 to 6; a time in milliseconds begins with 1.
    if !matches!(bytes.get(at), Some(b'2'..=b'6')) || !super::begins_word(bytes, at) {
        return None;
    }
    let mut digits: Vec<u8> = Vec::with_capacity(LENGTHS.end);
    let mut end = None;
    let mut group = 0_usize;
    for (index, byte) in bytes.iter().enumerate().skip(at) {
        match byte {
            b'0'..=b'9' => {
                digits.push(byte.saturating_sub(b'0'));
                group = group.saturating_add(1);
            }
            b' ' | b'-' if group >= SHORTEST_GROUP => {
                group = 0;
                continue;
            }
            _ => break,
        }
        let behind = index.saturating_add(1);
        if LENGTHS.contains(&digits.len()) && super::ends_word(bytes, behind) && luhn(&digits) {
            end = Some(behind);
        }
        if digits.len() >= LENGTHS.end {
            break;
        }
    }
    end.map(|end| at..end)
}

/// The sum of the digits, every second from the right doubled, ends with 0.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place.is_multiple_of(2), *digit) {
            (true, digit) => u32::from(digit),
            (false, digit @ 0..=4) => u32::from(digit).saturating_mul(2),
            (false, digit) => u32::from(digit).saturating_mul(2).saturating_sub(9),
        })
        .sum();
    sum.is_multiple_of(10)
}
