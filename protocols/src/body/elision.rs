//! What was left out of a text, and where.

use std::ops::Range;

/// The middle of one string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elision {
    /// Where it would stand in the text that was kept.
    pub(super) at: usize,
    /// Its length as it came.
    pub(super) bytes: usize,
    /// By how many bytes decoding would have shortened it.
    pub(super) saved_by_decoding: usize,
}

/// All omissions of a text, in the order in which they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Elisions<'a>(pub(super) &'a [Elision]);

impl Elisions<'_> {
    /// Nothing was left out.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of `span`, with those left out of it.
    pub(crate) fn length(self, span: &Range<usize>) -> usize {
        let left_out = self.sum(span, |elision| elision.bytes);
        span.len().saturating_add(left_out)
    }

    /// Bytes left out of `span`, decoded.
    pub(crate) fn elided_decoded_len(self, span: &Range<usize>) -> usize {
        self.sum(span, |elision| {
            elision.bytes.saturating_sub(elision.saved_by_decoding)
        })
    }

    /// Where `span` stands in what it was before.
    pub(crate) fn original_span(self, span: &Range<usize>) -> Range<usize> {
        let start = self.length(&(0..span.start));
        start..start.saturating_add(self.length(span))
    }

    /// Where the first one stands.
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
