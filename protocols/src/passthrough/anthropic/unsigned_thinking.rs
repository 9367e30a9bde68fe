//! Removes thinking that Anthropic did not sign from a client's history: another provider produced it before a
//! failover.
//!
//! Anthropic refuses a request with such a block and accepts one without it.

use std::ops::Range;

use memchr::memmem;

use crate::body_edit::Splice;
use crate::formats::chat_completions::signed_reasoning;
use crate::json::Text;
use crate::passthrough::{self, Elements};
use crate::scanner::{JsonError, Kind, Scanner};

/// The ranges to remove. A message that would become empty is removed as a whole, unless it is the only one.
///
/// # Errors
/// The body is not JSON.
pub(super) fn removals(body: &[u8]) -> Result<Vec<Splice>, JsonError> {
    // Most requests have no thinking and need not be scanned again.
    if memmem::find(body, b"\"thinking\"").is_none() {
        return Ok(Vec::new());
    }
    passthrough::removals(body, "messages", message)
}

/// The range of a message, and whether to remove it. Otherwise its own removals are added to `removals`.
fn message(
    scanner: &mut Scanner<'_>,
    removals: &mut Vec<Splice>,
) -> Result<(Range<usize>, bool), JsonError> {
    if scanner.kind()? != Kind::Object {
        return Ok((scanner.value()?, false));
    }
    let mut blocks = Elements::default();
    let span = scanner.object(|scanner, key| {
        if key.is("content") {
            blocks = Elements::read(scanner, block)?;
        } else {
            scanner.value()?;
        }
        Ok::<(), JsonError>(())
    })?;
    let is_empty = blocks.are_all_removed();
    if !is_empty {
        removals.extend(blocks.removals());
    }
    Ok((span, is_empty))
}

fn block(scanner: &mut Scanner<'_>) -> Result<(Range<usize>, bool), JsonError> {
    if scanner.kind()? != Kind::Object {
        return Ok((scanner.value()?, false));
    }
    let mut is_thinking = false;
    let mut is_signed = false;
    let span = scanner.object(|scanner, key| {
        let is_string = scanner.kind()? == Kind::String;
        if is_string && key.is("type") {
            is_thinking = scanner.string()?.is("thinking");
        } else if is_string && key.is("signature") {
            let signature = scanner.string()?;
            is_signed = !signature.is_empty()
                && !signed_reasoning::is_own(Text::Plain(&signature.decode()));
        } else {
            scanner.value()?;
        }
        Ok::<(), JsonError>(())
    })?;
    Ok((span, is_thinking && !is_signed))
}

#[cfg(test)]
mod tests;
