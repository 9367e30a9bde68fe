//! A body that is scanned chunk by chunk and kept without the middles of its long strings.
//!
//! Planning needs the structure of a request, the length of its texts, and how they begin and end. A body of megabytes
//! mostly consists of a few long strings: images and documents. Eliding their middles keeps such a body out of memory,
//! and scans each byte while it is in the CPU cache.

use super::{Body, Elision, Elisions};
use crate::scanner::{quoteless_prefix, string_prefix};

/// If a body is still longer than this after eliding, the caller reads it whole, into memory allocated once.
const MAX_ELIDED_BYTES: usize = 1024 * 1024;

/// Keeping at least this many bytes at each end guarantees that no elided string equals a member name that is read.
const MIN_KEPT_BYTES: usize = 16;

/// Longest escape sequence, in bytes.
const MAX_ESCAPE_BYTES: usize = 6;

/// The kept part of the bytes taken so far. Elided bytes are validated as strictly as those scanned later.
#[derive(Debug)]
pub struct ElidedBody {
    /// Bytes kept at each end of a string, at least.
    ends: usize,
    text: Vec<u8>,
    elisions: Vec<Elision>,
    taken: usize,
    /// The string that is open at the end of the bytes taken so far.
    open: Option<OpenString>,
}

#[derive(Debug, Clone, Copy)]
struct OpenString {
    /// Bytes still missing from the head.
    head_lacks: usize,
    /// Position in `text` where the tail begins.
    tail_at: usize,
    /// Bytes after the head, kept or elided.
    bytes: usize,
    /// Bytes that decoding would save in these.
    saved_by_decoding: usize,
}

impl ElidedBody {
    /// An empty body that will keep the first and last `ends` bytes of each string, at least 16.
    pub fn keeping(ends: usize) -> Self {
        Self {
            ends: ends.max(MIN_KEPT_BYTES),
            text: Vec::new(),
            elisions: Vec::new(),
            taken: 0,
            open: None,
        }
    }

    /// Bytes taken so far: the offset of the next chunk.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// The kept part. It represents the whole body once all of it was taken.
    pub fn body(&self) -> Body<'_> {
        Body {
            text: &self.text,
            elisions: Elisions(&self.elisions),
        }
    }

    /// Takes the next bytes, except for a character or escape sequence that is incomplete at their end. Returns `false`
    /// if the body must be read whole: it is not JSON, or eliding saves too little.
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
                // The chunk ends here, or with an incomplete character or escape sequence.
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

    /// Keeps the ends of the next bytes of a string. Decoding saves `saved` bytes in them.
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

    /// Records the elision of a completed string.
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

/// End of the first `lacking` bytes inside a string, or a little later, so that no escape sequence or character is
/// split.
fn end_of_head(inside: &[u8], lacking: usize) -> usize {
    // Leaves room to step back over one sequence and one character.
    let end = cut(inside, lacking.saturating_add(2 * MAX_ESCAPE_BYTES));
    if end < lacking { inside.len() } else { end }
}

/// Start of the last `kept` bytes inside a string, or a little earlier.
fn start_of_tail(inside: &[u8], kept: usize) -> usize {
    cut(inside, inside.len().saturating_sub(kept))
}

/// The last position up to `at` that splits neither an escape sequence nor a character, judged by the bytes before it.
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
            // Whether a backslash this far back starts a sequence depends on the bytes before it, so cut there.
            Some(backslash) => at = before.start.saturating_add(backslash),
            None => return at,
        }
    }
}

/// Bytes that decoding saves inside a string.
fn saved_by_decoding(inside: &[u8]) -> usize {
    string_prefix(inside).map_or(0, |(_, saved)| saved)
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}
