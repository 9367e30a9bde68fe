//! Observes a JSON object that is forwarded in chunks, and keeps the values of some of its top-level members.

use super::literal::{plain_prefix, structureless_prefix};

/// Longest value kept, in bytes.
const MAX_KEPT_BYTES: usize = 64 * 1024;
/// Longest key compared; longer keys cannot match.
const MAX_KEY_BYTES: usize = 64;

/// Progress of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Before its `{`, or inside.
    Open,
    /// After its `}`.
    Closed,
    /// The text does not start with `{`.
    NotAnObject,
}

/// Finds members of the outermost object. Tracks strings and nesting, so that neither a key in a nested object nor text
/// that looks like one is taken for a member; performs no other validation.
///
/// Looks at each byte once. Memory is bounded by the kept values.
#[derive(Debug, Clone)]
pub(crate) struct TopLevel {
    keys: &'static [&'static str],
    /// As received, in the order of `keys`. A later member of the same name replaces an earlier one.
    values: Vec<Option<Vec<u8>>>,
    state: State,
    depth: u64,
    /// Bytes of the current or last key.
    key: Vec<u8>,
    /// Index in `keys` of the member being read.
    keeping: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    /// In the outermost object, before a key, `,` or `}`.
    BeforeKey,
    Key {
        escaped: bool,
    },
    /// After a key, before its value.
    BeforeValue,
    /// In a value, outside strings.
    Value,
    Text {
        escaped: bool,
    },
    After,
    NotAnObject,
}

impl TopLevel {
    /// An observer that keeps the values of `keys`.
    pub(crate) fn new(keys: &'static [&'static str]) -> Self {
        Self {
            keys,
            values: vec![None; keys.len()],
            state: State::Before,
            depth: 0,
            key: Vec::new(),
            keeping: None,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        match self.state {
            State::After => Progress::Closed,
            State::NotAnObject => Progress::NotAnObject,
            State::Before
            | State::BeforeKey
            | State::Key { .. }
            | State::BeforeValue
            | State::Value
            | State::Text { .. } => Progress::Open,
        }
    }

    /// The bytes of a member's value, once complete.
    pub(crate) fn value(&self, key: &str) -> Option<&[u8]> {
        let index = self.keys.iter().position(|known| *known == key)?;
        if self.keeping == Some(index) {
            return None;
        }
        self.values.get(index)?.as_deref().map(<[u8]>::trim_ascii)
    }

    /// The member's value is incomplete.
    pub(crate) fn is_reading(&self, key: &str) -> bool {
        self.keeping
            .is_some_and(|index| self.keys.get(index).is_some_and(|known| *known == key))
    }

    /// Observes the next bytes.
    pub(crate) fn observe(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some((&byte, tail)) = rest.split_first() {
            // Skips stretches in which nothing can happen.
            let quiet = match self.state {
                State::Text { escaped: false } | State::Key { escaped: false } => {
                    plain_prefix(rest)
                }
                State::Value if self.depth > 1 => structureless_prefix(rest),
                State::After | State::NotAnObject => return,
                State::Before
                | State::BeforeKey
                | State::BeforeValue
                | State::Value
                | State::Key { escaped: true }
                | State::Text { escaped: true } => 0,
            };
            if quiet > 0 {
                let (taken, after) = rest.split_at_checked(quiet).unwrap_or((rest, &[]));
                if matches!(self.state, State::Key { .. }) {
                    self.extend_key(taken);
                } else {
                    self.keep(taken);
                }
                rest = after;
                continue;
            }
            self.byte(byte);
            rest = tail;
        }
    }

    fn byte(&mut self, byte: u8) {
        match (self.state, byte) {
            (State::Before, b'{') => {
                self.depth = 1;
                self.state = State::BeforeKey;
            }
            (State::Before, b' ' | b'\t' | b'\r' | b'\n') => {}
            (State::Before, _) => self.state = State::NotAnObject,
            (State::BeforeKey, b'"') => {
                self.key.clear();
                self.state = State::Key { escaped: false };
            }
            (State::BeforeKey, b'}') => self.state = State::After,
            (State::BeforeKey, _) => {}
            (State::Key { escaped: false }, b'"') => self.state = State::BeforeValue,
            (State::Key { escaped }, byte) => {
                self.extend_key(&[byte]);
                self.state = State::Key {
                    escaped: !escaped && byte == b'\\',
                };
            }
            (State::BeforeValue, b':') => {
                self.keeping = self
                    .keys
                    .iter()
                    .position(|known| known.as_bytes() == self.key);
                if let Some(kept) = self.kept() {
                    // Longer than most usage objects.
                    *kept = Some(Vec::with_capacity(256));
                }
                self.state = State::Value;
            }
            (State::BeforeValue, _) => {}
            (State::Value, b'"') => {
                self.keep(&[byte]);
                self.state = State::Text { escaped: false };
            }
            (State::Value, b'{' | b'[') => {
                self.keep(&[byte]);
                self.depth = self.depth.saturating_add(1);
            }
            (State::Value, b'}' | b']') if self.depth > 1 => {
                self.keep(&[byte]);
                self.depth = self.depth.saturating_sub(1);
            }
            (State::Value, b'}') => {
                self.keeping = None;
                self.state = State::After;
            }
            (State::Value, b',') if self.depth == 1 => {
                self.keeping = None;
                self.state = State::BeforeKey;
            }
            (State::Value, byte) => self.keep(&[byte]),
            (State::Text { escaped: false }, b'"') => {
                self.keep(&[byte]);
                self.state = State::Value;
            }
            (State::Text { escaped }, byte) => {
                self.keep(&[byte]);
                self.state = State::Text {
                    escaped: !escaped && byte == b'\\',
                };
            }
            (State::After | State::NotAnObject, _) => {}
        }
    }

    fn extend_key(&mut self, bytes: &[u8]) {
        let room = MAX_KEY_BYTES
            .saturating_add(1)
            .saturating_sub(self.key.len());
        self.key
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn kept(&mut self) -> Option<&mut Option<Vec<u8>>> {
        self.values.get_mut(self.keeping?)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let Some(slot) = self.kept() else { return };
        let Some(value) = slot else { return };
        if value.len().saturating_add(bytes.len()) > MAX_KEPT_BYTES {
            // Too long to be the expected value.
            *slot = None;
            self.keeping = None;
        } else {
            value.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests;
