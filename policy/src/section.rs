//! A mapping with known keys: each key is one row that says how its value is read.

use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::value;
use crate::yaml::{Entry, Node, Value, shorten};

/// A kind of mapping. Its name is that of its definition in the JSON Schema.
pub(crate) struct Section<D: 'static> {
    pub(crate) name: &'static str,
    /// Rows of every dialect that has keys here.
    pub(crate) tables: &'static [&'static [Key<D>]],
}

/// One key that a draft `D` understands.
pub(crate) struct Key<D: 'static> {
    pub(crate) name: &'static str,
    pub(crate) read: Read<D>,
}

/// What is done with a key's value.
pub(crate) enum Read<D: 'static> {
    /// It goes into the draft.
    Into(fn(&mut D, &Node, &mut Lint)),
    /// Documented elsewhere, without effect here, for this reason.
    NoEffect(&'static str),
}

/// What a document said about one thing.
#[derive(Debug, Clone, Default)]
pub(crate) enum Slot<T> {
    /// Nothing.
    #[default]
    Absent,
    /// Something unreadable, which is already reported: whoever needs the value must not complain again.
    Bad,
    /// This.
    Given(Spanned<T>),
}

impl<D> Key<D> {
    pub(crate) const fn new(name: &'static str, read: fn(&mut D, &Node, &mut Lint)) -> Self {
        Self {
            name,
            read: Read::Into(read),
        }
    }

    pub(crate) const fn without_effect(name: &'static str, reason: &'static str) -> Self {
        Self {
            name,
            read: Read::NoEffect(reason),
        }
    }
}

impl<D> Section<D> {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key<D>> {
        self.tables.iter().copied().flatten()
    }

    /// Reads every key of `node` into `draft`. Reports unknown keys and a node that is no mapping.
    ///
    /// Only what depends on `D` is here: this is compiled once for every draft.
    pub(crate) fn read(&self, draft: &mut D, node: &Node, lint: &mut Lint) {
        let mut empty_above = None;
        for entry in entries(self.name, node, lint) {
            match self
                .keys()
                .find(|key| key.name == &*entry.key)
                .map(|key| &key.read)
            {
                Some(Read::Into(read)) => read(draft, &entry.value, lint),
                Some(Read::NoEffect(reason)) => no_effect(entry, reason, lint),
                None => unknown(
                    self.name,
                    &mut self.keys().map(|key| key.name),
                    entry,
                    empty_above,
                    lint,
                ),
            }
            if entry.value.is_null() {
                empty_above = Some(entry);
            }
        }
    }
}

/// The entries of `node`, or none and a finding.
fn entries<'n>(section: &str, node: &'n Node, lint: &mut Lint) -> &'n [Entry] {
    match &node.value {
        Value::Mapping(entries) => entries,
        Value::Scalar(_) | Value::Sequence(_) => {
            let expected = format!("a `{}` mapping", section.replace('_', " "));
            lint.add(value::mismatch(node, &expected));
            &[]
        }
    }
}

fn no_effect(entry: &Entry, reason: &str, lint: &mut Lint) {
    let message = format!("`{}` has no effect here: {reason}", entry.key);
    lint.report(Code::W102, entry.key_at, message);
}

fn unknown(
    section: &str,
    names: &mut dyn Iterator<Item = &'static str>,
    entry: &Entry,
    empty_above: Option<&Entry>,
    lint: &mut Lint,
) {
    let key = &*entry.key;
    let message = format!(
        "unknown key `{}` in `{}`",
        shorten(key),
        section.replace('_', " ")
    );
    let problem = Problem::new(Code::E002, entry.key_at, message);
    let problem = match empty_above {
        _ if secret_like(key) => {
            let advice = "keys do not belong into a policy: name a variable with `secret_key_ref: {env: NAME}`";
            problem.suggest(advice.to_owned()).sensitive()
        }
        Some(empty) => problem.suggest(format!(
            "`{}:` above is empty: is this line indented too little?",
            empty.key
        )),
        None => problem.suggest(lint.did_you_mean(key, names)),
    };
    lint.add(problem);
}

/// People write keys where no keys belong.
fn secret_like(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['-', '_'], "");
    ["apikey", "secret", "token", "password", "key"].contains(&key.as_str())
}

impl<T> Slot<T> {
    pub(crate) fn given(&self) -> Option<&Spanned<T>> {
        match self {
            Self::Given(given) => Some(given),
            Self::Absent | Self::Bad => None,
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.given().map(|given| &given.value)
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl<T> Slot<T> {
    /// Takes what a reading gave, for values that only one key can give.
    pub(crate) fn put(&mut self, reading: Option<Spanned<T>>) {
        *self = reading.map_or(Self::Bad, Self::Given);
    }
}

impl<T: Copy> Slot<T> {
    pub(crate) fn copied(&self) -> Option<T> {
        self.get().copied()
    }
}

impl<T: PartialEq> Slot<T> {
    /// Takes what a reading gave. Two keys that mean the same, such as `strategy` and `routing`, must agree.
    pub(crate) fn set(&mut self, reading: Option<Spanned<T>>, lint: &mut Lint) {
        match (&*self, reading) {
            (Self::Given(first), Some(second)) if first.value != second.value => {
                let message = format!(
                    "contradicts line {}, which says the same thing differently",
                    first.at.line
                );
                lint.report(Code::E109, second.at, message);
            }
            (Self::Given(_), _) => {}
            (Self::Absent | Self::Bad, Some(reading)) => *self = Self::Given(reading),
            (Self::Absent | Self::Bad, None) => *self = Self::Bad,
        }
    }
}
