//! The inside of JSON strings, which may arrive in chunks.

use super::text::TextTokens;

/// The end of a string whose inside starts `bytes`: `Ok` with the position of its closing quote. `Err` if there is none
/// yet, with the number of bytes that do not depend on what follows.
pub(super) fn end_of_string(bytes: &[u8]) -> Result<usize, usize> {
    let mut position = 0_usize;
    loop {
        let rest = bytes.get(position..).unwrap_or(b"");
        let Some(found) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
            return Err(bytes.len());
        };
        let at = position.saturating_add(found);
        if bytes.get(at) == Some(&b'"') {
            return Ok(at);
        }
        position = at.saturating_add(2);
        if position > bytes.len() {
            return Err(at);
        }
    }
}

/// Counts the decoded `raw`. Unless it is the end, returns an incomplete escape sequence or character at its end.
pub(super) fn count<'r>(tokens: &mut TextTokens, mut raw: &'r [u8], is_end: bool) -> &'r [u8] {
    while let Some(backslash) = raw.iter().position(|&byte| byte == b'\\') {
        let (plain, rest) = raw.split_at_checked(backslash).unwrap_or((raw, b""));
        count_plain(tokens, plain);
        match escape(tokens, rest, is_end) {
            Some(behind) => raw = behind,
            None => return rest,
        }
    }
    let whole = if is_end {
        raw.len()
    } else {
        raw.len().saturating_sub(broken_off(raw))
    };
    let (plain, rest) = raw.split_at_checked(whole).unwrap_or((raw, b""));
    count_plain(tokens, plain);
    rest
}

fn count_plain(tokens: &mut TextTokens, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        tokens.push(chunk.valid());
    }
}

/// Bytes of an incomplete character at the end.
fn broken_off(bytes: &[u8]) -> usize {
    for (index, byte) in bytes.iter().rev().take(3).enumerate() {
        let length = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            0x00..=0x7f => 1,
        };
        let there = index.saturating_add(1);
        return if there < length { there } else { 0 };
    }
    0
}

/// Counts the escape sequence at the front of `raw` and returns the rest; `None` if it is incomplete and not at the
/// end.
fn escape<'r>(tokens: &mut TextTokens, raw: &'r [u8], is_end: bool) -> Option<&'r [u8]> {
    let character = match raw.get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b' | b'f') => ' ',
        Some(b'u') => return unicode_escape(tokens, raw, is_end),
        Some(&other) => char::from(other),
        None if is_end => return Some(b""),
        None => return None,
    };
    tokens.push_char(character);
    Some(raw.get(2..).unwrap_or(b""))
}

/// `\uXXXX`, possibly the first half of a surrogate pair.
fn unicode_escape<'r>(tokens: &mut TextTokens, raw: &'r [u8], is_end: bool) -> Option<&'r [u8]> {
    const LENGTH: usize = 6;
    let unit = |at: usize| -> Option<u32> {
        let digits = raw.get(at.saturating_add(2)..at.saturating_add(LENGTH))?;
        let prefix = raw.get(at..at.saturating_add(2))?;
        let digits = std::str::from_utf8(digits).ok()?;
        (prefix == b"\\u").then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let first = unit(0);
    let is_half = matches!(first, Some(0xd800..=0xdbff));
    let needed = if is_half { 2 * LENGTH } else { LENGTH };
    if raw.len() < needed && !is_end {
        return None;
    }
    let pair = match (first, unit(LENGTH)) {
        (Some(high), Some(low @ 0xdc00..=0xdfff)) if is_half => Some(
            0x1_0000_u32
                .saturating_add(high.saturating_sub(0xd800) << 10)
                .saturating_add(low.saturating_sub(0xdc00)),
        ),
        _ => None,
    };
    if let Some(character) = pair.or(first).and_then(char::from_u32) {
        tokens.push_char(character);
    }
    let length = if pair.is_some() { 2 * LENGTH } else { LENGTH };
    Some(raw.get(length..).unwrap_or(b""))
}
