//! A body that is read while it comes.

use protocols::{Body, ElidedBody};
use routing::tokens::{self, RequestTokens};

/// What was read of a body so far: its structure, and the ends of its long texts.
#[derive(Debug)]
pub struct ScannedChunks {
    elided: ElidedBody,
    tokens: Option<RequestTokens>,
}

/// A body, or what was kept of it.
#[derive(Debug, Clone, Copy)]
pub enum BodyView<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It was read while it came, to its end.
    Scanned(&'a ScannedChunks),
}

impl ScannedChunks {
    pub(crate) fn keeping(ends: usize, counts_tokens: bool) -> Self {
        Self {
            elided: ElidedBody::keeping(ends),
            tokens: counts_tokens.then(RequestTokens::default),
        }
    }

    /// Bytes taken so far: what is to be given next begins there.
    pub fn taken(&self) -> usize {
        self.elided.taken()
    }

    /// Takes the next bytes, or most of them. `false` where the body has to be read whole: see [`ElidedBody::take`].
    pub fn take(&mut self, piece: &[u8]) -> bool {
        let before = self.taken();
        let goes_on = self.elided.take(piece);
        let taken = self.taken().saturating_sub(before);
        if let Some(tokens) = &mut self.tokens {
            tokens.push(piece.get(..taken).unwrap_or(piece));
        }
        goes_on
    }

    /// Tokens are counted.
    pub fn counts_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// What was kept. It stands for the whole body when all of it was taken.
    pub fn body(&self) -> Body<'_> {
        self.elided.body()
    }
}

impl<'a> BodyView<'a> {
    /// What there is of it.
    pub fn body(self) -> Body<'a> {
        match self {
            Self::Whole(body) => Body::from(body),
            Self::Scanned(chunks) => chunks.body(),
        }
    }

    /// Counted closely; `None` where nobody has counted while it came.
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
