//! Removes reasoning that carries this gateway's signature mark from a Responses client's history: another provider
//! produced it, and OpenAI can neither decrypt nor accept it.

use std::ops::Range;

use memchr::memmem;

use crate::body_edit::Splice;
use crate::formats::responses::SIGNATURE_MARK;
use crate::passthrough;
use crate::scanner::{JsonError, Kind, Scanner};

/// The ranges to remove: reasoning items whose `encrypted_content` has our mark.
///
/// # Errors
/// The body is not JSON.
pub(super) fn removals(body: &[u8]) -> Result<Vec<Splice>, JsonError> {
    if memmem::find(body, SIGNATURE_MARK.as_bytes()).is_none() {
        return Ok(Vec::new());
    }
    passthrough::removals(body, "input", |scanner, _| item(scanner))
}

fn item(scanner: &mut Scanner<'_>) -> Result<(Range<usize>, bool), JsonError> {
    if scanner.kind()? != Kind::Object {
        return Ok((scanner.value()?, false));
    }
    let mut is_marked = false;
    let span = scanner.object(|scanner, key| {
        if key.is("encrypted_content") && scanner.kind()? == Kind::String {
            is_marked = scanner.string()?.decode().starts_with(SIGNATURE_MARK);
        } else {
            scanner.value()?;
        }
        Ok::<(), JsonError>(())
    })?;
    Ok((span, is_marked))
}

#[cfg(test)]
mod tests;
