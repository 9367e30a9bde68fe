//! Social security numbers of the United States: `AAA-GG-SSSS`, without the numbers that are never given out.

use std::ops::Range;

/// From the digit at `at`.
pub(super) fn from(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let end = at.checked_add(11)?;
    let number = bytes.get(at..end)?;
    let shape = number.iter().enumerate().all(|(index, byte)| match index {
        3 | 6 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let given_out = !matches!(number.get(..3), Some(b"000" | b"666" | [b'9', ..]))
        && number.get(4..6) != Some(b"00")
        && number.get(7..) != Some(b"0000");
    let alone = super::begins_word(bytes, at) && super::ends_word(bytes, end);
    (shape && given_out && alone).then_some(at..end)
}
