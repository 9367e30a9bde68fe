//! How a client's body becomes the upstream's body.

use std::borrow::Cow;
use std::ops::Range;

/// A byte range and its replacement.
pub type Splice = (Range<usize>, Vec<u8>);

/// How a body changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEdit {
    /// The body is forwarded unchanged.
    Unchanged,
    /// These ranges are replaced; all other bytes stay. At least one, ascending, not overlapping.
    Splice(Vec<Splice>),
    /// A new body.
    Replace(Vec<u8>),
}

/// The parts of a body that are known before it has arrived completely.
#[derive(Debug, Clone, Copy)]
pub struct BodyPrefix<'a> {
    /// Its first bytes.
    pub start: &'a [u8],
    /// The value at [`Attempt::model_span`](crate::Attempt::model_span).
    pub model: &'a [u8],
}

impl BodyEdit {
    /// `edits` do not overlap.
    pub(crate) fn of(edits: Vec<Splice>) -> Self {
        // There are only a handful, so an insertion sort avoids linking a sort routine.
        let mut ordered: Vec<Splice> = Vec::with_capacity(edits.len());
        for edit in edits {
            let place = ordered.partition_point(|(range, _)| range.start < edit.0.start);
            ordered.insert(place, edit);
        }
        if ordered.is_empty() {
            Self::Unchanged
        } else {
            Self::Splice(ordered)
        }
    }

    /// The body that is sent for `body`.
    pub fn applied(self, body: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Unchanged => Cow::Borrowed(body),
            Self::Splice(edits) => Cow::Owned(applied(body, &edits)),
            Self::Replace(body) => Cow::Owned(body),
        }
    }
}

impl<'a> BodyPrefix<'a> {
    /// The prefix of a complete body.
    pub(crate) fn of(body: &'a [u8], model_span: &Range<usize>) -> Self {
        Self {
            start: body,
            model: body.get(model_span.clone()).unwrap_or_default(),
        }
    }
}

/// Applies `edits`, which are ascending.
pub(crate) fn applied(body: &[u8], edits: &[Splice]) -> Vec<u8> {
    let added: usize = edits.iter().map(|(_, bytes)| bytes.len()).sum();
    let mut edited = Vec::with_capacity(body.len().saturating_add(added));
    let mut from = 0;
    for (range, bytes) in edits {
        edited.extend_from_slice(body.get(from..range.start).unwrap_or_default());
        edited.extend_from_slice(bytes);
        from = range.end;
    }
    edited.extend_from_slice(body.get(from..).unwrap_or_default());
    edited
}
