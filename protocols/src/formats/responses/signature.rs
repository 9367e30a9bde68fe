//! Signed reasoning that an upstream accepts back.
//!
//! The signature travels as the `encrypted_content` of a reasoning item, with a mark of ours: content encrypted by
//! another provider is not a signature and must not be replayed as one after a failover.

use crate::json::Text;

/// The prefix that marks a signature.
pub(crate) const MARK: &str = "kt-signature:";

/// The pieces of `encrypted_content`.
pub(crate) fn encrypted_content(signature: Text<'_>) -> [Text<'_>; 2] {
    [Text::Plain(MARK), signature]
}

/// The signature in `encrypted_content`, if this gateway put one there.
pub(crate) fn signature(encrypted_content: Text<'_>) -> Option<Text<'_>> {
    // JSON escapes no character of the mark.
    match encrypted_content {
        Text::Plain(text) => text.strip_prefix(MARK).map(Text::Plain),
        Text::Escaped(text) => text.strip_prefix(MARK).map(Text::Escaped),
    }
    .filter(|signature| !signature.is_empty())
}

#[cfg(test)]
mod tests;
