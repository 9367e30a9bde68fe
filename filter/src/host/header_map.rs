//! Proxy-wasm's serialisation of header lists.
//!
//! Little-endian: count, then count × (name length, value length), then count × (name, NUL, value, NUL).
//! Source: proxy-wasm ABI 0.2.1, `proxy_get_header_map_pairs`.

use std::ops::Range;

const WORD: usize = 4;

/// The bytes that the proxy reads.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn encode(headers: &[(&str, &[u8])]) -> Vec<u8> {
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
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_the_same_list() {
        let list: [(&str, &[u8]); 3] = [
            (":path", b"/v1/models"),
            ("x-empty", b""),
            ("x-bytes", &[0xff, 0, 0x80]),
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
