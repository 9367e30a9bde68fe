//! Tool names and call ids in the characters that Converse accepts.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::json::Text;

/// Longest tool name and call id, in characters.
const MAX_CHARS: usize = 64;

/// The tool names of one request and what they became, to restore the client's names in the response.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolNames {
    /// The client's names by the names sent, where they differ.
    changed: HashMap<String, String>,
}

impl ToolNames {
    /// The name to send: letters, digits, `_` and `-`, at most 64. Other names are replaced by a deterministic
    /// substitute.
    pub fn wire_name<'a>(&mut self, name: Text<'a>) -> Cow<'a, str> {
        let name = characters(name);
        match fitted(&name, |c| matches!(c, '_' | '-')) {
            None => name,
            Some(wire) => {
                self.changed.insert(wire.clone(), name.into_owned());
                Cow::Owned(wire)
            }
        }
    }

    /// The client's name for a name in the response.
    pub fn client_name<'n>(&'n self, wire: Text<'n>) -> Text<'n> {
        if self.changed.is_empty() {
            return wire;
        }
        let name = wire.decode().unwrap_or_default();
        match self.changed.get(name.as_ref()) {
            Some(client) => Text::Plain(client),
            None => wire,
        }
    }
}

/// The id to send for the client's call id: letters, digits, `_`, `.`, `:` and `-`, at most 64. Other ids are replaced
/// by a deterministic substitute, so that call and result still match. Ids created by Bedrock need no reverse mapping.
pub fn tool_use_id(id: Cow<'_, str>) -> Cow<'_, str> {
    match fitted(&id, |c| matches!(c, '_' | '.' | ':' | '-')) {
        None => id,
        Some(wire) => Cow::Owned(wire),
    }
}

fn characters(text: Text<'_>) -> Cow<'_, str> {
    text.decode().unwrap_or_else(|| {
        let (Text::Plain(inside) | Text::Escaped(inside)) = text;
        Cow::Borrowed(inside)
    })
}

/// `None` if `text` fits as it is. Otherwise the part that fits, with a hash that keeps different texts distinct.
fn fitted(text: &str, is_sign: impl Fn(char) -> bool) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || is_sign(c);
    if (1..=MAX_CHARS).contains(&text.len()) && text.chars().all(&fits) {
        return None;
    }
    let hash = format!("_{:016x}", fnv1a(text));
    let kept = text
        .chars()
        .take(MAX_CHARS.saturating_sub(hash.len()))
        .map(|c| if fits(c) { c } else { '_' });
    Some(kept.chain(hash.chars()).collect())
}

/// FNV-1a: stable across releases and machines, because names are part of what a model caches.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
