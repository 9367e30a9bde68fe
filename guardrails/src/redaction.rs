//! What replaces a finding in the body that the client sent, which stays the same everywhere else.

use std::ops::Range;

use policy::ContentCategory;
use policy::order::by_rank;
use protocols::texts::{TextKind, TextSpan};

use crate::categories::Categories;
use crate::detector::Finding;
use crate::layers::Layers;
use crate::search::{Search, merge};
use crate::structure::{self, Token, TokenKind};

/// How often what is left of a text is searched again. What stood against a finding can be one itself once that is gone.
const MAX_ROUNDS: usize = 4;

/// Bytes of a body, and what is to stand there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    /// Inside of a string literal, never through an escape sequence; or all of a number.
    pub span: Range<usize>,
    /// `[redacted:email]` and the like; in place of a number with quotes. Empty in place of a signature.
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

/// What is to be replaced in a body, text by text.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    pub(crate) splices: Vec<Splice>,
    /// What could not be removed: new findings kept coming up.
    pub(crate) stubborn: Categories,
    /// Placeholders that stand for keys.
    keys: usize,
}

/// A finding, and what replaces it.
#[derive(Debug, Clone)]
struct Edit {
    finding: Finding,
    /// String literals around it, where it is a number.
    number_depth: Option<usize>,
    is_key: bool,
}

impl Redaction {
    /// Takes what `search` found in `inside`, the bytes of `text`; there is something.
    pub(crate) fn add(
        &mut self,
        search: &mut Search<'_>,
        text: &TextSpan,
        inside: &str,
        findings: Vec<Finding>,
    ) {
        let layers = Layers::all_of(inside);
        let tokens = tokens(text.kind, inside, &layers);
        let mut edits = edits(findings, &layers, &tokens);
        for round in 0..MAX_ROUNDS {
            let splices = self.splices(&edits);
            let left = String::from_utf8(apply(inside.as_bytes(), &splices)).unwrap_or_default();
            let others = search.find(&left);
            if others.is_empty() {
                break;
            }
            if round.saturating_add(1) == MAX_ROUNDS {
                others
                    .iter()
                    .for_each(|finding| self.stubborn.insert(finding.category));
            }
            let origins = Origins::of(&splices);
            let mut findings: Vec<Finding> = edits.into_iter().map(|edit| edit.finding).collect();
            findings.extend(others.into_iter().map(|finding| Finding {
                span: origins.span(&finding.span),
                ..finding
            }));
            edits = self::edits(findings, &layers, &tokens);
        }
        let splices = self.splices(&edits);
        self.keys = self
            .keys
            .saturating_add(edits.iter().filter(|edit| edit.is_key).count());
        self.splices
            .extend(splices.into_iter().map(|splice| Splice {
                span: text.inside.start.saturating_add(splice.span.start)
                    ..text.inside.start.saturating_add(splice.span.end),
                ..splice
            }));
        if let Some(signature) = &text.signature {
            self.splices.push(Splice {
                span: signature.clone(),
                replacement: String::new(),
            });
        }
    }

    /// All splices in ascending order: a signed text comes behind the rest of its object.
    pub(crate) fn ordered(self) -> Vec<Splice> {
        by_rank(self.splices, |splice| splice.span.start as u64)
    }

    fn splices(&self, edits: &[Edit]) -> Vec<Splice> {
        let mut keys = self.keys;
        let splice = |edit: &Edit| {
            if edit.is_key {
                keys = keys.saturating_add(1);
            }
            Splice {
                span: edit.finding.span.clone(),
                replacement: edit.replacement(keys),
            }
        };
        edits.iter().map(splice).collect()
    }
}

impl Edit {
    /// Where it is a key, it is the `number`th.
    fn replacement(&self, number: usize) -> String {
        let name = placeholder(self.finding.category);
        match self.number_depth {
            Some(depth) => {
                let quote = quote(depth);
                format!("{quote}{name}{quote}")
            }
            None if self.is_key && number > 1 => {
                format!("{}:{number}]", name.trim_end_matches(']'))
            }
            None => name,
        }
    }
}

fn placeholder(category: ContentCategory) -> String {
    format!("[redacted:{}]", category.name())
}

/// A quote that was written as JSON `depth` times.
fn quote(depth: usize) -> String {
    let backslashes = 1_usize
        .checked_shl(u32::try_from(depth).unwrap_or(u32::MAX))
        .map_or(0, |length| length.saturating_sub(1));
    let mut quote = "\\".repeat(backslashes);
    quote.push('"');
    quote
}

fn tokens(kind: TextKind, inside: &str, layers: &Layers) -> Vec<Token> {
    let whole = |kind| Token {
        span: 0..inside.len(),
        depth: 0,
        kind,
    };
    match kind {
        TextKind::Number => vec![whole(TokenKind::Number)],
        TextKind::Key => vec![whole(TokenKind::Key)],
        TextKind::String => structure::tokens(inside, layers),
    }
}

/// `findings` without half an escape sequence, and with all of the numbers in which they stand.
fn edits(findings: Vec<Finding>, layers: &Layers, tokens: &[Token]) -> Vec<Edit> {
    let overlapping = |span: &Range<usize>| {
        let behind = tokens.partition_point(|token| token.span.end <= span.start);
        let rest = tokens.get(behind..).unwrap_or_default();
        let span = span.clone();
        rest.iter()
            .take_while(move |token| token.span.start < span.end)
    };
    let numbers = |span: &Range<usize>| {
        overlapping(span)
            .filter(|token| token.kind == TokenKind::Number)
            .cloned()
            .collect::<Vec<_>>()
    };
    let whole = |finding: Finding| {
        let span = layers.align(finding.span);
        let all = numbers(&span).into_iter().fold(span, |span, token| {
            span.start.min(token.span.start)..span.end.max(token.span.end)
        });
        Finding {
            span: all,
            ..finding
        }
    };
    let findings = merge(merge(findings).into_iter().map(whole).collect());
    let edit = |finding: Finding| Edit {
        number_depth: numbers(&finding.span).first().map(|token| token.depth),
        is_key: overlapping(&finding.span).any(|token| token.kind == TokenKind::Key),
        finding,
    };
    findings.into_iter().map(edit).collect()
}

/// Leads from a spliced text back to what it was made of.
struct Origins<'a> {
    /// With the places of their replacements.
    splices: Vec<(Range<usize>, &'a Splice)>,
}

impl<'a> Origins<'a> {
    fn of(splices: &'a [Splice]) -> Self {
        let (mut old, mut new) = (0_usize, 0_usize);
        let place = |splice: &'a Splice| {
            let begin = new.saturating_add(splice.span.start.saturating_sub(old));
            let end = begin.saturating_add(splice.replacement.len());
            (old, new) = (splice.span.end, end);
            (begin..end, splice)
        };
        Self {
            splices: splices.iter().map(place).collect(),
        }
    }

    /// Where a part of the spliced text stood: what holds a part of a replacement holds all that it replaced.
    fn span(&self, span: &Range<usize>) -> Range<usize> {
        self.place(span.start, |splice| splice.span.start)
            ..self.place(span.end, |splice| splice.span.end)
    }

    fn place(&self, place: usize, inside: impl Fn(&Splice) -> usize) -> usize {
        let behind = self.splices.partition_point(|(new, _)| new.start < place);
        let last = behind
            .checked_sub(1)
            .and_then(|last| self.splices.get(last));
        match last {
            None => place,
            Some((new, splice)) if place < new.end => inside(splice),
            Some((new, splice)) => splice
                .span
                .end
                .saturating_add(place.saturating_sub(new.end)),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn places_lead_back_over_replacements() {
        let splice = |span, replacement: &str| Splice {
            span,
            replacement: replacement.to_owned(),
        };
        // abcdefgh becomes a[x]def[y]h.
        let splices = [splice(1..3, "[x]"), splice(6..7, "[y]")];
        assert_eq!(apply(b"abcdefgh", &splices), b"a[x]def[y]h");
        let origins = Origins::of(&splices);
        for (span, expected) in [
            (0..1, 0..1),
            (0..2, 0..3),
            (1..4, 1..3),
            (2..3, 1..3),
            (3..5, 1..4),
            (4..7, 3..6),
            (5..8, 4..7),
            (9..11, 6..8),
            (10..11, 7..8),
        ] {
            assert_eq!(origins.span(&span), expected, "{span:?}");
        }
    }
}
