//! String literals, decoded only on demand.

use std::borrow::Cow;
use std::ops::Range;

/// A string in the JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal<'a> {
    /// Between the quotes.
    inside: &'a str,
    /// Including quotes.
    span: Range<usize>,
    saved_by_decoding: usize,
    /// Decoded length of what was elided.
    left_out: usize,
}

impl<'a> Literal<'a> {
    #[inline]
    pub(super) fn new(text: &'a str, span: Range<usize>, saved_by_decoding: usize) -> Self {
        let inside = text
            .get(span.start.saturating_add(1)..span.end.saturating_sub(1))
            .unwrap_or_default();
        Self {
            inside,
            span,
            saved_by_decoding,
            left_out: 0,
        }
    }

    /// Marks `left_out` bytes of the decoded text as elided.
    pub(super) fn without(mut self, left_out: usize) -> Self {
        self.left_out = left_out;
        self
    }

    /// Nothing was elided.
    pub(crate) fn is_whole(&self) -> bool {
        self.left_out == 0
    }

    /// Its range, including quotes.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The text between the quotes, with escapes.
    pub(crate) fn as_written(&self) -> &'a str {
        self.inside
    }

    /// The range of its inside.
    pub(crate) fn inside(&self) -> Range<usize> {
        self.span.start.saturating_add(1)..self.span.end.saturating_sub(1)
    }

    /// Decoded length, including what was elided.
    pub(crate) fn decoded_len(&self) -> usize {
        let kept = self.inside.len().saturating_sub(self.saved_by_decoding);
        kept.saturating_add(self.left_out)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inside.is_empty()
    }

    /// The decoded text, as far as it was kept. Lone surrogates become U+FFFD.
    #[inline]
    pub(crate) fn decode(&self) -> Cow<'a, str> {
        if self.saved_by_decoding == 0 {
            return Cow::Borrowed(self.inside);
        }
        Cow::Owned(self.unescaped())
    }

    fn unescaped(&self) -> String {
        let mut text = String::with_capacity(self.decoded_len());
        let mut rest = self.inside;
        while let Some((plain, escaped)) = rest.split_once('\\') {
            text.push_str(plain);
            let (char, tail) = escape(escaped);
            text.push(char);
            rest = tail;
        }
        text.push_str(rest);
        text
    }

    /// The text starts with `ascii`, in any case. Escapes are not decoded.
    pub(crate) fn starts_with_ignoring_case(&self, ascii: &str) -> bool {
        self.inside
            .get(..ascii.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(ascii))
    }

    /// The text is `other`.
    #[inline]
    pub(crate) fn is(&self, other: &str) -> bool {
        if self.saved_by_decoding == 0 {
            self.inside == other
        } else {
            self.decode() == other
        }
    }
}

/// The character of an escape sequence, and the rest. `escaped` starts after the backslash.
fn escape(escaped: &str) -> (char, &str) {
    let mut chars = escaped.chars();
    let char = match chars.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return unicode_escape(chars.as_str()),
        Some(other) => other,
        None => char::REPLACEMENT_CHARACTER,
    };
    (char, chars.as_str())
}

fn unicode_escape(digits: &str) -> (char, &str) {
    let Some((first, tail)) = code_unit(digits) else {
        return (char::REPLACEMENT_CHARACTER, digits);
    };
    if let Some(char) = char::from_u32(first) {
        return (char, tail);
    }
    let second = tail.strip_prefix("\\u").and_then(code_unit);
    match (first, second) {
        (0xD800..=0xDBFF, Some((second @ 0xDC00..=0xDFFF, after))) => {
            let code = ((first & 0x3FF) << 10 | second & 0x3FF).saturating_add(0x1_0000);
            (
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                after,
            )
        }
        _ => (char::REPLACEMENT_CHARACTER, tail),
    }
}

fn code_unit(digits: &str) -> Option<(u32, &str)> {
    let (digits, tail) = digits.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, tail))
}

/// The valid inside of a string at the front of `bytes`, up to its closing quote or the end; `None` if it is not valid
/// UTF-8 or ends inside an escape sequence.
#[inline]
pub(crate) fn string_inside(bytes: &[u8]) -> Option<&str> {
    let mut length = plain_prefix(bytes);
    while let rest @ [b'\\', ..] = bytes.get(length..)? {
        let (escape, _) = escape_sequence(rest)?;
        let plain = plain_prefix(rest.get(escape..)?);
        length = length.saturating_add(escape).saturating_add(plain);
    }
    std::str::from_utf8(bytes.get(..length)?).ok()
}

/// Length of the valid inside of a string at the front of `bytes`, up to its closing quote, the end, or a character or
/// escape sequence that is incomplete there; and the bytes that decoding saves. `None` if an invalid byte follows.
/// Validates UTF-8.
pub(crate) fn string_prefix(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0_usize;
    let mut saved_by_decoding = 0_usize;
    loop {
        let rest = bytes.get(length..).unwrap_or_default();
        let plain = plain_text(rest)?;
        length = length.saturating_add(plain.length);
        if plain.breaks_off {
            return Some((length, saved_by_decoding));
        }
        match bytes.get(length..) {
            Some(rest @ [b'\\', ..]) => match escape_sequence(rest) {
                Some((escape, saved)) => {
                    length = length.saturating_add(escape);
                    saved_by_decoding = saved_by_decoding.saturating_add(saved);
                }
                None if breaks_off(rest) => return Some((length, saved_by_decoding)),
                None => return None,
            },
            None | Some([] | [b'"', ..]) => return Some((length, saved_by_decoding)),
            Some(_) => return None,
        }
    }
}

/// Text that may occur in a string unescaped.
struct PlainText {
    length: usize,
    /// All bytes are taken except an incomplete character.
    breaks_off: bool,
}

/// Reads plain text at the front of `bytes`; `None` if it is not UTF-8.
fn plain_text(bytes: &[u8]) -> Option<PlainText> {
    let ascii = plain_ascii(bytes);
    let rest = bytes.get(ascii..).unwrap_or_default();
    let plain = plain_prefix(rest);
    let text = rest.get(..plain).unwrap_or_default();
    let length = match simdutf8::compat::from_utf8(text) {
        Ok(_) => plain,
        Err(error) if error.error_len().is_none() && plain == rest.len() => error.valid_up_to(),
        Err(_) => return None,
    };
    Some(PlainText {
        length: ascii.saturating_add(length),
        breaks_off: length < plain,
    })
}

/// Length of the leading ASCII that may occur in a string unescaped: all of it, or whole blocks.
fn plain_ascii(bytes: &[u8]) -> usize {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    let passed = super::blocks::plain_ascii(bytes);
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    let passed = prefix(
        bytes,
        |word| special(word) | word & HIGHEST_BITS,
        |byte| is_special(byte) || !byte.is_ascii(),
    );
    passed
}

/// The byte may not occur in a string unescaped.
fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// Sets the highest bit of the first byte of `word` that may not occur in a string unescaped, and possibly of later
/// ones.
fn special(word: u64) -> u64 {
    below(word ^ QUOTES, ONES) | below(word ^ BACKSLASHES, ONES) | below(word, SPACES)
}

/// More bytes could complete an escape sequence.
fn breaks_off(bytes: &[u8]) -> bool {
    match bytes {
        [_] => true,
        [_, b'u', digits @ ..] => digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

/// Length of the escape sequence at the front of `bytes`, and the bytes that decoding saves.
pub(super) fn escape_sequence(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [
            _,
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
            ..,
        ] => Some((2, 1)),
        [_, b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_hexdigit) => {
            let length = match [a, b, c, d] {
                [b'0', b'0', b'0'..=b'7', _] => 1,
                [b'0', b'0'..=b'7', ..] => 2,
                // A surrogate pair is four bytes: three are counted for the first half, one for the second.
                [b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..] => 1,
                _ => 3,
            };
            Some((6, 6_usize.saturating_sub(length)))
        }
        _ => None,
    }
}

/// Length of the prefix that may occur in a string unescaped: no quote, backslash or control character.
#[inline]
pub(crate) fn plain_prefix(bytes: &[u8]) -> usize {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    let passed = super::blocks::plain(bytes);
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    let passed = 0_usize;
    let rest = prefix(bytes.get(passed..).unwrap_or_default(), special, is_special);
    passed.saturating_add(rest)
}

/// Length of the prefix before the next quote.
pub(crate) fn quoteless_prefix(bytes: &[u8]) -> usize {
    prefix(
        bytes,
        |word| below(word ^ QUOTES, ONES),
        |byte| byte == b'"',
    )
}

/// Length of the prefix before the next string, bracket or brace: mostly numbers.
pub(super) fn structureless_prefix(bytes: &[u8]) -> usize {
    prefix(
        bytes,
        // Brackets are braces without the bit of a space.
        |word| {
            let braces = word | SPACES;
            below(word ^ QUOTES, ONES)
                | below(braces ^ OPENING_BRACES, ONES)
                | below(braces ^ CLOSING_BRACES, ONES)
        },
        |byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'),
    )
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHEST_BITS: u64 = ONES << 7;
const QUOTES: u64 = 0x2222_2222_2222_2222;
const BACKSLASHES: u64 = 0x5C5C_5C5C_5C5C_5C5C;
const SPACES: u64 = 0x2020_2020_2020_2020;
const OPENING_BRACES: u64 = 0x7B7B_7B7B_7B7B_7B7B;
const CLOSING_BRACES: u64 = 0x7D7D_7D7D_7D7D_7D7D;

/// Sets the highest bit of each byte of `word` that is below the same byte of `limits`, as long as no lower byte was.
fn below(word: u64, limits: u64) -> u64 {
    word.wrapping_sub(limits) & !word & HIGHEST_BITS
}

/// Length of the prefix before the first wanted byte: `in_word` sets the highest bit of its byte, `in_tail` recognises
/// it.
///
/// Looks at eight bytes in one word, which is as fast in wasm without vector instructions: a byte `b` is below `n` if
/// `b - n` borrows into its highest bit and `b` does not have it, and equals `c` if `b ^ c` is below 1. A borrow can
/// reach into higher bytes, but the lowest byte found is right.
#[inline(always)]
fn prefix(bytes: &[u8], in_word: impl Fn(u64) -> u64, in_tail: impl Fn(u8) -> bool) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut passed = 0_usize;
    for word in words {
        let found = in_word(u64::from_le_bytes(*word));
        if found != 0 {
            // At most 7.
            return passed.saturating_add(found.trailing_zeros() as usize / 8);
        }
        passed = passed.saturating_add(8);
    }
    let in_tail = tail.iter().position(|byte| in_tail(*byte));
    passed.saturating_add(in_tail.unwrap_or(tail.len()))
}
