//! One pass over a folded text.

use std::ops::Range;

use policy::ContentCategory;
use policy::order::by_rank;

use crate::categories::Categories;
use crate::detector::Finding;
use crate::patterns::{Action, Patterns};

/// How often a text is searched again when something in it is to be replaced.
const MOST_PASSES: usize = 4;

/// What a request was found to contain, from text to text.
#[derive(Debug)]
pub(crate) struct Hits {
    /// What is looked for.
    wanted: Categories,
    /// Of which the places are needed too; of the others the first is enough.
    located: Categories,
    /// What there is.
    pub(crate) found: Categories,
    /// Where, in the text that was searched last, in ascending order and apart from each other.
    pub(crate) findings: Vec<Finding>,
}

impl Hits {
    pub(crate) fn new(wanted: Categories, located: Categories) -> Self {
        Self {
            wanted,
            located,
            found: Categories::default(),
            findings: Vec::new(),
        }
    }

    /// Searches `text`, which is folded.
    pub(crate) fn search(&mut self, patterns: &Patterns, text: &str) {
        self.findings.clear();
        self.pass(patterns, text);
        if self.findings.is_empty() {
            return;
        }
        // What stood against a finding can be one itself once that is gone.
        for _ in 0..MOST_PASSES {
            self.merge();
            let known = self.findings.len();
            self.pass(patterns, &without(text, &self.findings));
            if self.findings.len() == known {
                break;
            }
        }
        self.merge();
    }

    /// Adds what `text` contains.
    fn pass(&mut self, patterns: &Patterns, text: &str) {
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
        match action {
            Action::Word { category, prefix } => {
                if self.is_open(category)
                    && let Some(span) = word(text, &span, prefix)
                {
                    self.record(Finding { category, span });
                }
            }
            Action::Look(detector) => {
                let may_find = detector.categories().intersection(self.wanted);
                if !may_find.iter().any(|category| self.is_open(category)) {
                    return;
                }
                // What begins inside of a finding of the same kind is a part of it.
                let inside = self.findings.iter().rev().take(4).any(|finding| {
                    may_find.contains(finding.category) && finding.span.contains(&span.start)
                });
                if !inside && let Some(finding) = detector.look(text, span, may_find) {
                    self.record(finding);
                }
            }
        }
    }

    /// There is something to learn about `category`.
    fn is_open(&self, category: ContentCategory) -> bool {
        self.located.contains(category) || !self.found.contains(category)
    }

    fn record(&mut self, finding: Finding) {
        self.found.insert(finding.category);
        if self.located.contains(finding.category) {
            self.findings.push(finding);
        }
    }

    /// Findings that overlap become one, with the category of the first.
    fn merge(&mut self) {
        // By the begin, then by the end; texts are shorter than 4 GB.
        let rank = |finding: &Finding| (finding.span.start as u64) << 32 | finding.span.end as u64;
        self.findings = by_rank(std::mem::take(&mut self.findings), rank);
        self.findings.dedup_by(|later, earlier| {
            let overlap = later.span.start < earlier.span.end;
            if overlap {
                earlier.span.end = earlier.span.end.max(later.span.end);
            }
            overlap
        });
    }
}

/// `text` with a sign that is part of nothing in the place of every byte that was found.
fn without(text: &str, findings: &[Finding]) -> String {
    let mut left = String::with_capacity(text.len());
    for Finding { span, .. } in findings {
        left.push_str(text.get(left.len()..span.start).unwrap_or_default());
        left.extend(std::iter::repeat_n('|', span.len()));
    }
    left.push_str(text.get(left.len()..).unwrap_or_default());
    left
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
