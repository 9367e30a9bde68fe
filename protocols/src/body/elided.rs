//! A body that is read while it comes, piece by piece, and kept without the middles of its long texts.
//!
//! Planning asks what a request says beside its texts, how long these are, and how they begin and end. A body of megabytes
//! consists of a few long texts, mostly: pictures and documents. So it need not be in memory as a whole, and its bytes are
//! looked at while they are in the processor's caches.

use super::{Body, Elision, Elisions};
use crate::scanner::{quoteless_prefix, string_prefix};

/// A body that is longer without the middles of its texts is better read whole, in memory that is allocated once.
const MAX_ELIDED_BYTES: usize = 1024 * 1024;

/// With as many bytes at each end, no string that loses something is taken for one of the names that are read.
const MIN_KEPT_BYTES: usize = 16;

/// Longest escape sequence, in bytes.
const MAX_ESCAPE_BYTES: usize = 6;

/// What was kept of the bytes taken so far. What is left out is checked as strictly as what is scanned later.
#[derive(Debug)]
pub struct ElidedBody {
    /// So many bytes at each end of a string are kept, or a few more.
    ends: usize,
    text: Vec<u8>,
    elisions: Vec<Elision>,
    taken: usize,
    /// The string in which the bytes taken so far end.
    open: Option<OpenString>,
}

#[derive(Debug, Clone, Copy)]
struct OpenString {
    /// Bytes that its beginning lacks.
    head_lacks: usize,
    /// Where what is kept behind its beginning stands in the text.
    tail_at: usize,
    /// Bytes behind its beginning, kept or not.
    bytes: usize,
    /// By how many bytes decoding shortens these.
    saved_by_decoding: usize,
}

impl ElidedBody {
    /// Nothing was taken. Of each string, the first and the last `ends` bytes will be kept, 16 at least.
    pub fn keeping(ends: usize) -> Self {
        Self {
            ends: ends.max(MIN_KEPT_BYTES),
            text: Vec::new(),
            elisions: Vec::new(),
            taken: 0,
            open: None,
        }
    }

    /// Bytes taken so far: what is to be given next begins there.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// What was kept. It stands for the whole body when all of it was taken.
    pub fn body(&self) -> Body<'_> {
        Body {
            text: &self.text,
            elisions: Elisions(&self.elisions),
        }
    }

    /// Takes the next bytes, all but a character or an escape sequence that breaks off at their end. `false` where the body
    /// has to be read whole: it is no JSON, or hardly becomes shorter.
    pub fn take(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        loop {
            let Some(string) = self.open.take() else {
                let (outside, behind) = split(rest, quoteless_prefix(rest));
                let (quote, inside) = split(behind, 1);
                if !outside.is_ascii() {
                    return false;
                }
                self.keep_outside(outside);
                self.keep_outside(quote);
                rest = inside;
                if quote.is_empty() {
                    break;
                }
                self.open = Some(OpenString {
                    head_lacks: self.ends,
                    tail_at: self.text.len(),
                    bytes: 0,
                    saved_by_decoding: 0,
                });
                continue;
            };
            let Some((length, saved)) = string_prefix(rest) else {
                return false;
            };
            let (inside, behind) = split(rest, length);
            let string = self.keep_inside(string, inside, saved);
            rest = behind;
            if !rest.starts_with(b"\"") {
                // It ends here, or with something that breaks off.
                self.open = Some(string);
                break;
            }
            self.close(string);
            let (quote, behind) = split(rest, 1);
            self.keep_outside(quote);
            rest = behind;
        }
        self.text.len() <= MAX_ELIDED_BYTES
    }

    fn keep_outside(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
        self.taken = self.taken.saturating_add(bytes.len());
    }

    /// Keeps the ends of what follows in a string. Decoding makes it `saved` bytes shorter.
    fn keep_inside(&mut self, mut string: OpenString, inside: &[u8], saved: usize) -> OpenString {
        self.taken = self.taken.saturating_add(inside.len());
        let (head, rest) = if string.head_lacks == 0 {
            (&[][..], inside)
        } else {
            split(inside, end_of_head(inside, string.head_lacks))
        };
        if !head.is_empty() {
            self.text.extend_from_slice(head);
            string.head_lacks = string.head_lacks.saturating_sub(head.len());
            string.tail_at = self.text.len();
        }
        if rest.is_empty() {
            return string;
        }
        let saved_by_head = if saved == 0 {
            0
        } else {
            saved_by_decoding(head)
        };
        string.bytes = string.bytes.saturating_add(rest.len());
        string.saved_by_decoding =
            (string.saved_by_decoding).saturating_add(saved.saturating_sub(saved_by_head));
        let (_, tail) = split(rest, start_of_tail(rest, self.ends));
        if tail.len() >= self.ends {
            self.text.truncate(string.tail_at);
        }
        self.text.extend_from_slice(tail);
        string
    }

    /// The string is complete.
    fn close(&mut self, string: OpenString) {
        let tail = self.text.get(string.tail_at..).unwrap_or_default();
        let bytes = string.bytes.saturating_sub(tail.len());
        if bytes > 0 {
            let saved_by_tail = saved_by_decoding(tail);
            self.elisions.push(Elision {
                at: string.tail_at,
                bytes,
                saved_by_decoding: string.saved_by_decoding.saturating_sub(saved_by_tail),
            });
        }
    }
}

/// Where the first `lacking` bytes of a string's inside end, or a few more, so that no escape sequence and no character is cut.
fn end_of_head(inside: &[u8], lacking: usize) -> usize {
    // Room to go back over a sequence and a character.
    let end = cut(inside, lacking.saturating_add(2 * MAX_ESCAPE_BYTES));
    if end < lacking { inside.len() } else { end }
}

/// Where the last `kept` bytes of a string's inside begin, or a few more.
fn start_of_tail(inside: &[u8], kept: usize) -> usize {
    cut(inside, inside.len().saturating_sub(kept))
}

/// The last place at `at` or before where neither an escape sequence nor a character is cut, as far as that can be told from
/// the bytes before it.
fn cut(inside: &[u8], mut at: usize) -> usize {
    if at >= inside.len() {
        return inside.len();
    }
    loop {
        while (inside.get(at)).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
            at = at.saturating_sub(1);
        }
        let before = at.saturating_sub(MAX_ESCAPE_BYTES)..at;
        let bytes = inside.get(before.clone()).unwrap_or_default();
        match bytes.iter().position(|byte| *byte == b'\\') {
            // What begins so far back may have ended since; whether it has depends on what comes before it.
            Some(backslash) => at = before.start.saturating_add(backslash),
            None => return at,
        }
    }
}

/// By how many bytes decoding shortens what stands in a string.
fn saved_by_decoding(inside: &[u8]) -> usize {
    string_prefix(inside).map_or(0, |(_, saved)| saved)
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}
