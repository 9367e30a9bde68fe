//! Decodes frames from bytes.

use super::crc32::crc32;
use super::header::{Header, HeaderError, read_all};
use super::{CHECKSUM_BYTES, MAX_FRAME_BYTES, MAX_HEADER_BYTES, PRELUDE_BYTES};

/// A buffer that one large frame grew beyond this size is released afterwards.
const KEPT_BYTES: usize = 64 * 1024;

/// Incremental decoder of one stream. The output does not depend on how the input was split. Holds at most one frame,
/// and only the bytes of it that have arrived.
///
/// ```
/// use protocols::event_stream::{EventStreamDecoder, Header, HeaderValue, encode};
///
/// let mut stream = Vec::new();
/// let event = Header { name: ":event-type", value: HeaderValue::String("messageStop") };
/// encode(&[event], b"{}", &mut stream)?;
///
/// let mut decoder = EventStreamDecoder::new();
/// let mut rest: &[u8] = &stream;
/// while let Some(frame) = decoder.next(&mut rest)? {
///     assert_eq!((frame.text(":event-type"), frame.payload), (Some("messageStop"), &b"{}"[..]));
/// }
/// decoder.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A translator that keeps the decoder in a field takes it out during the loop (`std::mem::take`) and puts it back.
#[derive(Debug, Clone, Default)]
pub struct EventStreamDecoder {
    /// The current frame so far.
    bytes: Vec<u8>,
    /// Set once the prelude has arrived and its checksum is valid.
    lengths: Option<Lengths>,
    /// The frame in `bytes` has been returned.
    handed_out: bool,
    failed: Option<EventStreamError>,
}

/// One frame, valid until the next one is requested.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame<'a> {
    /// In order of arrival; names are unique.
    pub headers: Vec<Header<'a>>,
    /// The payload; for Bedrock a JSON object.
    pub payload: &'a [u8],
}

/// The bytes are not an event stream, or are corrupt. The decoder cannot resynchronise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventStreamError {
    /// The checksum over the two lengths is wrong.
    #[error("expected the checksum {expected:08x} for the prelude of a frame, found {found:08x}")]
    PreludeChecksum {
        /// Computed over the received bytes.
        expected: u32,
        /// As stated by the frame.
        found: u32,
    },
    /// The checksum over the frame is wrong.
    #[error("expected the checksum {expected:08x} for a frame, found {found:08x}")]
    FrameChecksum {
        /// Computed over the received bytes.
        expected: u32,
        /// As stated by the frame.
        found: u32,
    },
    /// A frame of more than [`MAX_FRAME_BYTES`].
    #[error("expected a frame of at most {MAX_FRAME_BYTES} bytes, found {found}")]
    TooLong {
        /// Its stated length.
        found: u32,
    },
    /// The header block exceeds the frame or [`MAX_HEADER_BYTES`].
    #[error("expected at most {limit} bytes of headers in a frame of {total} bytes, found {found}")]
    HeaderLength {
        /// Bytes that the block may have.
        limit: usize,
        /// Length of the frame.
        total: u32,
        /// Length of the block.
        found: u32,
    },
    /// A frame shorter than the minimum.
    #[error("expected a frame of at least 16 bytes, found {found}")]
    TooShort {
        /// Its stated length.
        found: u32,
    },
    /// The headers are malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The stream ended inside a frame.
    #[error("expected the rest of a frame, found the end of the stream after {found} bytes of it")]
    Truncated {
        /// Bytes of the frame that had arrived.
        found: usize,
    },
}

/// The verified content of a prelude.
#[derive(Debug, Clone, Copy)]
struct Lengths {
    total: usize,
    headers: usize,
}

impl EventStreamDecoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next frame. Consumes what it needs from the front of `input`; `None` means that `input` is consumed and more
    /// is needed.
    ///
    /// # Errors
    /// The stream is corrupt. The decoder then returns the same error on every call.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame<'_>>, EventStreamError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.fill(input) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(self.fail(error)),
        }
        let headers = self.lengths.map_or(0, |lengths| lengths.headers);
        match Frame::read(&self.bytes, headers) {
            Ok(frame) => {
                self.handed_out = true;
                Ok(Some(frame))
            }
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Checks the end of the stream.
    ///
    /// # Errors
    /// It ended inside a frame, or was corrupt before.
    pub fn finish(&self) -> Result<(), EventStreamError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.handed_out || self.bytes.is_empty() => Ok(()),
            None => Err(EventStreamError::Truncated {
                found: self.bytes.len(),
            }),
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Collects one frame. Returns `true` when it is complete and its checksum is valid.
    fn fill(&mut self, input: &mut &[u8]) -> Result<bool, EventStreamError> {
        if std::mem::take(&mut self.handed_out) {
            self.lengths = None;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
        }
        let lengths = match self.lengths {
            Some(lengths) => lengths,
            None => {
                self.take(input, PRELUDE_BYTES);
                let Some(prelude) = self.bytes.first_chunk() else {
                    return Ok(false);
                };
                let lengths = Lengths::read(prelude)?;
                self.lengths = Some(lengths);
                lengths
            }
        };
        self.take(input, lengths.total);
        if self.bytes.len() < lengths.total {
            return Ok(false);
        }
        if let Some((covered, checksum)) = self.bytes.split_last_chunk() {
            let (expected, found) = (crc32(covered), u32::from_be_bytes(*checksum));
            if expected != found {
                return Err(EventStreamError::FrameChecksum { expected, found });
            }
        }
        Ok(true)
    }

    /// Moves bytes from `input` until `self.bytes` holds `count`.
    fn take(&mut self, input: &mut &[u8], count: usize) {
        let missing = count.saturating_sub(self.bytes.len());
        let (taken, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
        self.bytes.extend_from_slice(taken);
        *input = rest;
    }

    fn fail(&mut self, error: EventStreamError) -> EventStreamError {
        self.bytes = Vec::new();
        self.failed = Some(error.clone());
        error
    }
}

impl<'a> Frame<'a> {
    /// Reads a complete frame with a valid checksum and `headers` bytes of header block.
    fn read(frame: &'a [u8], headers: usize) -> Result<Self, EventStreamError> {
        let headers_end = headers.saturating_add(PRELUDE_BYTES);
        let payload_end = frame.len().saturating_sub(CHECKSUM_BYTES);
        let block = frame.get(PRELUDE_BYTES..headers_end);
        Ok(Self {
            headers: read_all(block.unwrap_or_default())?,
            payload: frame.get(headers_end..payload_end).unwrap_or_default(),
        })
    }

    /// The value of the string header `name`.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let header = self.headers.iter().find(|header| header.name == name)?;
        header.value.as_str()
    }
}

impl Lengths {
    fn read(prelude: &[u8; PRELUDE_BYTES]) -> Result<Self, EventStreamError> {
        let [t0, t1, t2, t3, h0, h1, h2, h3, c0, c1, c2, c3] = *prelude;
        let found = u32::from_be_bytes([c0, c1, c2, c3]);
        let expected = crc32(&[t0, t1, t2, t3, h0, h1, h2, h3]);
        if expected != found {
            return Err(EventStreamError::PreludeChecksum { expected, found });
        }
        let (total, headers) = (
            u32::from_be_bytes([t0, t1, t2, t3]),
            u32::from_be_bytes([h0, h1, h2, h3]),
        );
        let lengths = Self {
            total: total as usize,
            headers: headers as usize,
        };
        if lengths.total > MAX_FRAME_BYTES {
            return Err(EventStreamError::TooLong { found: total });
        }
        let Some(room) = lengths.total.checked_sub(PRELUDE_BYTES + CHECKSUM_BYTES) else {
            return Err(EventStreamError::TooShort { found: total });
        };
        let limit = room.min(MAX_HEADER_BYTES);
        if lengths.headers > limit {
            return Err(EventStreamError::HeaderLength {
                limit,
                total,
                found: headers,
            });
        }
        Ok(lengths)
    }
}
