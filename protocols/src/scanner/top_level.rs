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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use proptest::prelude::*;

    use super::*;

    const KEYS: &[&str] = &["usage", "model"];

    fn watched<'a>(
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Option<String>, Option<String>, Progress) {
        let mut watcher = TopLevel::new(KEYS);
        for piece in pieces {
            watcher.observe(piece);
        }
        let text = |key| {
            watcher
                .value(key)
                .map(|value| String::from_utf8_lossy(value).into_owned())
        };
        (text("usage"), text("model"), watcher.progress())
    }

    #[test]
    fn only_members_of_the_outermost_object_are_taken() {
        use Progress::{Closed, NotAnObject, Open};
        let table: &[(&str, Option<&str>, Option<&str>, Progress)] = &[
            (
                r#"{"usage":{"a":[1,{"b":2}]},"model":"m"}"#,
                Some(r#"{"a":[1,{"b":2}]}"#),
                Some(r#""m""#),
                Closed,
            ),
            (
                r#" { "model" : "m" , "usage" : null } "#,
                Some("null"),
                Some(r#""m""#),
                Closed,
            ),
            (
                r#"{"choices":[{"usage":1,"model":2}],"model":"m"}"#,
                None,
                Some(r#""m""#),
                Closed,
            ),
            (
                r#"{"text":"\"usage\":{\"a\":1}","x":"\\","model":"m"}"#,
                None,
                Some(r#""m""#),
                Closed,
            ),
            (
                r#"{"a":"}","b":"{","c":["]"],"model":7}"#,
                None,
                Some("7"),
                Closed,
            ),
            (r#"{"model":"a","model":"b"}"#, None, Some(r#""b""#), Closed),
            (r#"{"usage\"":1,"\"model":2}"#, None, None, Closed),
            (
                r#"{"usage":{"a":1},"model":"#,
                Some(r#"{"a":1}"#),
                None,
                Open,
            ),
            (r#"{"usage":{"a":1"#, None, None, Open),
            ("{}", None, None, Closed),
            ("", None, None, Open),
            ("  ", None, None, Open),
            ("[{}]", None, None, NotAnObject),
            ("<html>", None, None, NotAnObject),
        ];
        for (text, usage, model, progress) in table {
            let expected = (
                usage.map(str::to_owned),
                model.map(str::to_owned),
                *progress,
            );
            assert_eq!(watched([text.as_bytes()]), expected, "{text}");
            assert_eq!(
                watched(text.as_bytes().chunks(1)),
                expected,
                "{text}, byte by byte"
            );
        }
    }

    #[test]
    fn a_value_too_long_to_be_usage_is_not_kept() {
        let long = format!(
            r#"{{"usage":"{}","model":"m"}}"#,
            "x".repeat(MAX_KEPT_BYTES)
        );
        assert_eq!(
            watched([long.as_bytes()]),
            (None, Some("\"m\"".to_owned()), Progress::Closed)
        );
    }

    // There is no clock on wasm32-unknown-unknown.
    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    #[test]
    fn time_grows_with_length_and_no_faster() {
        let nested = |depth: usize| {
            format!(
                "{{\"a\":{}{}{}",
                "[".repeat(depth),
                "]".repeat(depth),
                " ".repeat(depth * 8)
            )
        };
        crate::translator::assert_linear(nested, |text| {
            assert_eq!(watched([text.as_bytes()]).2, Progress::Open);
        });
    }

    proptest! {
        #[test]
        fn finds_what_a_full_parser_finds(
            members in proptest::collection::vec(("usage|model|a|\"|\\\\", "[a-z{}\\[\\]\",:\\\\]{0,6}"), 0..5),
            cut in 0usize..80,
        ) {
            let mut object = serde_json::Map::new();
            for (key, text) in members {
                object.insert(key, serde_json::json!([text, {"usage": text}]));
            }
            let text = serde_json::to_string(&object).unwrap();
            let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
            let expected = |key: &str| object.get(key).map(|value| value.to_string());
            prop_assert_eq!(watched([head, tail]), (expected("usage"), expected("model"), Progress::Closed));
        }
    }
}
