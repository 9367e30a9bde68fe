//! Sniffs the start of a JSON response, and inserts the gateway's metadata.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::scanner::{Progress, Scanner, TopLevel};

/// The name of an error member.
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));

/// The name of the list of answers.
static CHOICES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(CHOICES_NAME));
/// As it appears in a response.
const CHOICES_NAME: &[u8] = b"\"choices\"";

/// The member's name, as it appears in a response.
const METADATA: &str = "\"keeptrusts_metadata\"";

/// What a JSON response with a success status has shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodySniff {
    /// Nothing but white space.
    Empty,
    NotAnObject,
    /// An error behind a success status.
    Error,
    Success,
}

/// Looks for an error among the members of the outermost object, as far as they have arrived.
pub(super) fn sniff(body: &[u8]) -> BodySniff {
    // Most responses do not contain the word at all.
    if body.trim_ascii_start().starts_with(b"{") && ERROR.find(body).is_none() {
        return BodySniff::Success;
    }
    let mut members = TopLevel::new(&["error", "object", "type"]);
    members.observe(body);
    if members.progress() == Progress::NotAnObject {
        return BodySniff::NotAnObject;
    }
    if body.trim_ascii().is_empty() {
        return BodySniff::Empty;
    }
    let is_error = |name: &str| members.value(name) == Some(b"\"error\"");
    let has_error = match members.value("error") {
        Some(value) => !matches!(value, b"null" | b"false" | b"\"\"" | b"{}"),
        // An error object that is still incomplete.
        None => members.is_reading("error"),
    };
    if has_error || is_error("object") || is_error("type") {
        BodySniff::Error
    } else {
        BodySniff::Success
    }
}

/// The list of choices of a whole response is empty.
pub(super) fn has_no_choices(body: &[u8]) -> bool {
    let is_empty_list = |at: usize| {
        let rest = body.get(at.saturating_add(CHOICES_NAME.len())..)?;
        let list = rest
            .trim_ascii_start()
            .strip_prefix(b":")?
            .trim_ascii_start();
        let list = list.strip_prefix(b"[")?.trim_ascii_start();
        list.starts_with(b"]").then_some(())
    };
    if !CHOICES
        .find_iter(body)
        .any(|at| is_empty_list(at).is_some())
    {
        return false;
    }
    let mut members = TopLevel::new(&["choices"]);
    members.observe(body);
    members
        .value("choices")
        .and_then(|value| value.strip_prefix(b"["))
        .is_some_and(|rest| rest.trim_ascii() == b"]")
}

/// Appends `response`, which starts with `{`, with `metadata` as its first member. Removes the metadata of another
/// gateway upstream.
pub(super) fn write_with_metadata(response: &[u8], metadata: Option<&str>, out: &mut Vec<u8>) {
    let Some(members) = response.strip_prefix(b"{") else {
        out.extend_from_slice(response);
        return;
    };
    let members = after_metadata(members).unwrap_or(members);
    let added = METADATA.len().saturating_add(metadata.map_or(0, str::len));
    out.reserve(response.len().saturating_add(added).saturating_add(4));
    out.push(b'{');
    if let Some(metadata) = metadata {
        out.extend_from_slice(METADATA.as_bytes());
        out.push(b':');
        out.extend_from_slice(metadata.as_bytes());
        if !members.trim_ascii_start().starts_with(b"}") {
            out.push(b',');
        }
    }
    out.extend_from_slice(members);
}

/// `response` comes from another Keeptrusts gateway.
pub(super) fn has_metadata(response: &[u8]) -> bool {
    response
        .strip_prefix(b"{")
        .is_some_and(|members| after_metadata(members).is_some())
}

/// The members after the metadata of another gateway, which is always the first member.
fn after_metadata(members: &[u8]) -> Option<&[u8]> {
    let value = members
        .trim_ascii_start()
        .strip_prefix(METADATA.as_bytes())?
        .trim_ascii_start()
        .strip_prefix(b":")?;
    // A partial response may end inside a character.
    let whole = match std::str::from_utf8(value) {
        Ok(text) => text.len(),
        Err(error) => error.valid_up_to(),
    };
    let mut scanner = Scanner::new(value.get(..whole)?).ok()?;
    let span = scanner.value().ok()?;
    let rest = value.get(span.end..)?.trim_ascii_start();
    match rest.strip_prefix(b",") {
        Some(others) => Some(others),
        None => rest.starts_with(b"}").then_some(rest),
    }
}

#[cfg(test)]
mod tests;
