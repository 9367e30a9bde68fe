//! Outside text on its way to where people read it: log lines and error messages.

use std::borrow::Cow;
use std::fmt::Write;

/// Longest log line, in bytes.
#[cfg(any(test, target_arch = "wasm32"))]
const MAX_LINE_BYTES: usize = 8 * 1024;
/// What an error message quotes of a request, in bytes.
const MAX_QUOTE_BYTES: usize = 256;

/// `text` as one line of a log, which nothing in it ends or steers.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn log_line(text: &str) -> Cow<'_, str> {
    single_line(text, MAX_LINE_BYTES)
}

/// `text` as an error message quotes it.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    single_line(text, MAX_QUOTE_BYTES)
}

/// At most `limit` bytes of `text`, with an ellipsis where some were left out; control characters are escaped as in Rust.
fn single_line(text: &str, limit: usize) -> Cow<'_, str> {
    let kept = (0..=limit).rev().find_map(|end| text.get(..end));
    let kept = if text.len() > limit {
        kept.unwrap_or_default()
    } else {
        text
    };
    if kept.len() == text.len() && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(kept.len());
    for char in kept.chars() {
        if char.is_control() {
            // Writing to a `String` does not fail.
            let _ = write!(line, "{}", char.escape_default());
        } else {
            line.push(char);
        }
    }
    if kept.len() < text.len() {
        line.push('…');
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_ends_a_line_or_steers_a_terminal() {
        assert!(matches!(log_line("target a: open"), Cow::Borrowed(_)));
        let forged = "no\r\n[critical] all keys: \u{1b}[2J\u{85}\0";
        assert_eq!(
            log_line(forged),
            "no\\r\\n[critical] all keys: \\u{1b}[2J\\u{85}\\u{0}"
        );
        let cut = quote(&"é".repeat(200)).into_owned();
        assert_eq!(cut, format!("{}…", "é".repeat(128)));
    }

    proptest! {
        #[test]
        fn quotes_are_bounded_and_printable(text in any::<String>()) {
            let quote = single_line(&text, 8);
            prop_assert!(!quote.contains(char::is_control));
            // An escape takes up to eight bytes for one.
            prop_assert!(quote.len() <= 8 * 8 + '…'.len_utf8());
        }
    }
}
