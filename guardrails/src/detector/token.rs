//! Keys and tokens: a prefix that their issuer gives them, then letters and digits without meaning.

use std::ops::Range;

/// How a token goes on behind its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Fewest characters.
    pub(crate) shortest: usize,
    /// Most characters; a longer run is something else.
    pub(crate) longest: usize,
}

impl Shape {
    /// The token whose prefix stands from `at` to `behind_prefix`.
    pub(super) fn from(
        self,
        bytes: &[u8],
        at: usize,
        behind_prefix: usize,
    ) -> Option<Range<usize>> {
        // Prefixes inside of a run of token characters are not looked at, so no byte is passed twice.
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        if before.is_some_and(|byte| is_token(*byte)) {
            return None;
        }
        let length = super::run(bytes, behind_prefix, self.longest, is_token);
        let behind = bytes.get(behind_prefix.saturating_add(length));
        if behind.is_some_and(|byte| is_token(*byte)) {
            return None;
        }
        let rest = bytes.get(behind_prefix..behind_prefix.saturating_add(length))?;
        let trailing = rest
            .iter()
            .rev()
            .take_while(|byte| b".-_".contains(byte))
            .count();
        let length = length.saturating_sub(trailing);
        // Words joined by hyphens have no digits.
        let has_digit = rest.iter().any(u8::is_ascii_digit);
        (length >= self.shortest && has_digit).then(|| at..behind_prefix.saturating_add(length))
    }
}

fn is_token(byte: u8) -> bool {
    super::is_word(byte) || byte == b'-' || byte == b'.'
}
