//! Tracks a tool's arguments across fragments, to detect when the object is complete.

use crate::json::Text;

/// The state of one tool's arguments.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    state: State,
    /// Number of open objects and arrays.
    depth: u32,
    in_string: bool,
    /// The last character was a backslash inside a string.
    escaped: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Only white space so far.
    #[default]
    Blank,
    /// Inside the object.
    Open,
    /// After its closing brace.
    Complete,
    /// Not an object, for example `null`.
    NoObject,
}

impl Arguments {
    /// The object is complete, or the input can never become one.
    pub(super) fn is_complete(&self) -> bool {
        match self.state {
            State::Complete | State::NoObject => true,
            State::Blank | State::Open => false,
        }
    }

    /// The part of `fragment` that belongs to the object.
    pub(super) fn accept<'a>(&mut self, fragment: Text<'a>) -> Text<'a> {
        match fragment {
            Text::Plain(text) => Text::Plain(self.part(text, plain)),
            Text::Escaped(text) => Text::Escaped(self.part(text, unescaped)),
        }
    }

    /// `character` reads the first character of a text and the number of bytes that encode it.
    fn part<'a>(&mut self, text: &'a str, character: fn(&[u8]) -> Option<(u8, usize)>) -> &'a str {
        let mut begin = (self.state == State::Open).then_some(0);
        let mut rest = text.as_bytes();
        while let (false, Some((character, length))) = (self.is_complete(), character(rest)) {
            self.step(character);
            if begin.is_none() && self.state == State::Open {
                begin = Some(text.len().saturating_sub(rest.len()));
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        let end = text.len().saturating_sub(rest.len());
        begin
            .and_then(|begin| text.get(begin..end))
            .unwrap_or_default()
    }

    fn step(&mut self, character: u8) {
        match self.state {
            State::Blank => match character {
                b' ' | b'\t' | b'\n' | b'\r' => {}
                b'{' => {
                    self.state = State::Open;
                    self.depth = 1;
                }
                _ => self.state = State::NoObject,
            },
            State::Open if self.in_string => {
                if self.escaped {
                    self.escaped = false;
                } else {
                    match character {
                        b'\\' => self.escaped = true,
                        b'"' => self.in_string = false,
                        _ => {}
                    }
                }
            }
            State::Open => match character {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.state = State::Complete;
                    }
                }
                _ => {}
            },
            State::Complete | State::NoObject => {}
        }
    }
}

fn plain(rest: &[u8]) -> Option<(u8, usize)> {
    rest.first().map(|byte| (*byte, 1))
}

/// Reads the inside of a JSON literal. Characters beyond ASCII have no meaning here and are returned as a control byte.
fn unescaped(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'\\', b'u', hex @ ..] => {
            let code = hex
                .get(..4)
                .and_then(|hex| std::str::from_utf8(hex).ok())
                .and_then(|hex| u16::from_str_radix(hex, 16).ok())
                .and_then(|code| u8::try_from(code).ok())
                .filter(u8::is_ascii);
            Some((code.unwrap_or(0), 6))
        }
        [b'\\', b'n' | b'r' | b't', ..] => Some((b' ', 2)),
        [b'\\', escaped, ..] => Some((*escaped, 2)),
        _ => plain(rest),
    }
}

#[cfg(test)]
mod tests;
