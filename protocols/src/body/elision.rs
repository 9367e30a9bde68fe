//! What was elided from a text, and where.

use std::ops::Range;

/// The elided middle of one string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elision {
    /// Its position in the kept text.
    pub(super) at: usize,
    /// Its length as received.
    pub(super) bytes: usize,
    /// Bytes that decoding would have saved in it.
    pub(super) saved_by_decoding: usize,
}

/// All elisions of a text, in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Elisions<'a>(pub(super) &'a [Elision]);

impl Elisions<'_> {
    /// True if nothing was elided.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Length of `span` including the bytes elided from it.
    pub(crate) fn length(self, span: &Range<usize>) -> usize {
        let left_out = self.sum(span, |elision| elision.bytes);
        span.len().saturating_add(left_out)
    }

    /// Decoded length of the bytes elided from `span`.
    pub(crate) fn elided_decoded_len(self, span: &Range<usize>) -> usize {
        self.sum(span, |elision| {
            elision.bytes.saturating_sub(elision.saved_by_decoding)
        })
    }

    /// `span` in the coordinates of the original body.
    pub(crate) fn original_span(self, span: &Range<usize>) -> Range<usize> {
        let start = self.length(&(0..span.start));
        start..start.saturating_add(self.length(span))
    }

    /// Position of the first elision.
    pub(super) fn first(self) -> Option<usize> {
        self.0.first().map(|elision| elision.at)
    }

    fn sum(self, span: &Range<usize>, length: impl Fn(&Elision) -> usize) -> usize {
        let first = self.0.partition_point(|elision| elision.at < span.start);
        (self.0.iter().skip(first))
            .take_while(|elision| elision.at < span.end)
            .map(length)
            .fold(0, usize::saturating_add)
    }
}
