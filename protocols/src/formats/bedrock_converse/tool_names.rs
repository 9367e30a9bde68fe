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
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_fit_stay_and_others_come_back() {
        let mut names = ToolNames::default();
        for name in ["get_weather", "a-b", &"x".repeat(64)] {
            assert_eq!(names.wire_name(Text::Plain(name)), name);
            assert_eq!(names.client_name(Text::Plain(name)), Text::Plain(name));
        }
        let long = "x".repeat(65);
        let mut seen = Vec::new();
        for name in [
            "mcp.server/tool",
            "mcp_server.tool",
            "wetter_für",
            "",
            &long,
        ] {
            let wire = names.wire_name(Text::Plain(name)).into_owned();
            assert!(wire.len() <= 64, "{wire}");
            assert!(!seen.contains(&wire), "{wire}");
            assert_eq!(names.wire_name(Text::Plain(name)), wire);
            let escaped = Text::Escaped(&wire);
            assert_eq!(names.client_name(escaped), Text::Plain(name));
            seen.push(wire);
        }
        let unknown = Text::Plain("invented_by_the_model");
        assert_eq!(names.client_name(unknown), unknown);
    }

    /// Values from the algorithm's specification.
    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn ids_that_fit_stay() {
        for id in ["call_1", "toolu_01.a:b-c", "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"] {
            assert_eq!(tool_use_id(Cow::Borrowed(id)), id);
        }
        assert_ne!(tool_use_id("a|b".into()), tool_use_id("a/b".into()));
    }

    proptest! {
        #[test]
        fn every_id_becomes_one_that_converse_takes(id in ".{0,100}") {
            let sent = tool_use_id(Cow::Borrowed(&id));
            let fits = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
            prop_assert!((1..=64).contains(&sent.len()), "{sent}");
            prop_assert!(sent.chars().all(fits), "{sent}");
        }
    }
}
