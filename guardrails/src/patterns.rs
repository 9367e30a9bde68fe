//! The word lists and the triggers of the detectors, compiled into one automaton.

use aho_corasick::MatchKind;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, PatternID};
use policy::ContentCategory;

use crate::categories::Categories;
use crate::detector::{Detector, Shape};

/// Words and phrases of each category that has a list: one a line, in lower case, one space between words; `#` begins a
/// comment. A line that ends with `*` also stands for longer words that begin like this.
const WORD_LISTS: [(ContentCategory, &str); 5] = [
    (ContentCategory::Hate, include_str!("../data/hate.txt")),
    (
        ContentCategory::Violence,
        include_str!("../data/violence.txt"),
    ),
    (ContentCategory::Sexual, include_str!("../data/sexual.txt")),
    (
        ContentCategory::SelfHarm,
        include_str!("../data/self_harm.txt"),
    ),
    (
        ContentCategory::PromptInjection,
        include_str!("../data/prompt_injection.txt"),
    ),
];

/// How keys and tokens begin, and how long they are: `prefix shortest longest` a line, lengths without the prefix.
const SECRETS: &str = include_str!("../data/secrets.txt");

/// The lists do not fit the automaton. Only a change of the lists can cause it.
#[derive(Debug, thiserror::Error)]
#[error("the word lists of the content filter cannot be compiled: {0}")]
pub struct InvalidLists(#[from] aho_corasick::BuildError);

/// All that is looked for.
pub(crate) struct Patterns {
    automaton: NFA,
    /// By pattern.
    actions: Vec<Action>,
}

/// What it means that a pattern was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A finding, if it is a word of its own.
    Word {
        category: ContentCategory,
        /// Longer words that begin like this count as well.
        prefix: bool,
    },
    /// Something whose shape has to be looked at.
    Look(Detector),
}

/// Where the automaton stands in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(StateID);

impl Patterns {
    /// Compiles what `wanted` needs.
    pub(crate) fn new(wanted: Categories) -> Result<Self, InvalidLists> {
        let mut patterns: Vec<&'static str> = Vec::new();
        let mut actions = Vec::new();
        let mut add = |pattern, action| {
            patterns.push(pattern);
            actions.push(action);
        };
        for (category, list) in WORD_LISTS {
            if wanted.contains(category) {
                for line in lines(list) {
                    let (pattern, prefix) = match line.strip_suffix('*') {
                        Some(stem) => (stem, true),
                        None => (line, false),
                    };
                    add(pattern, Action::Word { category, prefix });
                }
            }
        }
        for (trigger, detector) in Detector::TRIGGERS {
            if !wanted.intersection(detector.categories()).is_empty() {
                add(trigger, Action::Look(*detector));
            }
        }
        if wanted.contains(ContentCategory::Secrets) {
            for (prefix, shape) in lines(SECRETS).filter_map(shape) {
                add(prefix, Action::Look(Detector::Token(shape)));
            }
        }
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(patterns)?;
        Ok(Self { automaton, actions })
    }

    /// Before a text.
    pub(crate) fn start(&self) -> Place {
        // Unanchored searches are always supported.
        Place(
            self.automaton
                .start_state(Anchored::No)
                .unwrap_or(StateID::ZERO),
        )
    }

    /// Behind `byte`.
    pub(crate) fn next(&self, place: Place, byte: u8) -> Place {
        Place(self.automaton.next_state(Anchored::No, place.0, byte))
    }

    /// Whether a pattern ends here.
    pub(crate) fn is_match(&self, place: Place) -> bool {
        self.automaton.is_special(place.0) && self.automaton.is_match(place.0)
    }

    /// The patterns that end here: length in bytes, and meaning.
    pub(crate) fn matches(&self, place: Place) -> impl Iterator<Item = (usize, Action)> {
        (0..self.automaton.match_len(place.0)).filter_map(move |index| {
            let pattern: PatternID = self.automaton.match_pattern(place.0, index);
            let action = self.actions.get(pattern.as_usize())?;
            Some((self.automaton.pattern_len(pattern), *action))
        })
    }

    /// Bytes of memory.
    #[cfg(test)]
    pub(crate) fn memory_usage(&self) -> usize {
        self.automaton.memory_usage()
    }
}

fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines()
        .map(|line| line.split_once('#').map_or(line, |(line, _)| line).trim())
        .filter(|line| !line.is_empty())
}

fn shape(line: &'static str) -> Option<(&'static str, Shape)> {
    let mut words = line.split_whitespace();
    let prefix = words.next()?;
    let shape = Shape {
        shortest: words.next()?.parse().ok()?,
        longest: words.next()?.parse().ok()?,
    };
    Some((prefix, shape))
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use std::collections::BTreeSet;

    use super::*;
    use crate::normalize::{NormalizedText, Reading};

    /// What is compared is folded, so a pattern that is not could never be found.
    #[test]
    fn lists_are_folded_and_sorted_and_say_nothing_twice() {
        for (category, list) in WORD_LISTS {
            let lines: Vec<&str> = lines(list).collect();
            assert!(lines.len() >= 20, "{}", category.name());
            let mut seen = BTreeSet::new();
            for line in lines {
                let pattern = line.strip_suffix('*').unwrap_or(line);
                let mut normalized = NormalizedText::default();
                normalized.read(pattern, Reading::Undisguised);
                assert_eq!(normalized.text(), pattern);
                // Characters in other styles are read as ASCII only.
                assert!(pattern.is_ascii(), "{pattern}");
                assert!(pattern.len() >= 3, "{pattern}");
                assert!(seen.insert(pattern), "`{pattern}` stands twice");
            }
        }
    }

    #[test]
    fn every_line_of_secrets_has_a_shape() {
        for line in lines(SECRETS) {
            let (prefix, shape) = shape(line).unwrap_or_else(|| panic!("{line}"));
            assert!(prefix.len() >= 3 && shape.shortest >= 10 && shape.shortest <= shape.longest);
        }
    }

    #[test]
    fn the_automaton_of_everything_is_small() {
        let everything = Categories::of(&policy::CONTENT_CATEGORIES);
        let patterns = Patterns::new(everything).unwrap();
        let bytes = patterns.memory_usage();
        assert!(bytes < 500_000, "{bytes}");
    }
}
