//! A request body as it is read: whole, or without the middles of its long texts.

mod elided;
mod elision;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use elided::ElidedBody;
use elision::Elision;
pub(crate) use elision::Elisions;

/// The text of a body, and what was left out of it.
#[derive(Debug, Clone, Copy)]
pub struct Body<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) elisions: Elisions<'a>,
}

impl<'a> Body<'a> {
    /// The text that there is. Spans are told in its bytes, unless something else is said.
    pub fn text(self) -> &'a [u8] {
        self.text
    }

    /// How many bytes of the whole body `span` stands for.
    pub fn length(self, span: &Range<usize>) -> usize {
        self.elisions.length(span)
    }

    /// The front of the whole body, up to where something was left out.
    pub fn start(self) -> &'a [u8] {
        let end = self.elisions.first().unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or_default()
    }
}

impl<'a, Bytes: AsRef<[u8]> + ?Sized> From<&'a Bytes> for Body<'a> {
    /// Nothing is left out.
    fn from(text: &'a Bytes) -> Self {
        Self {
            text: text.as_ref(),
            elisions: Elisions::default(),
        }
    }
}
