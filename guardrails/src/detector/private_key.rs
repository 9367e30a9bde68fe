//! Private keys in PEM (RFC 7468): from `-----BEGIN … PRIVATE KEY-----` to the end of what can be its content.

use std::ops::Range;

/// Longest label that a PEM block with a private key has.
const LONGEST_LABEL: usize = 32;
const DASHES: &str = "-----";
const END: &str = "-----end ";

/// The block whose `-----begin ` stands from `at` to `label`.
pub(super) fn from(text: &str, at: usize, label: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let length = super::run(bytes, label, LONGEST_LABEL, |byte| {
        byte.is_ascii_lowercase() || byte == b' '
    });
    let content = label.saturating_add(length);
    let named = text.get(label..content)?.ends_with("private key");
    if !named || !text.get(content..)?.starts_with(DASHES) {
        return None;
    }
    let rest = text.get(content.saturating_add(DASHES.len())..)?;
    let length = content_length(rest);
    let end = text.len().saturating_sub(rest.len()).saturating_add(length);
    // The last line, where there is one.
    let last = rest
        .get(length..)
        .and_then(|rest| rest.strip_prefix(END))
        .and_then(|label| label.split_once(DASHES))
        .map(|(label, _)| label.len())
        .filter(|label| *label <= LONGEST_LABEL)
        .map_or(0, |label| {
            END.len().saturating_add(label).saturating_add(DASHES.len())
        });
    Some(at..end.saturating_add(last))
}

/// How many bytes can be a key: up to the next line of dashes, or to what no key contains.
fn content_length(text: &str) -> usize {
    let mut after_backslash = false;
    let mut length = 0_usize;
    for byte in text.bytes() {
        let part = match byte {
            // Line ends of a key that stands in JSON inside of this text.
            b'n' | b'r' if after_backslash => true,
            _ if after_backslash => false,
            b'-' => !text
                .get(length..)
                .is_some_and(|rest| rest.starts_with(DASHES)),
            b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' | b' ' | b'\\' | b':' | b',' => true,
            _ => false,
        };
        if !part {
            break;
        }
        after_backslash = byte == b'\\';
        length = length.saturating_add(1);
    }
    // A backslash that began something else.
    length.saturating_sub(usize::from(after_backslash))
}
