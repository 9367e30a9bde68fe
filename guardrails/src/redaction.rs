//! What replaces a finding in the body that the client sent, which stays the same everywhere else.

use std::iter::{Enumerate, Peekable};
use std::ops::Range;
use std::str::Bytes;

use policy::ContentCategory;
use protocols::texts::TextSpan;

use crate::detector::Finding;
use crate::fold::Folded;

/// Bytes of a body, and what is to stand there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// Inside of a string literal, never through an escape sequence.
    pub span: Range<usize>,
    /// `[redacted:email]` and the like.
    pub replacement: String,
}

/// `body` with every splice in its place. They are in ascending order and apart from each other, as
/// [`crate::Verdict::Redact`] gives them; one that is not is left out.
pub fn apply(body: &[u8], splices: &[Splice]) -> Vec<u8> {
    let mut redacted = Vec::with_capacity(body.len());
    let mut at = 0_usize;
    for splice in splices {
        let Some(before) = body.get(at..splice.span.start) else {
            continue;
        };
        redacted.extend_from_slice(before);
        redacted.extend_from_slice(splice.replacement.as_bytes());
        at = splice.span.end;
    }
    redacted.extend_from_slice(body.get(at..).unwrap_or_default());
    redacted
}

/// The splices for what was found in one text.
pub(crate) fn splices<'a>(
    text: &TextSpan,
    folded: &'a Folded,
    findings: &'a [Finding],
) -> impl Iterator<Item = Splice> + 'a {
    let is_json = text.is_json;
    let mut quotes = is_json.then(|| Quotes::new(folded.text()));
    findings.iter().map(move |finding| {
        let bare = quotes
            .as_mut()
            .is_some_and(|quotes| !quotes.are_open_at(finding.span.start));
        if bare {
            let token = token(folded.text(), &finding.span);
            Splice {
                span: folded.source(&token),
                replacement: format!("\\\"{}\\\"", placeholder(finding.category)),
            }
        } else {
            let span = if is_json {
                whole_escapes(folded.text(), &finding.span)
            } else {
                finding.span.clone()
            };
            Splice {
                span: folded.source(&span),
                replacement: placeholder(finding.category),
            }
        }
    })
}

fn placeholder(category: ContentCategory) -> String {
    format!("[redacted:{}]", category.name())
}

/// The number around `span` in a JSON text: a part of it cannot be replaced by words.
fn token(text: &str, span: &Range<usize>) -> Range<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let before = text.as_bytes().get(..span.start).unwrap_or_default();
    let after = text.as_bytes().get(span.end..).unwrap_or_default();
    let before = before.iter().rev().take_while(|byte| is_part(byte)).count();
    let after = after.iter().take_while(|byte| is_part(byte)).count();
    span.start.saturating_sub(before)..span.end.saturating_add(after)
}

/// `span` of a JSON text without half an escape sequence at its ends: in `\tjane@example.com` the address begins behind
/// the `t`.
fn whole_escapes(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = behind_escape(text, span.start).min(span.end);
    start..behind_escape(text, span.end)
}

/// `at`, or the end of the escape sequence in which it is.
fn behind_escape(text: &str, at: usize) -> usize {
    const UNICODE_LENGTH: usize = "u0000".len();
    let (before, rest) = text
        .as_bytes()
        .split_at_checked(at)
        .unwrap_or((text.as_bytes(), &[]));
    let backslashes = before
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count();
    if backslashes % 2 == 0 {
        return at;
    }
    let length = match rest.first() {
        // Folded text is in lower case.
        Some(b'u') => UNICODE_LENGTH,
        Some(_) => 1,
        None => 0,
    };
    at.saturating_add(length).min(text.len())
}

/// Follows the string literals of a text that is JSON.
struct Quotes<'a> {
    rest: Peekable<Enumerate<Bytes<'a>>>,
    open: bool,
    after_backslash: bool,
}

impl<'a> Quotes<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.bytes().enumerate().peekable(),
            open: false,
            after_backslash: false,
        }
    }

    /// Whether the byte at `at` is inside of a literal. Asked in ascending order.
    fn are_open_at(&mut self, at: usize) -> bool {
        while let Some((_, byte)) = self.rest.next_if(|(index, _)| *index < at) {
            if self.after_backslash {
                self.after_backslash = false;
            } else if self.open && byte == b'\\' {
                self.after_backslash = true;
            } else if byte == b'"' {
                self.open = !self.open;
            }
        }
        self.open
    }
}
