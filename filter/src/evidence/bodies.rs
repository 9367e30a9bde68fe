//! Bodies in events, which only `log_bodies: true` puts there: their beginnings.

use std::borrow::Cow;

/// Bytes of a body that an event tells.
const MAX_BYTES: usize = 32 * 1024;

/// The beginning of a body.
#[derive(Debug, Default)]
pub(crate) struct Excerpt {
    bytes: Vec<u8>,
}

impl Excerpt {
    /// Of a body that is whole.
    pub(crate) fn of(body: &[u8]) -> Self {
        let mut excerpt = Self::default();
        excerpt.append(body);
        excerpt
    }

    /// The next piece came.
    pub(crate) fn append(&mut self, piece: &[u8]) {
        let room = MAX_BYTES.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(piece.get(..room).unwrap_or(piece));
    }

    /// As text; what is none is replaced.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}
