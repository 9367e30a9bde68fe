//! What replaces a finding in the body that the client sent, which stays the same everywhere else.

use std::ops::Range;

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

/// The splices for what was found in one text, in ascending order.
pub(crate) fn splices<'a>(
    text: &TextSpan,
    folded: &'a Folded,
    findings: &'a [Finding],
) -> impl Iterator<Item = Splice> + 'a {
    let mut literals = text.is_json.then(|| Literals::new(folded.text()));
    findings.iter().map(move |finding| {
        let place = literals
            .as_mut()
            .map(|literals| literals.place_of(&finding.span));
        let name = placeholder(finding.category);
        let (span, replacement) = match place {
            None => (finding.span.clone(), name),
            Some(Place::Literal(span)) => (span, name),
            Some(Place::Bare) => (
                token(folded.text(), &finding.span),
                format!("\\\"{name}\\\""),
            ),
        };
        Splice {
            span: folded.source(&span),
            replacement,
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

/// Follows the string literals of a text that is JSON, and the escape sequences in them.
struct Literals<'a> {
    text: &'a str,
    open: bool,
    /// The last character or escape sequence that was passed.
    passed: Range<usize>,
}

/// Where a finding stands in a text that is JSON.
enum Place {
    /// Outside of literals: it is a number, or a part of one.
    Bare,
    /// Inside of a literal. The span is the finding's without half an escape sequence at its ends: in
    /// `\tjane@example.com` the address begins behind the `t`.
    Literal(Range<usize>),
}

impl<'a> Literals<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            open: false,
            passed: 0..0,
        }
    }

    /// Asked in ascending order of spans that are apart from each other.
    fn place_of(&mut self, span: &Range<usize>) -> Place {
        self.advance_to(span.start);
        if !self.open {
            return Place::Bare;
        }
        let first = self.passed.clone();
        self.advance_to(span.end);
        let end = self.passed.end.max(span.end);
        let start = first.end.max(span.start);
        // A finding inside of one escape sequence takes all of it.
        Place::Literal(if start < end { start } else { first.start }..end)
    }

    /// Passes what begins before `at`.
    fn advance_to(&mut self, at: usize) {
        while self.passed.end < at {
            let start = self.passed.end;
            let rest = self.text.as_bytes().get(start..).unwrap_or_default();
            let length = match rest {
                [b'\\', ..] if self.open => escape_length(rest),
                [b'"', ..] => {
                    self.open = !self.open;
                    1
                }
                _ => 1,
            };
            self.passed = start..start.saturating_add(length);
        }
    }
}

/// How long the escape sequence is with which `rest` begins. A broken one ends where it breaks.
fn escape_length(rest: &[u8]) -> usize {
    const HEX_DIGITS: usize = 4;
    match rest {
        // Folded text is in lower case.
        [_, b'u', digits @ ..] => {
            let digits = digits.iter().take(HEX_DIGITS);
            2 + digits.take_while(|byte| byte.is_ascii_hexdigit()).count()
        }
        [_, _, ..] => 2,
        _ => rest.len(),
    }
}
