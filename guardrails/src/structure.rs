//! Which parts of a text are JSON themselves, so that what replaces something in it leaves JSON behind.

use std::ops::Range;

use policy::order::by_rank;
use protocols::texts::{self, TextKind};

use crate::layers::Layers;

/// A part of JSON that a placeholder replaces as a whole, or by a rule of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// In layer 0.
    pub(crate) span: Range<usize>,
    /// How many string literals it stands in.
    pub(crate) depth: usize,
    pub(crate) kind: TokenKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A part of it cannot be replaced by words, and words need quotes.
    Number,
    /// No two in one object should be the same.
    Key,
}

/// The numbers and keys of all JSON in `text`, which stands between the quotes of a string literal, in ascending order and
/// apart from each other. JSON in keys is not looked for.
pub(crate) fn tokens(text: &str, layers: &Layers) -> Vec<Token> {
    let mut tokens = Vec::new();
    add(&mut tokens, text, layers, 1, 0..layers.text(text, 1).len());
    // Those of inner documents came behind the ones around them.
    by_rank(tokens, |token| token.span.start as u64)
}

/// Adds those of the document that `span` of layer `level` may be.
fn add(tokens: &mut Vec<Token>, text: &str, layers: &Layers, level: usize, span: Range<usize>) {
    let document = layers.text(text, level).get(span.clone());
    let Some(document) = document.filter(|document| is_container(document)) else {
        return;
    };
    let known = tokens.len();
    let mut strings = Vec::new();
    let is_json = texts::scan_value(document.as_bytes(), |found| {
        let place = |place: usize| span.start.saturating_add(place);
        let inside = place(found.inside.start)..place(found.inside.end);
        let kind = match found.kind {
            TextKind::String => {
                strings.push(inside);
                return;
            }
            TextKind::Number => TokenKind::Number,
            TextKind::Key => TokenKind::Key,
        };
        tokens.push(Token {
            span: layers.source(level, inside),
            depth: level,
            kind,
        });
    });
    if is_json.is_err() {
        tokens.truncate(known);
        return;
    }
    for inside in strings {
        if let Some(inner) = layers.inner(level, &inside) {
            add(tokens, text, layers, level.saturating_add(1), inner);
        }
    }
}

fn is_container(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

#[cfg(test)]
mod tests;
