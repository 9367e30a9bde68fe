//! What stands in one text, in whatever disguise and however deep.

use std::ops::Range;

use policy::ContentCategory;
use policy::order::by_rank;

use crate::categories::Categories;
use crate::detector::Finding;
use crate::layers::{Layers, MAX_LAYERS};
use crate::normalize::{NormalizedText, Reading};
use crate::patterns::{Action, Patterns};

/// Searches texts, one after the other.
pub(crate) struct Search<'p> {
    patterns: &'p Patterns,
    hits: Hits,
    layers: Layers,
    normalized: NormalizedText,
}

/// What a request was found to contain, from text to text.
#[derive(Debug)]
struct Hits {
    /// What is looked for.
    wanted: Categories,
    /// Of which the places are needed too; of the others the first is enough.
    located: Categories,
    /// What there is.
    found: Categories,
    /// Where, in the normalized text that was searched last.
    findings: Vec<Finding>,
    /// Where the last of them ends. What stands directly behind it stands alone, when it is gone.
    found_to: usize,
}

impl<'p> Search<'p> {
    /// For `wanted` categories. Only of the `located` ones the places are told.
    pub(crate) fn new(patterns: &'p Patterns, wanted: Categories, located: Categories) -> Self {
        Self {
            patterns,
            hits: Hits {
                wanted,
                located,
                found: Categories::default(),
                findings: Vec::new(),
                found_to: 0,
            },
            layers: Layers::default(),
            normalized: NormalizedText::default(),
        }
    }

    /// What all texts contain.
    pub(crate) fn found(&self) -> Categories {
        self.hits.found
    }

    /// No further text can tell anything new.
    pub(crate) fn is_over(&self) -> bool {
        self.hits.located.is_empty() && self.hits.found == self.hits.wanted
    }

    /// What of `text`, the inside of a string literal, is to be replaced: spans of its bytes, in ascending order and apart
    /// from each other.
    pub(crate) fn find(&mut self, text: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.layers.clear();
        for level in 0..=MAX_LAYERS {
            let layer = self.layers.text(text, level);
            for reading in [Reading::Undisguised, Reading::Literal] {
                self.normalized.read(layer, reading);
                self.hits.search(self.patterns, self.normalized.text());
                for Finding { category, span } in &self.hits.findings {
                    let span = self.layers.source(level, self.normalized.source(span));
                    findings.push(Finding {
                        category: *category,
                        span,
                    });
                }
                if !self.normalized.is_disguised() {
                    break;
                }
            }
            if !self.normalized.has_backslash() || !self.layers.add(text) {
                break;
            }
        }
        merge(findings)
    }
}

/// `findings` in ascending order. Those that overlap become one, with the category of the first.
pub(crate) fn merge(findings: Vec<Finding>) -> Vec<Finding> {
    if findings.len() < 2 {
        return findings;
    }
    // By the begin, and of those the longest first; texts are shorter than 4 GB.
    let rank = |finding: &Finding| {
        (finding.span.start as u64) << 32
            | u64::from(u32::MAX).saturating_sub(finding.span.end as u64)
    };
    let mut findings = by_rank(findings, rank);
    findings.dedup_by(|later, earlier| {
        let overlap = later.span.start < earlier.span.end;
        if overlap {
            earlier.span.end = earlier.span.end.max(later.span.end);
        }
        overlap
    });
    findings
}

impl Hits {
    /// Searches `text`, which is normalized.
    fn search(&mut self, patterns: &Patterns, text: &str) {
        self.findings.clear();
        self.found_to = 0;
        let mut place = patterns.start();
        for (at, byte) in text.bytes().enumerate() {
            place = patterns.next(place, byte);
            if patterns.is_match(place) {
                let end = at.saturating_add(1);
                for (length, action) in patterns.matches(place) {
                    self.matched(action, text, end.saturating_sub(length)..end);
                }
            }
        }
    }

    fn matched(&mut self, action: Action, text: &str, span: Range<usize>) {
        let from = if span.start < self.found_to {
            0
        } else {
            self.found_to
        };
        let text = text.get(from..).unwrap_or_default();
        let place = span.start.saturating_sub(from)..span.end.saturating_sub(from);
        let finding = match action {
            Action::Word { category, prefix } if self.is_open(category) => {
                word(text, &place, prefix).map(|span| Finding { category, span })
            }
            Action::Word { .. } => None,
            Action::Look(detector) => {
                let may_find = detector.categories().intersection(self.wanted);
                if !may_find.iter().any(|category| self.is_open(category)) {
                    return;
                }
                // What begins inside of a finding of the same kind is a part of it.
                let inside = self.findings.iter().rev().take(4).any(|finding| {
                    may_find.contains(finding.category) && finding.span.contains(&span.start)
                });
                if inside {
                    return;
                }
                detector.look(text, place, may_find)
            }
        };
        let Some(Finding { category, span }) = finding else {
            return;
        };
        self.found.insert(category);
        if self.located.contains(category) {
            let span = span.start.saturating_add(from)..span.end.saturating_add(from);
            self.found_to = self.found_to.max(span.end);
            self.findings.push(Finding { category, span });
        }
    }

    /// There is something to learn about `category`.
    fn is_open(&self, category: ContentCategory) -> bool {
        self.located.contains(category) || !self.found.contains(category)
    }
}

/// `span` if it does not begin or end in the middle of a word; with `prefix`, to the end of the word that it begins.
fn word(text: &str, span: &Range<usize>, prefix: bool) -> Option<Range<usize>> {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    let (before, rest) = text.split_at_checked(span.start)?;
    let (found, after) = rest.split_at_checked(span.len())?;
    if before.ends_with(is_word) && found.starts_with(is_word) {
        return None;
    }
    if !found.ends_with(is_word) {
        return Some(span.clone());
    }
    let more = after.find(|char| !is_word(char)).unwrap_or(after.len());
    (more == 0 || prefix).then(|| span.start..span.end.saturating_add(more))
}
