//! Proxy-wasm's serialisation of header lists.
//!
//! Little-endian: count, then count × (name length, value length), then count × (name, NUL, value, NUL).
//! Source: proxy-wasm ABI 0.2.1, `proxy_get_header_map_pairs`.

use super::Headers;

const WORD: usize = 4;

/// The bytes that the proxy reads.
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

/// The list that the proxy wrote. A name that is not UTF-8 is left out: no filter could name it.
/// Truncated bytes end the list early instead of failing.
pub(crate) fn decode(bytes: &[u8]) -> Headers {
    let count = word_at(bytes, 0).unwrap_or(0);
    let mut lengths = WORD;
    let mut text = WORD.saturating_add(count.saturating_mul(2 * WORD));
    let mut headers = Headers::with_capacity(count.min(bytes.len() / (2 * WORD)));
    for _ in 0..count {
        let Some((name, value)) = pair_at(bytes, lengths, text) else {
            break;
        };
        lengths += 2 * WORD;
        text = text.saturating_add(name.len() + value.len() + 2);
        if let Ok(name) = std::str::from_utf8(name) {
            headers.push((name.to_owned(), value.to_vec()));
        }
    }
    headers
}

fn word_at(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at.checked_add(WORD)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?) as usize)
}

fn pair_at(bytes: &[u8], lengths: usize, text: usize) -> Option<(&[u8], &[u8])> {
    let name_end = text.checked_add(word_at(bytes, lengths)?)?;
    let value_start = name_end.checked_add(1)?;
    let value_end = value_start.checked_add(word_at(bytes, lengths.checked_add(WORD)?)?)?;
    Some((
        bytes.get(text..name_end)?,
        bytes.get(value_start..value_end)?,
    ))
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
        let owned: Headers = list
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
            .collect();
        assert_eq!(decode(&encode(&list)), owned);
    }

    #[test]
    fn truncation_at_any_byte_keeps_a_prefix_of_the_list() {
        let bytes = encode(&[("one", b"1"), ("two", b"22"), ("three", b"333")]);
        let whole = decode(&bytes);
        for length in 0..bytes.len() {
            let part = decode(bytes.get(..length).unwrap_or_default());
            assert_eq!(
                part.as_slice(),
                whole.get(..part.len()).unwrap_or_default(),
                "cut at {length}"
            );
        }
    }
}
