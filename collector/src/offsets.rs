//! How far a follower of a store has come.

use std::collections::BTreeMap;
use std::fmt;

/// The number of the last event of each writer. A writer numbers its events as they become visible, so that whoever goes on
/// behind a number misses none; a time stamp cannot promise that. SQLite has one writer, whose name is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offsets(BTreeMap<String, u64>);

impl Offsets {
    /// Of a store with one writer.
    pub fn of_one_writer(number: u64) -> Self {
        Self(BTreeMap::from([(String::new(), number)]))
    }

    /// Reads what `Display` wrote; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut offsets = Self::default();
        for part in text.split('.').filter(|_| !text.is_empty()) {
            let (writer, number) = part.split_once('-').unwrap_or(("", part));
            let is_name = |c: char| c.is_ascii_alphanumeric();
            if !writer.chars().all(is_name) || part.starts_with('-') {
                return None;
            }
            offsets.0.insert(writer.to_owned(), number.parse().ok()?);
        }
        Some(offsets)
    }

    /// Of `writer`; `None` where nothing of it was seen.
    pub fn get(&self, writer: &str) -> Option<u64> {
        self.0.get(writer).copied()
    }

    /// Event `number` of `writer` was seen, and all before it.
    pub(crate) fn advance(&mut self, writer: &str, number: u64) {
        match self.0.get_mut(writer) {
            Some(known) => *known = number.max(*known),
            None => {
                self.0.insert(writer.to_owned(), number);
            }
        }
    }

    /// Goes back, or ahead.
    pub(crate) fn set(&mut self, writer: &str, number: u64) {
        self.0.insert(writer.to_owned(), number);
    }

    /// Nothing was seen.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0
            .iter()
            .map(|(writer, number)| (writer.as_str(), *number))
    }
}

impl fmt::Display for Offsets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (writer, number)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { "." };
            if writer.is_empty() {
                write!(f, "{separator}{number}")?;
            } else {
                write!(f, "{separator}{writer}-{number}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_as_they_went_and_nothing_else_does() {
        let mut several = Offsets::of_one_writer(7);
        several.advance("a1", 3);
        several.advance("b2", 9);
        several.advance("b2", 4);
        assert_eq!(several.to_string(), "7.a1-3.b2-9");
        for offsets in [Offsets::default(), Offsets::of_one_writer(77), several] {
            assert_eq!(Offsets::parse(&offsets.to_string()), Some(offsets));
        }
        for text in ["-1", "a", "a-", "a-1.", "a'-1", "1-2-3", "a--1"] {
            assert_eq!(Offsets::parse(text), None, "{text}");
        }
    }
}
