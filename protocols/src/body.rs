//! A request body: complete, or with the middles of its long strings elided.

mod elided;
mod elision;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use elided::ElidedBody;
use elision::Elision;
pub(crate) use elision::Elisions;

/// A JSON body and what was elided from it.
#[derive(Debug, Clone, Copy)]
pub struct Body<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) elisions: Elisions<'a>,
}

impl<'a> Body<'a> {
    /// The bytes that were kept. Spans index these bytes unless stated otherwise.
    pub fn text(self) -> &'a [u8] {
        self.text
    }

    /// Length of `span` in the original body.
    pub fn length(self, span: &Range<usize>) -> usize {
        self.elisions.length(span)
    }

    /// The prefix of the original body, up to the first elision.
    pub fn start(self) -> &'a [u8] {
        let end = self.elisions.first().unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or_default()
    }
}

impl<'a, Bytes: AsRef<[u8]> + ?Sized> From<&'a Bytes> for Body<'a> {
    /// A body without elisions.
    fn from(text: &'a Bytes) -> Self {
        Self {
            text: text.as_ref(),
            elisions: Elisions::default(),
        }
    }
}
