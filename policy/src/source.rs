//! The text that findings are in, made ready to show many of them.

use std::cell::Cell;

/// A document, with the places of its lines. Findings that come in the order of their positions are found in one pass
/// over it, however many there are on one line: a minified document is a single line.
#[derive(Debug)]
pub struct Source<'a> {
    text: &'a str,
    /// Where each line begins, in bytes.
    starts: Vec<usize>,
    found_last: Cell<Place>,
}

/// A character: its line and column, counted from 0, and its byte within the line.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    line: usize,
    column: usize,
    byte: usize,
}

impl<'a> Source<'a> {
    /// Reads where the lines of `text` are.
    pub fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let breaks = text.match_indices('\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at.saturating_add(1)));
        Self {
            text,
            starts: starts.collect(),
            found_last: Cell::default(),
        }
    }

    /// Line `number`, counted from 1, without its end.
    pub(crate) fn line(&self, number: u32) -> Option<&'a str> {
        let index = (number as usize).checked_sub(1)?;
        let rest = self.text.get(*self.starts.get(index)?..)?;
        let next = self.starts.get(index.saturating_add(1));
        let line = match next {
            Some(next) => self
                .text
                .get(*self.starts.get(index)?..next.saturating_sub(1))?,
            // What stands behind the last line break is a line only if it is something.
            None if rest.is_empty() => return None,
            None => rest,
        };
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// Line `number`, counted from 1, from `column` on, counted from 0 in characters.
    pub(crate) fn line_from(&self, number: u32, column: usize) -> Option<&'a str> {
        let line = self.line(number)?;
        let index = (number as usize).checked_sub(1)?;
        let last = self.found_last.get();
        let known = if last.line == index && last.column <= column {
            last
        } else {
            Place {
                line: index,
                ..Place::default()
            }
        };
        let behind = line.get(known.byte..)?;
        let wanted = column.saturating_sub(known.column);
        let byte = behind
            .char_indices()
            .nth(wanted)
            .map_or(line.len(), |(at, _)| known.byte.saturating_add(at));
        // Behind the end of the line there is no character to go on from.
        if byte < line.len() {
            self.found_last.set(Place {
                line: index,
                column,
                byte,
            });
        }
        line.get(byte..)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn lines_are_those_of_the_standard_library() {
        for text in [
            "",
            "a",
            "a\n",
            "a\nb",
            "\n\nb\r\n",
            "\r\n",
            "\u{feff}a\nb",
            "é\n😀",
        ] {
            let source = Source::new(text);
            let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
            let lines: Vec<&str> = (1..).map_while(|line| source.line(line)).collect();
            assert_eq!(lines, plain.lines().collect::<Vec<_>>(), "{text:?}");
            assert_eq!(source.line(0), None);
        }
    }

    #[test]
    fn columns_are_characters_in_whatever_order_they_are_asked_for() {
        let source = Source::new("é😀a\nxyz");
        for (line, column, rest) in [
            (1, 0, Some("é😀a")),
            (1, 2, Some("a")),
            (1, 1, Some("😀a")),
            (1, 9, Some("")),
            (1, 2, Some("a")),
            (2, 1, Some("yz")),
            (1, 1, Some("😀a")),
            (3, 0, None),
        ] {
            assert_eq!(source.line_from(line, column), rest, "{line}:{column}");
        }
    }
}
