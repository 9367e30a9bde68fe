//! Text as it is compared: escape sequences read, in lower case, with the disguises taken off that keep words readable.
//!
//! White space of any kind and length is one space; curly quotes and dashes are plain ones. How characters without width and
//! letters in other styles are read is a question of [`Reading`]. Every place can be led back to what was read.

use std::ops::Range;

use crate::escapes;
use crate::lookalikes::{self, Lookalike};
use crate::source_map::SourceMap;

/// How to read what people may use as a disguise, or not. Each reading finds what the other one hides: `k<ZWSP>ill`,
/// and `kill him¹`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// What has no width is not there, nor are control sequences of terminals, and letters and digits in other styles are
    /// plain ones.
    Undisguised,
    /// What has no width separates like white space, and letters and digits in other styles are themselves.
    Literal,
}

/// One text, normalized. Reused from text to text, so that it allocates once.
#[derive(Debug, Default)]
pub(crate) struct NormalizedText {
    text: String,
    map: SourceMap,
    is_disguised: bool,
    has_backslash: bool,
}

impl NormalizedText {
    /// Reads `text`, in which escape sequences of JSON count.
    pub(crate) fn read(&mut self, text: &str, reading: Reading) {
        self.text.clear();
        self.map.restart();
        self.is_disguised = false;
        self.has_backslash = false;
        let mut rest = text;
        let mut at = 0_usize;
        loop {
            let plain = plain_prefix(rest.as_bytes(), self.text.ends_with(' '));
            let (run, tail) = rest.split_at_checked(plain).unwrap_or((rest, ""));
            self.text.push_str(run);
            at = at.saturating_add(run.len());
            let Some((char, after)) = escapes::first_char(tail) else {
                break;
            };
            let after = match char {
                '\u{1b}' if reading == Reading::Undisguised => behind_control_sequence(after),
                _ => after,
            };
            let length = tail.len().saturating_sub(after.len());
            self.has_backslash |= char == '\\' && length > 1;
            let made = self.text.len();
            self.push(char, reading);
            // What stays as it is needs no mark.
            if self.text.get(made..) != tail.get(..length) {
                self.map.mark(made, at, false);
                self.map
                    .mark(self.text.len(), at.saturating_add(length), true);
            }
            at = at.saturating_add(length);
            rest = after;
        }
        self.text.make_ascii_lowercase();
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The other reading would read something else.
    pub(crate) fn is_disguised(&self) -> bool {
        self.is_disguised
    }

    /// There is a backslash that an escape sequence stood for: it may begin another one.
    pub(crate) fn has_backslash(&self) -> bool {
        self.has_backslash
    }

    /// The bytes of what was read that became `span`, which begins and ends between characters and is not empty.
    pub(crate) fn source(&self, span: &Range<usize>) -> Range<usize> {
        self.map.source(span)
    }

    fn push(&mut self, char: char, reading: Reading) {
        match Class::of(char) {
            Class::Space => self.push_space(),
            Class::Plain(char) => self.text.push(char),
            Class::Invisible => {
                self.is_disguised = true;
                match reading {
                    Reading::Undisguised => {}
                    Reading::Literal => self.push_space(),
                }
            }
            Class::Mark => {
                self.is_disguised = true;
                match reading {
                    Reading::Undisguised => {}
                    Reading::Literal => self.text.push(char),
                }
            }
            Class::Styled(plain) => {
                self.is_disguised = true;
                match (reading, plain) {
                    (Reading::Undisguised, Lookalike::One(plain)) => self.text.push(plain),
                    (Reading::Undisguised, Lookalike::Several(plain)) => self.text.push_str(plain),
                    (Reading::Literal, _) => self.text.push(char),
                }
            }
        }
    }

    fn push_space(&mut self) {
        if !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }
}

/// What a character is to a reader.
enum Class {
    Space,
    /// This one is compared instead.
    Plain(char),
    /// It has no width, and can hide between the letters of a word.
    Invisible,
    /// It is drawn over the character before it.
    Mark,
    /// A letter or digit in another style.
    Styled(Lookalike),
}

impl Class {
    fn of(char: char) -> Self {
        match char {
            '\u{21}'..='\u{7e}' => Self::Plain(char),
            '\u{2800}' => Self::Space,
            _ if char.is_whitespace() => Self::Space,
            '‘' | '’' | '‛' | 'ʼ' | '´' => Self::Plain('\''),
            '“' | '”' | '„' | '‟' => Self::Plain('"'),
            '‐'..='―' | '−' | '⁃' | '﹘' | '﹣' => Self::Plain('-'),
            _ if is_invisible(char) => Self::Invisible,
            _ if is_mark(char) => Self::Mark,
            _ => match lookalikes::ascii(char) {
                // Full-width signs are signs in every reading.
                Some(Lookalike::One(plain)) if plain.is_ascii_punctuation() => Self::Plain(plain),
                Some(plain) => Self::Styled(plain),
                None => Self::Plain(lower(char)),
            },
        }
    }
}

/// Controls, and what Unicode wants nothing to be drawn for: `Default_Ignorable_Code_Point`, and format characters (`Cf`).
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}'
            | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Accents, strokes and frames that are characters of their own.
fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

fn lower(char: char) -> char {
    let mut lower = char.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => char,
    }
}

/// Longest parameters of a control sequence.
const MAX_PARAMETERS: usize = 32;

/// What follows on a control sequence of a terminal (ECMA-48: `ESC [`, parameters, a letter), whose `ESC` stands before
/// `text`. Its letter would be taken for the first one of the word behind it.
fn behind_control_sequence(text: &str) -> &str {
    let Some(('[', mut rest)) = escapes::first_char(text) else {
        return text;
    };
    for _ in 0..MAX_PARAMETERS {
        match escapes::first_char(rest) {
            Some((' '..='?', behind)) => rest = behind,
            Some(('@'..='~', behind)) => return behind,
            _ => break,
        }
    }
    text
}

/// How many bytes from the front are as they are compared, but for their case: ASCII, no backslash, no control character, no
/// second space in a row.
///
/// Looks at eight bytes at a time. A false alarm among them costs a closer look, nothing else.
fn plain_prefix(bytes: &[u8], after_space: bool) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST_BITS: u64 = EACH << 7;
    const BACKSLASHES: u64 = EACH.wrapping_mul(b'\\' as u64);
    const SPACES: u64 = EACH.wrapping_mul(b' ' as u64);
    const DELETES: u64 = EACH.wrapping_mul(0x7f);
    let below = |word: u64, limits: u64| word.wrapping_sub(limits) & !word & HIGHEST_BITS;
    let zeros = |word: u64| below(word, EACH);
    let mut after_space = after_space;
    let mut passed = 0_usize;
    let (words, tail) = bytes.as_chunks::<8>();
    let closely = |bytes: &[u8], after_space: &mut bool| {
        bytes
            .iter()
            .position(|byte| {
                let is_plain = matches!(byte, b' '..=b'~') && *byte != b'\\';
                let stop = !is_plain || (*byte == b' ' && *after_space);
                *after_space = *byte == b' ';
                stop
            })
            .unwrap_or(bytes.len())
    };
    for chunk in words {
        let word = u64::from_le_bytes(*chunk);
        let spaces = zeros(word ^ SPACES);
        let doubled = spaces & (spaces << 8 | u64::from(after_space) << 7);
        let special = (word & HIGHEST_BITS)
            | below(word, SPACES)
            | zeros(word ^ DELETES)
            | zeros(word ^ BACKSLASHES);
        if special | doubled != 0 {
            let here = closely(chunk, &mut after_space);
            passed = passed.saturating_add(here);
            if here < chunk.len() {
                return passed;
            }
        } else {
            after_space = chunk.last() == Some(&b' ');
            passed = passed.saturating_add(chunk.len());
        }
    }
    passed.saturating_add(closely(tail, &mut after_space))
}

#[cfg(test)]
mod tests;
