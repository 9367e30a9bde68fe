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

    /// Length of the decoded characters in bytes; `None` if there is a lone surrogate.
    pub fn decoded_length(self) -> Option<usize> {
        match self {
            Self::Plain(text) => Some(text.len()),
            Self::Escaped(inside) => {
                let mut rest = inside;
                let mut length: usize = 0;
                while let Some((bytes, behind)) = next_escaped(rest)? {
                    length = length.saturating_add(bytes);
                    rest = behind;
                }
                Some(length)
            }
        }
    }

    /// The text up to that many bytes of its decoded characters, and the rest. `None` if it is shorter, or a character
    /// would be cut.
    pub fn split_at_decoded(self, length: usize) -> Option<(Self, Self)> {
        match self {
            Self::Plain(text) => {
                let (before, behind) = text.split_at_checked(length)?;
                Some((Self::Plain(before), Self::Plain(behind)))
            }
            Self::Escaped(inside) => {
                let mut rest = inside;
                let mut left = length;
                while left > 0 {
                    let (bytes, behind) = next_escaped(rest)??;
                    left = left.checked_sub(bytes)?;
                    rest = behind;
                }
                let at = inside.len().saturating_sub(rest.len());
                let (before, behind) = inside.split_at_checked(at)?;
                Some((Self::Escaped(before), Self::Escaped(behind)))
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

/// The length in bytes of the first character of a literal's inside, plain or escaped, and what follows. `Some(None)` at the end, `None` for a lone surrogate.
#[expect(clippy::option_option, reason = "an end is not a failure")]
fn next_escaped(inside: &str) -> Option<Option<(usize, &str)>> {
    let Some(first) = inside.chars().next() else {
        return Some(None);
    };
    let Some(escape) = inside.strip_prefix('\\') else {
        let length = first.len_utf8();
        return Some(inside.get(length..).map(|rest| (length, rest)));
    };
    let Some(hex) = escape.strip_prefix('u') else {
        return Some(escape.get(1..).map(|rest| (1, rest)));
    };
    let unit = |hex: &str| u16::from_str_radix(hex.get(..4)?, 16).ok();
    let one = unit(hex)?;
    let mut rest = hex.get(4..)?;
    let mut units = vec![one];
    if (0xd800..0xdc00).contains(&one) {
        let low = rest.strip_prefix("\\u")?;
        units.push(unit(low)?);
        rest = low.get(4..)?;
    }
    let character = char::decode_utf16(units).next()?.ok()?;
    Some(Some((character.len_utf8(), rest)))
}

#[cfg(test)]
mod tests;
