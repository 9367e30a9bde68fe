//! Writes JSON directly into a buffer, because a gateway does so for every request.
//!
//! Serde's `Serialize` of the same types writes the same bytes; a test compares them.

use std::borrow::Cow;

/// A value that can write itself as JSON. Writing cannot fail.
pub(crate) trait Json {
    /// Appends the value to `out`.
    fn write(&self, out: &mut Vec<u8>);
}

/// Writes an object whose members are the named fields of `$value`, in this order. Omits the closing brace, so that
/// optional members can follow by [`member`].
macro_rules! object {
    ($out:ident, $value:ident, $first:ident $(, $field:ident)* $(,)?) => {
        $out.extend_from_slice(concat!("{\"", stringify!($first), "\":").as_bytes());
        $crate::json::Json::write(&$value.$first, $out);
        $crate::json::members!($out, $value $(, $field)*);
    };
}

/// Writes further members of an object.
macro_rules! members {
    ($out:ident, $value:ident $(, $field:ident)* $(,)?) => {
        $(
            $out.extend_from_slice(concat!(",\"", stringify!($field), "\":").as_bytes());
            $crate::json::Json::write(&$value.$field, $out);
        )*
    };
}

pub(crate) use {members, object};

// === impl Json ===

impl<T: Json> Json for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

impl Json for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Json for $number {
            fn write(&self, out: &mut Vec<u8>) {
                // Writing numbers to memory cannot fail.
                let _ = serde_json::to_writer(out, self);
            }
        })*
    };
}

numbers!(u16, u32, u64, f32, f64);

impl Json for Cow<'_, str> {
    fn write(&self, out: &mut Vec<u8>) {
        string(out, self);
    }
}

/// Writes an array.
pub(crate) fn list<'a, T: Json + 'a>(out: &mut Vec<u8>, items: impl IntoIterator<Item = &'a T>) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item.write(out);
    }
    out.push(b']');
}

/// Writes a string. Scans eight bytes at a time for characters that need an escape, and copies the rest, usually
/// everything, at once.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some((plain, byte, after)) = split_at_escape(rest) {
        out.extend_from_slice(plain);
        escape(out, byte);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Writes a string that is known to need no escape.
pub(crate) fn plain_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// The bytes before the first one that needs an escape, that byte, and the rest.
fn split_at_escape(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (words, _) = bytes.as_chunks::<8>();
    let mut begin = 0_usize;
    for word in words {
        let found = to_escape(u64::from_le_bytes(*word));
        if found != 0 {
            begin = begin.saturating_add((found.trailing_zeros() / 8) as usize);
            break;
        }
        begin = begin.saturating_add(8);
    }
    let is_escaped = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    let at = begin.saturating_add(bytes.get(begin..)?.iter().position(is_escaped)?);
    let (plain, rest) = bytes.split_at_checked(at)?;
    let (byte, after) = rest.split_first()?;
    Some((plain, *byte, after))
}

/// Sets the lowest bit in the first of eight bytes that is a control character, a quote or a backslash; 0 if there is
/// none.
fn to_escape(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    // The top bit of each byte below `limit`; above the first such byte there may be false ones.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES.wrapping_mul(limit)) & !word;
    let equal = |byte: u8| below(word ^ ONES.wrapping_mul(u64::from(byte)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & ONES.wrapping_mul(0x80)
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => byte,
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&hex_byte(byte));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Two lower-case hexadecimal digits.
pub fn hex_byte(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0xf].map(|digit| match digit {
        0..=9 => b'0'.wrapping_add(digit),
        _ => b'a'.wrapping_add(digit).wrapping_sub(10),
    })
}

/// The last two decimal digits of `number`.
pub(crate) fn two_digits(number: u64) -> [u8; 2] {
    // Below ten each.
    [number / 10 % 10, number % 10].map(|digit| b'0'.wrapping_add(digit as u8))
}

#[cfg(test)]
mod tests;
