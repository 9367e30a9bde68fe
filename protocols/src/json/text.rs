//! A JSON string that is forwarded without being unescaped.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};
use serde_json::value::RawValue;

use crate::scanner::plain_prefix;

/// A string: plain, or the inside of a JSON literal.
#[derive(Debug, Clone, Copy)]
pub enum Text<'a> {
    /// Plain characters.
    Plain(&'a str),
    /// The inside of a valid JSON literal, with its escapes.
    Escaped(&'a str),
}

impl<'a> Text<'a> {
    /// The string in `raw`; `None` if `raw` is another type.
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
        Some(Self::Escaped(inside))
    }

    /// For response fields: a value that is not a string counts as absent.
    ///
    /// # Errors
    /// Only malformed JSON.
    pub fn lenient<'de: 'a, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        <&'de RawValue>::deserialize(deserializer).map(Self::of)
    }

    /// There are no characters.
    pub fn is_empty(self) -> bool {
        match self {
            Self::Plain(inside) | Self::Escaped(inside) => inside.is_empty(),
        }
    }

    /// Length in bytes, including escapes.
    pub fn length(self) -> u64 {
        let (Self::Plain(inside) | Self::Escaped(inside)) = self;
        u64::try_from(inside.len()).unwrap_or(u64::MAX)
    }

    /// There is nothing but white space.
    pub fn is_blank(self) -> bool {
        let (Self::Plain(inside) | Self::Escaped(inside)) = self;
        match inside.chars().find(|c| !c.is_whitespace()) {
            None => true,
            // Only an escape can still be white space.
            Some('\\') => self.decode().is_some_and(|text| text.trim().is_empty()),
            Some(_) => false,
        }
    }

    /// The decoded characters; `None` if there is a lone surrogate.
    pub fn decode(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Plain(text) => Some(Cow::Borrowed(text)),
            Self::Escaped(inside) if !inside.contains('\\') => Some(Cow::Borrowed(inside)),
            Self::Escaped(inside) => serde_json::from_str(&format!("\"{inside}\""))
                .ok()
                .map(Cow::Owned),
        }
    }

    /// The parts before and after the first `separator`, which must not be a character used in escapes.
    pub fn split_once(self, separator: char) -> Option<(Self, Self)> {
        match self {
            Self::Plain(text) => {
                let (before, after) = text.split_once(separator)?;
                Some((Self::Plain(before), Self::Plain(after)))
            }
            Self::Escaped(inside) => {
                let (before, after) = inside.split_once(separator)?;
                Some((Self::Escaped(before), Self::Escaped(after)))
            }
        }
    }

    /// The text without trailing white space, plain or as `
    ///
    /// `, `\r` or `\t`.
    #[must_use]
    pub fn trim_end(self) -> Self {
        match self {
            Self::Plain(text) => Self::Plain(text.trim_end()),
            Self::Escaped(inside) => {
                let mut rest = inside.trim_end();
                while let Some(before) = ["\\n", "\\r", "\\t"]
                    .iter()
                    .find_map(|escape| rest.strip_suffix(escape))
                {
                    // After an odd number of backslashes this one is the second half of an escaped backslash.
                    let backslashes = before
                        .len()
                        .saturating_sub(before.trim_end_matches('\\').len());
                    if !backslashes.is_multiple_of(2) {
                        break;
                    }
                    rest = before.trim_end();
                }
                Self::Escaped(rest)
            }
        }
    }

    /// Appends the inside of the JSON literal to `out`.
    pub fn write_inside(self, out: &mut Vec<u8>) {
        match self {
            Self::Escaped(inside) => out.extend_from_slice(inside.as_bytes()),
            Self::Plain(text) => {
                let quote = out.len();
                // Writing to a vector cannot fail.
                let _ = serde_json::to_writer(&mut *out, text);
                out.pop();
                if quote < out.len() {
                    out.remove(quote);
                }
            }
        }
    }

    /// Appends the JSON literal to `out`.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Escaped(inside) => {
                out.push(b'"');
                out.extend_from_slice(inside.as_bytes());
                out.push(b'"');
            }
            Self::Plain(text) if plain_prefix(text.as_bytes()) == text.len() => {
                out.push(b'"');
                out.extend_from_slice(text.as_bytes());
                out.push(b'"');
            }
            Self::Plain(text) => {
                // Writing to a vector cannot fail.
                let _ = serde_json::to_writer(&mut *out, text);
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        let found = Unexpected::Other(crate::json::kind(raw));
        Text::of(raw).ok_or_else(|| D::Error::invalid_type(found, &"a string"))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Plain(text)
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self::Plain("")
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a == b,
            _ => self.decode() == other.decode(),
        }
    }
}

#[cfg(test)]
mod tests;
