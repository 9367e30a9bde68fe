//! Server-sent events: an incremental parser and a writer.
//!
//! The parser follows the WHATWG event-stream format: lines end with LF, CRLF or CR (never with U+2028), a byte order
//! mark is skipped, one space after the colon is optional, several `data` lines are joined by LF, and comments, `id`
//! and `retry` are skipped. One difference: an event without its blank line at the end of the stream is not lost but
//! returned by [`SseParser::finish`], because providers end streams that way.

mod writer;

pub use writer::{DONE, write_data, write_event, write_json};

use memchr::{memchr, memchr2};

/// Largest event that the parser accepts, in received bytes.
pub const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// An event did not end within [`MAX_EVENT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the end of a server-sent event within {limit} bytes, found none")]
pub struct EventTooLong {
    /// The limit in bytes.
    pub limit: usize,
}

/// One event, valid until the next one is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event` field; empty if absent or not UTF-8.
    pub name: &'a str,
    /// The `data` lines joined by LF. Empty only in blocks, see [`SseParser::next_block`].
    pub data: &'a [u8],
    /// All bytes of the event as received, including its blank line.
    pub raw: &'a [u8],
}

/// Incremental parser of one stream. The output does not depend on how the input was split.
///
/// ```
/// let mut parser = protocols::sse::SseParser::new();
/// let mut rest: &[u8] = b"event: ping\ndata: {}\n\n";
/// while let Some(event) = parser.next(&mut rest)? {
///     assert_eq!((event.name, event.data), ("ping", &b"{}"[..]));
/// }
/// assert!(parser.finish()?.is_none());
/// # Ok::<(), protocols::sse::EventTooLong>(())
/// ```
///
/// A translator that keeps the parser in a field takes it out during the loop (`std::mem::take`) and puts it back.
#[derive(Debug, Clone)]
pub struct SseParser {
    limit: usize,
    /// Bytes of the current block; at most `limit`.
    raw: Vec<u8>,
    /// Offset of the current line in `raw`.
    line_start: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    /// The current block has a field or the start of one.
    has_field: bool,
    has_data: bool,
    /// The block in `raw`, `name` and `data` has been returned.
    handed_out: bool,
    at_stream_start: bool,
    line: Line,
    /// How the last line ended: a blank line's CR waits for its LF only in streams that use CRLF.
    crlf: bool,
    too_long: bool,
}

/// Position of the parser in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Inside, or before its first byte.
    Open,
    /// After a CR; a following LF belongs to it.
    AfterCr,
    /// After a CR that already ended the line; a following LF belongs to the same line end.
    EndedByCr,
}

impl Default for SseParser {
    fn default() -> Self {
        Self::new()
    }
}

impl SseParser {
    /// A parser with [`MAX_EVENT_BYTES`].
    pub fn new() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }

    /// A parser that refuses events longer than `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            raw: Vec::new(),
            line_start: 0,
            name: Vec::new(),
            data: Vec::new(),
            has_field: false,
            has_data: false,
            handed_out: false,
            at_stream_start: true,
            line: Line::Open,
            crlf: false,
            too_long: false,
        }
    }

    /// The next event that has data. Consumes what it needs from the front of `input`; `None` means that `input` is
    /// consumed and more is needed.
    ///
    /// # Errors
    /// An event exceeds the limit. The parser then returns the same error on every call.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<SseEvent<'_>>, EventTooLong> {
        while self.advance(input)? {
            if self.has_data {
                return Ok(Some(self.event()));
            }
        }
        Ok(None)
    }

    /// Like [`SseParser::next`], but also returns comments and blocks without data. The `raw` of all blocks, including
    /// [`SseParser::finish_block`], concatenates to the stream.
    ///
    /// # Errors
    /// As [`SseParser::next`].
    pub fn next_block(&mut self, input: &mut &[u8]) -> Result<Option<SseEvent<'_>>, EventTooLong> {
        if self.advance(input)? {
            Ok(Some(self.event()))
        } else {
            Ok(None)
        }
    }

    /// Ends the stream: returns a final event without its blank line, if there is one. Its data may be truncated.
    ///
    /// # Errors
    /// The parser had failed before.
    pub fn finish(&mut self) -> Result<Option<SseEvent<'_>>, EventTooLong> {
        self.close()?;
        if self.has_data {
            Ok(Some(self.event()))
        } else {
            Ok(None)
        }
    }

    /// Like [`SseParser::finish`], for callers of [`SseParser::next_block`].
    ///
    /// # Errors
    /// The parser had failed before.
    pub fn finish_block(&mut self) -> Result<Option<SseEvent<'_>>, EventTooLong> {
        self.close()?;
        if self.raw.is_empty() {
            Ok(None)
        } else {
            Ok(Some(self.event()))
        }
    }

    /// All bytes so far belong to blocks that were returned.
    pub fn is_between_blocks(&self) -> bool {
        self.handed_out || self.raw.is_empty()
    }

    /// If `chunk` starts at an event boundary, `tell` may consume events from its front by other means: it returns the
    /// bytes after the last event it consumed. Returns what was consumed.
    #[inline]
    pub(crate) fn pass_over<'c>(
        &mut self,
        chunk: &mut &'c [u8],
        tell: impl FnOnce(&'c [u8]) -> &'c [u8],
    ) -> &'c [u8] {
        if !self.is_between_blocks() || self.line != Line::Open || self.too_long {
            return &[];
        }
        let behind = tell(chunk);
        let length = chunk.len().saturating_sub(behind.len());
        let taken = chunk.get(..length).unwrap_or_default();
        if !taken.is_empty() {
            self.crlf = taken.ends_with(b"\r\n");
        }
        *chunk = behind;
        taken
    }

    fn event(&self) -> SseEvent<'_> {
        SseEvent {
            name: std::str::from_utf8(&self.name).unwrap_or_default(),
            data: &self.data,
            raw: &self.raw,
        }
    }

    #[inline]
    fn forget_handed_out(&mut self) {
        if self.handed_out {
            self.raw.clear();
            self.name.clear();
            self.data.clear();
            self.line_start = 0;
            self.has_field = false;
            self.has_data = false;
            self.handed_out = false;
        }
    }

    /// Reads until a block is complete (`true`) or `input` is consumed.
    fn advance(&mut self, input: &mut &[u8]) -> Result<bool, EventTooLong> {
        self.forget_handed_out();
        loop {
            if self.too_long {
                return Err(EventTooLong { limit: self.limit });
            }
            let Some(&first) = input.first() else {
                return Ok(false);
            };
            match self.line {
                Line::Open => {
                    let end = memchr2(b'\n', b'\r', input);
                    self.take(input, end.map_or(input.len(), |end| end.saturating_add(1)))?;
                    match (end, self.raw.last()) {
                        (None, _) => return Ok(false),
                        (Some(_), Some(b'\r')) => {
                            let blank = self.raw.len().saturating_sub(self.line_start) == 1;
                            if blank && !self.crlf {
                                self.line = Line::EndedByCr;
                                if self.end_line(1) {
                                    return Ok(true);
                                }
                            } else {
                                self.line = Line::AfterCr;
                            }
                        }
                        (Some(_), _) => {
                            self.crlf = false;
                            if self.end_line(1) {
                                return Ok(true);
                            }
                        }
                    }
                }
                Line::AfterCr => {
                    self.line = Line::Open;
                    self.crlf = first == b'\n';
                    if self.crlf {
                        self.take(input, 1)?;
                    }
                    if self.end_line(if self.crlf { 2 } else { 1 }) {
                        return Ok(true);
                    }
                }
                Line::EndedByCr => {
                    self.line = Line::Open;
                    if first == b'\n' {
                        self.take(input, 1)?;
                        self.line_start = self.raw.len();
                    }
                }
            }
        }
    }

    /// Moves `count` bytes from `input` to `raw`.
    #[inline]
    fn take(&mut self, input: &mut &[u8], count: usize) -> Result<(), EventTooLong> {
        let (taken, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
        if self.raw.len().saturating_add(taken.len()) > self.limit {
            self.too_long = true;
            self.raw = Vec::new();
            self.data = Vec::new();
            return Err(EventTooLong { limit: self.limit });
        }
        self.raw.extend_from_slice(taken);
        *input = rest;
        Ok(())
    }

    /// Processes the line at the end of `raw`, whose line end has `terminator` bytes. Returns `true` if it completes a
    /// block.
    #[inline]
    fn end_line(&mut self, terminator: usize) -> bool {
        let end = self.raw.len().saturating_sub(terminator);
        let mut line = self.raw.get(self.line_start..end).unwrap_or_default();
        self.line_start = self.raw.len();
        if std::mem::take(&mut self.at_stream_start) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        let (field, value) = match memchr(b':', line) {
            Some(0) => {
                // A comment between events is a block of its own, so that keep-alives are not held back.
                self.handed_out = !self.has_field;
                return self.handed_out;
            }
            Some(colon) => {
                let value = line.get(colon.saturating_add(1)..).unwrap_or_default();
                (
                    line.get(..colon).unwrap_or_default(),
                    value.strip_prefix(b" ").unwrap_or(value),
                )
            }
            None if line.is_empty() => {
                self.handed_out = true;
                return true;
            }
            None => (line, &[][..]),
        };
        self.has_field = true;
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // `id` and `retry` are for clients that reconnect; the format says to ignore other fields.
            _ => {}
        }
        false
    }

    /// Ends the open line and block.
    fn close(&mut self) -> Result<(), EventTooLong> {
        self.forget_handed_out();
        if self.too_long {
            return Err(EventTooLong { limit: self.limit });
        }
        match self.line {
            Line::Open if self.line_start < self.raw.len() => {
                self.end_line(0);
            }
            Line::AfterCr => {
                self.end_line(1);
            }
            Line::Open | Line::EndedByCr => {}
        }
        self.line = Line::Open;
        self.handed_out = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
