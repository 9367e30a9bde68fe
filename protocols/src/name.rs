//! Names given by clients: of a model, of a conversation. They end up in events, headers and paths, so each is bounded
//! and printable.

use std::fmt;

/// Longest name that a client may give, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 512;

/// Why a text is not a valid name. Never repeats the text, which may be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidName {
    /// It has this many bytes.
    TooLong(usize),
    /// It has a control character: U+0000 to U+001F, U+007F to U+009F.
    ControlCharacter(char),
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(found) => write!(
                f,
                "expected a name of at most {MAX_NAME_BYTES} bytes, found {found}"
            ),
            Self::ControlCharacter(found) => write!(
                f,
                "expected a name without control characters, found U+{:04X}",
                u32::from(*found)
            ),
        }
    }
}

/// Accepts at most [`MAX_NAME_BYTES`] without control characters, including the empty text.
///
/// # Errors
/// See [`InvalidName`].
pub fn check_name(name: &str) -> Result<(), InvalidName> {
    if name.len() > MAX_NAME_BYTES {
        return Err(InvalidName::TooLong(name.len()));
    }
    match name.chars().find(|char| char.is_control()) {
        Some(found) => Err(InvalidName::ControlCharacter(found)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
