//! What a request holds that some provider wants otherwise, so that a request which everybody takes is not read again.

use std::ops::Range;

use catalog::Fields;

use super::mismatch::Mismatch;
use crate::scanner::{Kind, Scanner};

/// Longest tool name that everybody takes, in characters.
const MAX_TOOL_NAME: usize = 64;

/// What a Chat Completions request holds that some provider wants otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTraits {
    /// Its fields, of those that the catalogue knows.
    pub fields: Fields,
    /// It has fields that the catalogue does not know.
    pub has_unknown_fields: bool,
    /// Every message has the role `user`, `assistant` or `tool`, or is a `system` message in front; none has a field
    /// beside role, content and calls, nor a part with a prompt-cache marker.
    pub has_plain_messages: bool,
    /// A message calls tools.
    pub has_calls: bool,
    /// Every tool is a function with a name of at most 64 letters, digits, `_` and `-`, whose parameters are an object
    /// with `properties`.
    pub has_plain_tools: bool,
    /// A tool says `strict`.
    pub has_strict_tools: bool,
}

impl RequestTraits {
    /// Nothing has been found yet.
    pub(super) const PLAIN: Self = Self {
        fields: Fields::NONE,
        has_unknown_fields: false,
        has_plain_messages: true,
        has_calls: false,
        has_plain_tools: true,
        has_strict_tools: false,
    };

    /// Nothing is known: the request may hold anything.
    pub const ANYTHING: Self = Self {
        fields: Fields::ALL,
        has_unknown_fields: true,
        has_plain_messages: false,
        has_calls: true,
        has_plain_tools: false,
        has_strict_tools: true,
    };

    /// The request has the top-level field `name`.
    pub(super) fn take_field(&mut self, name: &str) {
        match Fields::one(name) {
            Some(field) => self.fields = self.fields.and(field),
            None => self.has_unknown_fields = true,
        }
    }

    /// Reads one tool.
    pub(super) fn take_tool(
        &mut self,
        scanner: &mut Scanner<'_>,
    ) -> Result<Range<usize>, Mismatch> {
        let mut is_plain = false;
        let span = object(scanner, &mut |scanner, key| {
            if key != "function" {
                return Ok(scanner.value().map(|_| ())?);
            }
            let (mut has_name, mut has_properties) = (false, true);
            object(scanner, &mut |scanner, key| {
                match key {
                    "name" if scanner.kind()? == Kind::String => {
                        has_name = is_plain_name(&scanner.string()?.decode());
                    }
                    "parameters" => {
                        has_properties = false;
                        object(scanner, &mut |scanner, key| {
                            has_properties |= key == "properties";
                            Ok(scanner.value().map(|_| ())?)
                        })?;
                    }
                    "strict" => self.has_strict_tools |= scanner.raw()? == "true",
                    _ => {
                        scanner.value()?;
                    }
                }
                Ok(())
            })?;
            is_plain = has_name && has_properties;
            Ok(())
        })?;
        self.has_plain_tools &= is_plain;
        Ok(span)
    }
}

/// Everybody takes a tool of this name.
pub(crate) fn is_plain_name(name: &str) -> bool {
    (1..=MAX_TOOL_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Calls `member` for each member of an object; skips other values.
fn object(
    scanner: &mut Scanner<'_>,
    member: &mut dyn FnMut(&mut Scanner<'_>, &str) -> Result<(), Mismatch>,
) -> Result<Range<usize>, Mismatch> {
    if scanner.kind()? != Kind::Object {
        return Ok(scanner.value()?);
    }
    scanner.object(|scanner, key| member(scanner, &key.decode()))
}
