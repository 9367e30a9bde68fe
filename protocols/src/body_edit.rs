//! How a client's body becomes the upstream's.

use std::borrow::Cow;
use std::ops::Range;

/// Bytes of a body, and what takes their place.
pub type Splice = (Range<usize>, Vec<u8>);

/// What changes in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEdit {
    /// It goes out as it came.
    Unchanged,
    /// These are replaced, and all other bytes are untouched. One at least, in ascending order; they do not overlap.
    Splice(Vec<Splice>),
    /// It is a new body.
    Replace(Vec<u8>),
}

/// What a body that is not at hand as a whole shows of itself.
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
        // A handful at most, for which no sorting routine need be brought along.
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

    /// What goes out for `body`.
    pub fn applied(self, body: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Unchanged => Cow::Borrowed(body),
            Self::Splice(edits) => Cow::Owned(applied(body, &edits)),
            Self::Replace(body) => Cow::Owned(body),
        }
    }
}

impl<'a> BodyPrefix<'a> {
    /// Of a body that is at hand.
    pub(crate) fn of(body: &'a [u8], model_span: &Range<usize>) -> Self {
        Self {
            start: body,
            model: body.get(model_span.clone()).unwrap_or_default(),
        }
    }
}

/// `edits` in ascending order, applied.
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
