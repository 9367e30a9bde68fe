//! Removes thinking that Anthropic did not sign from a client's history: another provider produced it before a
//! failover.
//!
//! Anthropic refuses a request with such a block and accepts one without it.

use std::ops::Range;

use memchr::memmem;

use crate::body_edit::Splice;
use crate::formats::responses::SIGNATURE_MARK;
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
            is_signed = !signature.is_empty() && !signature.decode().starts_with(SIGNATURE_MARK);
        } else {
            scanner.value()?;
        }
        Ok::<(), JsonError>(())
    })?;
    Ok((span, is_thinking && !is_signed))
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::body_edit::applied;

    #[test]
    fn only_what_anthropic_did_not_sign_is_cut() {
        for (messages, left) in [
            (
                r#"[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":""}, {"type":"text","text":"b"}]}]"#,
                r#"[{"role":"assistant","content":[{"type":"text","text":"b"}]}]"#,
            ),
            (
                r#"[{"content":[{"signature":"kt-signature:x","type":"thinking"},{"type":"thinking"},{"type":"text"},{"type":"thinking","signature":null}]}]"#,
                r#"[{"content":[{"type":"text"}]}]"#,
            ),
            // The whole message would become empty.
            (
                r#"[{"role":"user","content":"x"},{"content":[{"type":"thinking","signature":""}]},{"role":"user","content":"y"}]"#,
                r#"[{"role":"user","content":"x"},{"role":"user","content":"y"}]"#,
            ),
        ] {
            let body = format!("{{\"thinking\":{{\"type\":\"enabled\"}},\"messages\":{messages}}}");
            let edited = applied(body.as_bytes(), &removals(body.as_bytes()).unwrap());
            let expected = format!("{{\"thinking\":{{\"type\":\"enabled\"}},\"messages\":{left}}}");
            assert_eq!(String::from_utf8(edited).unwrap(), expected);
        }
    }

    #[test]
    fn all_else_passes_as_it_came() {
        for body in [
            r#"{"messages":[{"content":[{"type":"thinking","thinking":"a","signature":"EqQB"},{"type":"redacted_thinking","data":"x"}]}]}"#,
            r#"{"messages":[{"content":[{"type":"thinking","thinking":"only"}]}]}"#,
            r#"{"messages":[{"content":"\"thinking\""},{"content":"thinking"}],"system":"\"thinking\""}"#,
            r#"{"messages":"thinking","thinking":{"type":"disabled"}}"#,
            r#"{"thinking":1,"messages":[1,[],{"content":[1,"thinking"]}]}"#,
        ] {
            assert_eq!(removals(body.as_bytes()), Ok(Vec::new()), "{body}");
        }
    }
}
