//! The members of one object of a body, and what becomes of each.

use std::ops::Range;

use crate::body_edit::Splice;
use crate::passthrough::Elements;
use crate::scanner::Literal;

/// What becomes of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    Remove,
    Rename(&'static str),
    Replace(Vec<u8>),
}

/// One member.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) key: Literal<'a>,
    pub(crate) value: Range<usize>,
    pub(crate) fate: Fate,
}

/// All members of an object.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    body: &'a [u8],
    all: Vec<Member<'a>>,
    /// Written behind the last one that stays.
    added: Vec<u8>,
}

impl<'a> Members<'a> {
    pub(crate) fn of(body: &'a [u8]) -> Self {
        Self {
            body,
            all: Vec::new(),
            added: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, key: Literal<'a>, value: Range<usize>) {
        let fate = Fate::Keep;
        self.all.push(Member { key, value, fate });
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member<'a>> {
        self.all.iter_mut()
    }

    pub(crate) fn text(&self, range: &Range<usize>) -> &'a [u8] {
        self.body.get(range.clone()).unwrap_or_default()
    }

    /// The value of that member, unless it is null or has been removed.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let mut all = self.all.iter();
        let member = all.find(|member| member.key.is(name) && member.fate != Fate::Remove)?;
        let value = self.text(&member.value);
        (value != b"null").then_some(value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.all.iter().any(|member| member.key.is(name))
    }

    /// That member is there and stays as it is.
    pub(crate) fn is_kept(&self, name: &str) -> bool {
        let mut all = self.all.iter();
        all.any(|member| member.key.is(name) && member.fate == Fate::Keep)
    }

    pub(crate) fn set(&mut self, name: &str, fate: &Fate) {
        for member in self.all.iter_mut().filter(|member| member.key.is(name)) {
            member.fate = fate.clone();
        }
    }

    /// Adds a member; `name` needs no escapes.
    pub(crate) fn add(&mut self, name: &str, json: &[u8]) {
        self.added.extend_from_slice(b",\"");
        self.added.extend_from_slice(name.as_bytes());
        self.added.extend_from_slice(b"\":");
        self.added.extend_from_slice(json);
    }

    /// The edits, removals first.
    pub(crate) fn into_edits(self) -> Vec<Splice> {
        let removed = self.all.iter().map(|member| {
            let span = member.key.span().start..member.value.end;
            (span, member.fate == Fate::Remove)
        });
        let mut splices: Vec<Splice> = Elements::of(removed.collect()).removals().collect();
        let mut all = self.all.iter().rev();
        if let Some(last) = all.find(|member| member.fate != Fate::Remove)
            && !self.added.is_empty()
        {
            splices.push((last.value.end..last.value.end, self.added));
        }
        for member in self.all {
            match member.fate {
                Fate::Keep | Fate::Remove => {}
                Fate::Rename(name) => {
                    splices.push((member.key.span(), format!("\"{name}\"").into_bytes()));
                }
                Fate::Replace(value) => splices.push((member.value, value)),
            }
        }
        splices
    }
}

/// `text` as a JSON string.
pub(crate) fn string(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).unwrap_or_default()
}
