//! AWS event streams (`application/vnd.amazon.eventstream`): an incremental decoder and an encoder.
//!
//! A frame is `total length: u32 · header length: u32 · CRC of these 8 bytes: u32 · headers · payload · CRC of all
//! preceding bytes: u32`, big-endian; both checksums are CRC-32 as in gzip. A header is `name length: u8 · name ·
//! type: u8 · value`. The decoder verifies a checksum before it trusts what the checksum covers, so a corrupt length
//! can neither allocate memory nor make the decoder wait for bytes that never arrive.

mod crc32;
mod decoder;
mod encoder;
mod header;

pub use decoder::{EventStreamDecoder, EventStreamError, Frame};
pub use encoder::{EncodeError, encode};
pub use header::{Header, HeaderError, HeaderValue};

/// Largest frame that the decoder accepts and the encoder writes, in bytes.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// Largest header block of a frame, in bytes.
pub const MAX_HEADER_BYTES: usize = 128 * 1024;

/// Most headers of a frame. Providers send three; the bound exists because names are compared pairwise.
pub const MAX_HEADERS: usize = 128;

/// Two lengths and their checksum.
const PRELUDE_BYTES: usize = 12;

/// The trailing checksum.
const CHECKSUM_BYTES: usize = 4;

#[cfg(test)]
mod tests;
