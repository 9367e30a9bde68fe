//! Server-sent events: an incremental parser that takes bytes in any split, and a writer.
//!
//! The parser follows the WHATWG event-stream format: lines end with LF, CRLF or CR (never with U+2028), a byte order
//! mark is skipped, one space after the colon is optional, several `data` lines are joined by LF, comments, `id` and
//! `retry` are read over. It differs in one point: an event that the end of the stream leaves without its blank line is
//! not lost, [`SseParser::finish`] hands it out, because providers end streams that way.

mod writer;

pub use writer::{DONE, write_data, write_event, write_json};

use memchr::{memchr, memchr2};

/// Largest event, in bytes as they came, that the parser keeps.
pub const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// An event did not end within [`MAX_EVENT_BYTES`]: this is no stream of events that the gateway can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the end of a server-sent event within {limit} bytes, found none")]
pub struct EventTooLong {
    /// Bytes after which the parser gave up.
    pub limit: usize,
}

/// One event, valid until the parser is asked for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event` field; empty where the stream gives none or one that is not UTF-8.
    pub name: &'a str,
    /// The `data` lines joined by LF. Empty only in blocks, see [`SseParser::next_block`].
    pub data: &'a [u8],
    /// All bytes of the event as they came, its blank line included.
    pub raw: &'a [u8],
}

/// Incremental parser of one stream. Output does not depend on how the input was cut.
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
/// A translator that keeps the parser in a field takes it out for the loop (`std::mem::take`) and puts it back.
#[derive(Debug, Clone)]
pub struct SseParser {
    limit: usize,
    /// Bytes of the block so far; at most `limit`.
    raw: Vec<u8>,
    /// Where in `raw` the current line begins.
    line_start: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    /// A field or the beginning of one has come since the last block.
    has_field: bool,
    has_data: bool,
    /// What `raw`, `name` and `data` hold was handed out.
    handed_out: bool,
    at_stream_start: bool,
    line: Line,
    /// How the last line ended: a blank line's CR waits for its LF only in streams that use CRLF.
    crlf: bool,
    too_long: bool,
}

/// Where in a line the parser stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Inside, or before its first byte.
    Open,
    /// After a CR; an LF still belongs to it.
    AfterCr,
    /// After a CR that has already ended the line; an LF would be part of the same line end.
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

    /// A parser that refuses events of more than `limit` bytes.
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

    /// The next event that has data. Takes what it needs from the front of `input`; `None` means that `input` is used
    /// up and more is needed.
    ///
    /// # Errors
    /// An event is longer than the limit. The parser then gives the same error for ever.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<SseEvent<'_>>, EventTooLong> {
        while self.advance(input)? {
            if self.has_data {
                return Ok(Some(self.event()));
            }
        }
        Ok(None)
    }

    /// Like [`SseParser::next`], but also gives what is no event: comments, and blocks without data. All `raw` in
    /// sequence, with [`SseParser::finish_block`], are the stream.
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

    /// The stream is over: the event that lacks its blank line, if there is one. Its data may be cut off.
    ///
    /// # Errors
    /// The stream had been given up before.
    pub fn finish(&mut self) -> Result<Option<SseEvent<'_>>, EventTooLong> {
        self.close()?;
        if self.has_data {
            Ok(Some(self.event()))
        } else {
            Ok(None)
        }
    }

    /// Like [`SseParser::finish`], for users of [`SseParser::next_block`].
    ///
    /// # Errors
    /// The stream had been given up before.
    pub fn finish_block(&mut self) -> Result<Option<SseEvent<'_>>, EventTooLong> {
        self.close()?;
        if self.raw.is_empty() {
            Ok(None)
        } else {
            Ok(Some(self.event()))
        }
    }

    /// All bytes so far belong to blocks that were handed out.
    pub fn is_between_blocks(&self) -> bool {
        self.handed_out || self.raw.is_empty()
    }

    /// Where `chunk` begins with an event, `tell` may take events from its front by other means: given what is at hand, it
    /// gives what follows the blank line of the last one that it took. Gives what was taken.
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

    /// Reads until a block is complete (`true`) or `input` is used up.
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

    /// Reads the line that ends `raw` with a line end of `terminator` bytes. `true` if a block is complete with it.
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
            // `id` and `retry` are for clients that reconnect; other fields are ignored by the format's rules.
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
