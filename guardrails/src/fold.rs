//! Text as it is compared: unescaped, in lower case, with the disguises taken off that keep words readable.
//!
//! White space of any kind and length is one space, invisible characters are gone, full-width and mathematical letters,
//! curly quotes and dashes are their plain selves. Every place can be led back to the bytes that the client sent.

use std::ops::Range;

use protocols::json::first_char;

/// One text, folded. Reused from text to text, so that it allocates once.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    text: String,
    /// In ascending order. Between two marks both sides advance byte by byte.
    marks: Vec<Mark>,
    /// The text is JSON: nothing but its own quotes and backslashes may look like them.
    is_json: bool,
}

/// The byte at `folded` came from the byte at `source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    folded: usize,
    source: usize,
}

impl Folded {
    /// Takes the inside of a JSON string literal, whose first byte is at `source` in the body. `is_json` where the text
    /// in it is JSON again.
    pub(crate) fn fold(&mut self, inside: &str, source: usize, is_json: bool) {
        self.is_json = is_json;
        self.text.clear();
        self.marks.clear();
        self.marks.push(Mark { folded: 0, source });
        let mut rest = inside;
        let mut at = source;
        loop {
            let plain = plain_prefix(rest.as_bytes(), self.text.ends_with(' '));
            let (run, tail) = rest.split_at_checked(plain).unwrap_or((rest, ""));
            self.text.push_str(run);
            at = at.saturating_add(run.len());
            let Some((char, after)) = first_char(tail) else {
                break;
            };
            self.mark(at);
            self.push(char);
            at = at.saturating_add(tail.len().saturating_sub(after.len()));
            self.mark(at);
            rest = after;
        }
        self.text.make_ascii_lowercase();
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the body that became `span`, which begins and ends between characters and is not empty. Characters
    /// that were dropped at its borders are not part of it.
    pub(crate) fn source(&self, span: &Range<usize>) -> Range<usize> {
        let before_start = self.marks.partition_point(|mark| mark.folded <= span.start);
        let start = self.since_mark(before_start, span.start);
        let before_end = self.marks.partition_point(|mark| mark.folded < span.end);
        let end = match self.marks.get(before_end) {
            Some(mark) if mark.folded == span.end => mark.source,
            _ => self.since_mark(before_end, span.end),
        };
        start..end
    }

    /// Where `folded` came from, seen from the mark before index `after`.
    fn since_mark(&self, after: usize, folded: usize) -> usize {
        let mark = self.marks.get(after.saturating_sub(1));
        mark.map_or(0, |mark| {
            mark.source
                .saturating_add(folded.saturating_sub(mark.folded))
        })
    }

    fn mark(&mut self, source: usize) {
        let mark = Mark {
            folded: self.text.len(),
            source,
        };
        if self.marks.last() != Some(&mark) {
            self.marks.push(mark);
        }
    }

    fn push(&mut self, char: char) {
        if char.is_whitespace() {
            if !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        } else if !is_invisible(char) {
            let folded = folded(char);
            let is_syntax = self.is_json && matches!(folded, '"' | '\\');
            self.text.push(if is_syntax { char } else { folded });
        }
    }
}

/// How many bytes from the front are as they are compared, but for their case: ASCII, no backslash, no second space in a
/// row.
///
/// Looks at eight bytes at a time. A false alarm among them costs a closer look, nothing else.
fn plain_prefix(bytes: &[u8], after_space: bool) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;
    const BACKSLASHES: u64 = 0x5C5C_5C5C_5C5C_5C5C;
    const SPACES: u64 = 0x2020_2020_2020_2020;
    let zeros = |word: u64| word.wrapping_sub(EACH) & !word & HIGHEST_BITS;
    let mut after_space = after_space;
    let mut passed = 0_usize;
    let (words, tail) = bytes.as_chunks::<8>();
    let closely = |bytes: &[u8], after_space: &mut bool| {
        bytes
            .iter()
            .position(|byte| {
                let stop = *byte >= 0x80 || *byte == b'\\' || (*byte == b' ' && *after_space);
                *after_space = *byte == b' ';
                stop
            })
            .unwrap_or(bytes.len())
    };
    for chunk in words {
        let word = u64::from_le_bytes(*chunk);
        let spaces = zeros(word ^ SPACES);
        let doubled = spaces & (spaces << 8 | u64::from(after_space) << 7);
        if (word & HIGHEST_BITS) | zeros(word ^ BACKSLASHES) | doubled != 0 {
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

/// Controls, and characters without width that can hide between the letters of a word.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The character that is compared instead of `char`.
fn folded(char: char) -> char {
    let code = u32::from(char);
    match char {
        '\0'..='\u{7f}' => char,
        '‘' | '’' | '‛' | 'ʼ' | '´' => '\'',
        '“' | '”' | '„' | '‟' => '"',
        '‐'..='―' | '−' | '﹣' => '-',
        // Full-width forms stand in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => ascii(code.wrapping_sub(0xff00).wrapping_add(0x20)),
        // Bold, italic, script, … letters: thirteen alphabets of capitals and small letters.
        '\u{1d400}'..='\u{1d6a3}' => {
            let letter = code.wrapping_sub(0x1_d400).wrapping_rem(26);
            ascii(letter.wrapping_add(u32::from(b'a')))
        }
        '\u{1d7ce}'..='\u{1d7ff}' => {
            let digit = code.wrapping_sub(0x1_d7ce).wrapping_rem(10);
            ascii(digit.wrapping_add(u32::from(b'0')))
        }
        _ => {
            let mut lower = char.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(lower), None) => lower,
                _ => char,
            }
        }
    }
}

fn ascii(code: u32) -> char {
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use proptest::prelude::*;

    use super::*;

    fn fold(inside: &str) -> Folded {
        let mut folded = Folded::default();
        folded.fold(inside, 0, false);
        folded
    }

    #[test]
    fn disguises_are_taken_off() {
        for (inside, expected) in [
            ("Plain TEXT", "plain text"),
            (r"a\n\t  b\u00a0c", "a b c"),
            ("a    b  c       d", "a b c d"),
            (r"\u0041\u00c9\ud83d\ude00", "aé😀"),
            (r#"a\"b\\c\/d"#, r#"a"b\c/d"#),
            ("k\u{200b}i\u{ad}l\u{feff}l", "kill"),
            ("ＫＩＬＬ＠", "kill@"),
            ("𝐤𝑖𝓵𝕝 𝟜𝟚", "kill 42"),
            ("don’t — “so”", "don't - \"so\""),
            (r"x\u0000y", "xy"),
            ("ÄÖÜ ẞ ПРИВЕТ", "äöü ß привет"),
            ("İ", "İ"),
        ] {
            assert_eq!(fold(inside).text(), expected, "{inside}");
        }
    }

    #[test]
    fn places_lead_back_to_what_was_sent() {
        for (inside, part, expected) in [
            ("a Kill b", "kill", "Kill"),
            (r"\nK\u0049ll\n", "kill", r"K\u0049ll"),
            ("k\u{200b}ill\u{200b}", "kill", "k\u{200b}ill"),
            ("\u{200b}kill", "kill", "kill"),
            (r"one\n \t two", "one two", r"one\n \t two"),
            (r"x\n \t two", "two", "two"),
            ("ｋｉｌｌ!", "kill", "ｋｉｌｌ"),
            (r"\ud83d\ude00", "😀", r"\ud83d\ude00"),
        ] {
            let folded = fold(inside);
            let start = folded.text().find(part).unwrap();
            let source = folded.source(&(start..start + part.len()));
            assert_eq!(&inside[source], expected, "{inside}");
        }
    }

    proptest! {
        /// Eight bytes at a time find what one at a time find.
        #[test]
        fn the_fast_way_is_right(text in "[a-c \\\\é]{0,40}", after_space: bool) {
            let mut previous = if after_space { ' ' } else { 'x' };
            let mut expected = text.len();
            for (at, char) in text.char_indices() {
                if char == '\\' || char == 'é' || (char == ' ' && previous == ' ') {
                    expected = at;
                    break;
                }
                previous = char;
            }
            prop_assert_eq!(plain_prefix(text.as_bytes(), after_space), expected);
        }

        /// Any part of the folded text comes from a part of the source that folds to it again.
        #[test]
        fn sources_fold_to_what_was_found(
            text in "([A-Za-z0-9 \\n\"\\\\ÄÉé\u{200b}ｋ😀]|  ){1,30}", from in 0_usize..30, to in 1_usize..30,
        ) {
            let literal = serde_json::to_string(&text).unwrap();
            let inside = &literal[1..literal.len() - 1];
            let whole = fold(inside);
            let borders: Vec<usize> = whole.text().char_indices().map(|(at, _)| at)
                .chain([whole.text().len()]).collect();
            let (Some(start), Some(end)) = (borders.get(from), borders.get(to)) else { return Ok(()) };
            prop_assume!(start < end);
            let source = whole.source(&(*start..*end));
            let again = fold(&inside[source]);
            prop_assert_eq!(again.text(), &whole.text()[*start..*end]);
        }
    }
}
