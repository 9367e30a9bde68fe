//! A request body that is scanned while it arrives.

use protocols::{Body, ElidedBody};
use routing::tokens::{self, RequestTokens};

/// The scanned part of a body: its structure, and the ends of its long strings.
#[derive(Debug)]
pub struct ScannedChunks {
    elided: ElidedBody,
    tokens: Option<RequestTokens>,
}

/// A complete body, or its scanned part.
#[derive(Debug, Clone, Copy)]
pub enum BodyView<'a> {
    /// The complete body.
    Whole(&'a [u8]),
    /// Scanned chunk by chunk, to its end.
    Scanned(&'a ScannedChunks),
}

impl ScannedChunks {
    pub(crate) fn keeping(ends: usize, counts_tokens: bool) -> Self {
        Self {
            elided: ElidedBody::keeping(ends),
            tokens: counts_tokens.then(RequestTokens::default),
        }
    }

    /// Bytes taken so far: the offset of the next chunk.
    pub fn taken(&self) -> usize {
        self.elided.taken()
    }

    /// Takes the next bytes, or most of them. Returns `false` if the body must be read whole: see [`ElidedBody::take`].
    pub fn take(&mut self, piece: &[u8]) -> bool {
        let before = self.taken();
        let goes_on = self.elided.take(piece);
        let taken = self.taken().saturating_sub(before);
        if let Some(tokens) = &mut self.tokens {
            tokens.push(piece.get(..taken).unwrap_or(piece));
        }
        goes_on
    }

    /// Tokens are counted while scanning.
    pub fn counts_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// The kept part. It represents the whole body once all of it was taken.
    pub fn body(&self) -> Body<'_> {
        self.elided.body()
    }
}

impl<'a> BodyView<'a> {
    /// The bytes that are available.
    pub fn body(self) -> Body<'a> {
        match self {
            Self::Whole(body) => Body::from(body),
            Self::Scanned(chunks) => chunks.body(),
        }
    }

    /// The token count; `None` if tokens were not counted while scanning.
    pub(crate) fn prompt_tokens(self) -> Option<u32> {
        match self {
            Self::Whole(body) => Some(tokens::of_request(body)),
            Self::Scanned(chunks) => chunks.tokens.clone().map(RequestTokens::finish),
        }
    }
}

impl<'a> From<&'a [u8]> for BodyView<'a> {
    fn from(body: &'a [u8]) -> Self {
        Self::Whole(body)
    }
}
