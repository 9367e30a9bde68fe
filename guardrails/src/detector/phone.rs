//! Telephone numbers: international ones with `+` (E.164), and those of North America as they are written there.

use std::ops::Range;

/// Shortest and longest number of digits of an international number; E.164 allows 15.
const DIGITS: Range<usize> = 8..16;
/// Digits with all that may stand between them.
const LONGEST: usize = 40;

/// From the `+` at `at`.
pub(super) fn international(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    if !super::begins_word(bytes, at) {
        return None;
    }
    let mut digits = 0_usize;
    let mut separators = 0_usize;
    let mut end = None;
    let first = at.saturating_add(1);
    if !matches!(bytes.get(first), Some(b'1'..=b'9')) {
        return None;
    }
    for (index, byte) in bytes.iter().enumerate().skip(first).take(LONGEST) {
        match byte {
            b'0'..=b'9' => {
                digits = digits.saturating_add(1);
                separators = 0;
                let behind = index.saturating_add(1);
                // A group of digits is part of the number as a whole or not at all.
                if DIGITS.contains(&digits) && super::ends_word(bytes, behind) {
                    end = Some(behind);
                }
            }
            // Two, because of `+49 (0) 30`.
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' if separators < 2 => {
                separators = separators.saturating_add(1)
            }
            _ => break,
        }
        if digits >= DIGITS.end {
            break;
        }
    }
    end.map(|end| at..end)
}

/// From the digit or the bracket at `at`: `212-555-0199`, `(212) 555-0199`, `1.212.555.0199`.
pub(super) fn national(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    if !super::begins_word(bytes, at) {
        return None;
    }
    let separator = |at: usize| super::run(bytes, at, 1, |byte| b" -.".contains(&byte));
    let mut here = at;
    if bytes.get(here) == Some(&b'1') {
        let length = separator(here.saturating_add(1));
        if length == 0 {
            return None;
        }
        here = here.saturating_add(1).saturating_add(length);
    }
    let bracket = bytes.get(here) == Some(&b'(');
    here = here.saturating_add(usize::from(bracket));
    here = group(bytes, here, 3, true)?;
    if bracket {
        if bytes.get(here) != Some(&b')') {
            return None;
        }
        here = here.saturating_add(1);
        here = here.saturating_add(separator(here));
    } else {
        here = here
            .checked_add(separator(here))
            .filter(|next| *next > here)?;
    }
    here = group(bytes, here, 3, true)?;
    here = here
        .checked_add(separator(here))
        .filter(|next| *next > here)?;
    here = group(bytes, here, 4, false)?;
    super::ends_word(bytes, here).then_some(at..here)
}

/// The place behind `length` digits at `at`. Area and exchange codes do not begin with 0 or 1.
fn group(bytes: &[u8], at: usize, length: usize, is_code: bool) -> Option<usize> {
    let group = bytes.get(at..at.checked_add(length)?)?;
    let fits = group.iter().all(u8::is_ascii_digit)
        && !(is_code && matches!(group.first(), Some(b'0' | b'1')));
    fits.then(|| at.saturating_add(length))
}
