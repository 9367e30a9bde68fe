//! The one string escape of JSON that YAML lacks: characters outside the basic plane as surrogate pairs.

use std::borrow::Cow;

/// Replaces `\ud83d\ude00` by the character it means, in text that is JSON rather than YAML.
///
/// A lone surrogate stays and is the parser's error. Columns behind a replaced pair on the same line are too small.
pub(super) fn join_surrogates(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with('{') || !(text.contains("\\ud") || text.contains("\\uD")) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.find('\\').and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        let (kept, replacement) = match pair(escape) {
            Some(character) => (12, Some(character)),
            // The escaped character goes along, so that `\\ud83d` is a backslash and five letters.
            None => (escape.chars().take(2).map(char::len_utf8).sum(), None),
        };
        let (done, remaining) = escape.split_at_checked(kept).unwrap_or((escape, ""));
        match replacement {
            Some(character) => out.push(character),
            None => out.push_str(done),
        }
        rest = remaining;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character at the head of `text` if that is an escaped pair of surrogates.
fn pair(text: &str) -> Option<char> {
    let high = unit(text.get(..6)?)?;
    let low = unit(text.get(6..12)?)?;
    char::decode_utf16([high, low])
        .next()?
        .ok()
        .filter(|character| character.len_utf16() == 2)
}

/// `\uXXXX`
fn unit(escape: &str) -> Option<u16> {
    let digits = escape
        .strip_prefix("\\u")
        .filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn pairs_are_joined_and_nothing_else() {
        for (text, joined) in [
            (r#"{"a":"\ud83d\ude00!"}"#, r#"{"a":"😀!"}"#),
            (r#"{"a":"\uD83D\uDE00\ud83d\ude01"}"#, r#"{"a":"😀😁"}"#),
            (r#"{"a":"\\ud83d\\ude00"}"#, r#"{"a":"\\ud83d\\ude00"}"#),
            (r#"{"a":"\\\ud83d\ude00"}"#, r#"{"a":"\\😀"}"#),
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ud83d"}"#),
            (r#"{"a":"\ud83d\u0041"}"#, r#"{"a":"\ud83d\u0041"}"#),
            (r#"{"a":"\ud83dé\"#, r#"{"a":"\ud83dé\"#),
            (r#"a: "\ud83d\ude00""#, r#"a: "\ud83d\ude00""#),
        ] {
            assert_eq!(join_surrogates(text), joined);
        }
    }
}
