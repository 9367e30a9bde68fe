//! Proxy-wasm's serialisation of header lists.
//!
//! Little-endian: count, then count × (name length, value length), then count × (name, NUL, value, NUL).
//! Source: proxy-wasm ABI 0.2.1, `proxy_get_header_map_pairs`.
//!
//! Envoy checks nothing of what a module sets: a line end in a value ends the header on the wire, and the rest of the value is
//! the next header, or the next answer. So whatever a caller gives, what is written here is a header: every list goes through
//! [`encode`], every single value through [`clean_value`].

#[cfg(any(test, target_arch = "wasm32"))]
use std::borrow::Cow;
use std::ops::Range;

const WORD: usize = 4;

/// `value` without control characters, which become spaces. In a path they are percent-encoded, and so is a space, which
/// would end it.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn clean_value<'a>(name: &str, value: &'a [u8]) -> Cow<'a, [u8]> {
    let is_path = name == ":path";
    let is_bad = |byte: &u8| byte.is_ascii_control() || (is_path && *byte == b' ');
    if !value.iter().any(is_bad) {
        return Cow::Borrowed(value);
    }
    let mut clean = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            byte if !is_bad(byte) => clean.push(*byte),
            byte if is_path => {
                clean.push(b'%');
                clean.extend_from_slice(&events::hex_byte(*byte));
            }
            _ => clean.push(b' '),
        }
    }
    Cow::Owned(clean)
}

/// A pseudo header, or a token (RFC 9110, 5.6.2).
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn is_name(name: &str) -> bool {
    let token = name.strip_prefix(':').unwrap_or(name);
    let is_token_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !token.is_empty() && token.bytes().all(is_token_byte)
}

/// The bytes that the proxy reads: of every header whose name is one, with a [clean value](clean_value).
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn encode(headers: &[(&str, &[u8])]) -> Vec<u8> {
    let clean: Vec<(&str, Cow<'_, [u8]>)> = headers
        .iter()
        .filter(|(name, _)| is_name(name))
        .map(|(name, value)| (*name, clean_value(name, value)))
        .collect();
    serialize(&clean)
}

/// As it is: what the proxy itself hands over.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn serialize(headers: &[(&str, Cow<'_, [u8]>)]) -> Vec<u8> {
    let text: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    let mut bytes = Vec::with_capacity(WORD + headers.len() * 2 * WORD + text);
    let word = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    bytes.extend_from_slice(&word(headers.len()));
    for (name, value) in headers {
        bytes.extend_from_slice(&word(name.len()));
        bytes.extend_from_slice(&word(value.len()));
    }
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

/// A list as the proxy wrote it, in its one piece of memory.
#[derive(Debug, Clone, Default)]
pub struct HeaderList {
    bytes: Vec<u8>,
    /// Of names and values.
    places: Vec<(Range<usize>, Range<usize>)>,
}

impl HeaderList {
    /// A name that is not UTF-8 is left out: no filter could name it. Truncated bytes end the list early instead of
    /// failing.
    pub fn of(bytes: Vec<u8>) -> Self {
        let places = places(&bytes);
        Self { bytes, places }
    }

    /// Names in lower case, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.places.iter().filter_map(|(name, value)| {
            let name = std::str::from_utf8(self.bytes.get(name.clone())?).ok()?;
            Some((name, self.bytes.get(value.clone())?))
        })
    }

    /// Takes all values of `name` out.
    pub fn remove(&mut self, name: &str) {
        let bytes = &self.bytes;
        self.places
            .retain(|(header, _)| bytes.get(header.clone()) != Some(name.as_bytes()));
    }

    /// The first value of `name`, where it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        let wanted = |(header, _): &(Range<usize>, _)| {
            self.bytes.get(header.clone()) == Some(name.as_bytes())
        };
        let (_, value) = self.places.iter().find(|place| wanted(place))?;
        std::str::from_utf8(self.bytes.get(value.clone())?).ok()
    }
}

fn places(bytes: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let count = word_at(bytes, 0).unwrap_or(0);
    let mut lengths = WORD;
    let mut text = WORD.saturating_add(count.saturating_mul(2 * WORD));
    let mut places = Vec::with_capacity(count.min(bytes.len() / (2 * WORD)));
    for _ in 0..count {
        let Some((name, value)) = pair_at(bytes, lengths, text) else {
            break;
        };
        lengths += 2 * WORD;
        text = text.saturating_add(name.len() + value.len() + 2);
        places.push((name, value));
    }
    places
}

fn word_at(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at.checked_add(WORD)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?) as usize)
}

fn pair_at(bytes: &[u8], lengths: usize, text: usize) -> Option<(Range<usize>, Range<usize>)> {
    let name_end = text.checked_add(word_at(bytes, lengths)?)?;
    let value_start = name_end.checked_add(1)?;
    let value_end = value_start.checked_add(word_at(bytes, lengths.checked_add(WORD)?)?)?;
    // Both are inside: a later value cannot begin before an earlier one ends.
    bytes.get(text..value_end)?;
    Some((text..name_end, value_start..value_end))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The guard that does not depend on what any caller has checked.
        #[test]
        fn whatever_is_given_no_control_character_is_written(
            given in vec(("\\PC{0,12}|[:a-z-]{1,12}|[\\x00-\\x7f]{1,12}", vec(any::<u8>(), 0..40)), 0..8),
        ) {
            let list: Vec<(&str, &[u8])> = given
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()))
                .collect();
            let written = HeaderList::of(encode(&list));
            let expected: Vec<(&str, Cow<'_, [u8]>)> = list
                .iter()
                .filter(|(name, _)| is_name(name))
                .map(|(name, value)| (*name, clean_value(name, value)))
                .collect();
            prop_assert_eq!(written.iter().count(), expected.len());
            for ((name, value), (given, clean)) in written.iter().zip(&expected) {
                prop_assert_eq!(name, *given);
                prop_assert_eq!(value, &**clean);
                prop_assert!(!value.iter().any(u8::is_ascii_control), "{:?}", value);
                prop_assert!(!name.bytes().any(|byte| byte.is_ascii_control()), "{:?}", name);
            }
        }
    }

    #[test]
    fn a_line_end_ends_no_header() {
        let clean = |name, value: &'static str| {
            String::from_utf8(clean_value(name, value.as_bytes()).into_owned()).unwrap()
        };
        let evil = "gpt-4o\r\nset-cookie: evil=1\0\x7f\t.";
        assert_eq!(
            clean("x-keeptrusts-model", evil),
            "gpt-4o  set-cookie: evil=1   ."
        );
        assert_eq!(clean(":path", "/a\r\n /é"), "/a%0d%0a%20/é");
        let names = ["", ":", "a b", "a:", "a\r", "a\n: b", "a\0", "é"];
        let list: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"1"[..])).collect();
        assert_eq!(HeaderList::of(encode(&list)).iter().count(), 0);
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_list() {
        let list: [(&str, &[u8]); 3] = [
            (":path", b"/v1/models"),
            ("x-empty", b""),
            ("x-bytes", &[0xff, 0x20, 0x80]),
        ];
        let kept = HeaderList::of(encode(&list));
        assert_eq!(kept.iter().collect::<Vec<_>>(), list);
        assert_eq!(kept.text(":path"), Some("/v1/models"));
        assert_eq!((kept.text("x-bytes"), kept.text("x-none")), (None, None));
    }

    #[test]
    fn truncation_at_any_byte_keeps_a_prefix_of_the_list() {
        let bytes = encode(&[("one", b"1"), ("two", b"22"), ("three", b"333")]);
        let whole = HeaderList::of(bytes.clone());
        for length in 0..bytes.len() {
            let part = HeaderList::of(bytes.get(..length).unwrap_or_default().to_vec());
            let count = part.iter().count();
            assert!(part.iter().eq(whole.iter().take(count)), "cut at {length}");
        }
    }
}
