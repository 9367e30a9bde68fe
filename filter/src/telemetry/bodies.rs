//! Bodies in events, which only `log_bodies: true` puts there: their beginnings.

use std::borrow::Cow;

use events::MAX_BODY_BYTES;

/// The beginning of a body.
#[derive(Debug, Default)]
pub(crate) struct Excerpt {
    bytes: Vec<u8>,
    is_cut: bool,
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
        let room = MAX_BODY_BYTES.saturating_sub(self.bytes.len());
        self.is_cut |= piece.len() > room;
        self.bytes
            .extend_from_slice(piece.get(..room).unwrap_or(piece));
    }

    /// There was more.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// As text; what is none is replaced, but for a character that was cut in two: that is left out.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        let whole = match std::str::from_utf8(&self.bytes) {
            Err(error) if self.is_cut && error.error_len().is_none() => error.valid_up_to(),
            Ok(_) | Err(_) => self.bytes.len(),
        };
        String::from_utf8_lossy(self.bytes.get(..whole).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_between_characters() {
        let whole = Excerpt::of(&vec![b'x'; MAX_BODY_BYTES]);
        assert!(!whole.is_cut());
        let mut excerpt = Excerpt::of(b"x");
        excerpt.append("é".repeat(MAX_BODY_BYTES).as_bytes());
        assert!(excerpt.is_cut());
        assert_eq!(
            excerpt.text(),
            format!("x{}", "é".repeat(MAX_BODY_BYTES / 2 - 1))
        );
        assert_eq!(Excerpt::of(b"a\xff\xc3").text(), "a\u{fffd}\u{fffd}");
    }
}
