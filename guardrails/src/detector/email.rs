//! Addresses of mailboxes: `local@domain.tld` in ASCII (RFC 5321 without quoted local parts and address literals).

use std::ops::Range;

const LONGEST_LOCAL: usize = 64;
const LONGEST_DOMAIN: usize = 253;

/// Around the `@` at `at`.
pub(super) fn around(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let before = bytes.get(..at)?;
    let is_local = |byte: &&u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte);
    let local = before
        .iter()
        .rev()
        .take(LONGEST_LOCAL)
        .take_while(is_local)
        .count();
    let start = at.saturating_sub(local);
    // Quotes and full stops before an address are not part of it.
    let outside = super::run(bytes, start, local, |byte| b".'-".contains(&byte));
    let start = start.saturating_add(outside);
    if start >= at {
        return None;
    }
    let domain_start = at.saturating_add(1);
    let length = super::run(bytes, domain_start, LONGEST_DOMAIN, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
    });
    let domain = bytes.get(domain_start..domain_start.saturating_add(length))?;
    // The domain ends with its last label that can be a top-level domain; what follows may be the end of a sentence.
    let mut end = 0_usize;
    let mut label_start = 0_usize;
    let mut dots = 0_usize;
    for label in domain.split(|byte| *byte == b'.') {
        if label.is_empty() || label.starts_with(b"-") {
            break;
        }
        let is_top = label.len() >= 2
            && (label.iter().all(u8::is_ascii_alphabetic) || label.starts_with(b"xn--"));
        if dots > 0 && is_top {
            end = label_start.saturating_add(label.len());
        }
        label_start = label_start.saturating_add(label.len()).saturating_add(1);
        dots = dots.saturating_add(1);
    }
    (end > 0).then(|| start..domain_start.saturating_add(end))
}
