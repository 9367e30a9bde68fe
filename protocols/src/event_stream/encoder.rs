//! Encodes frames. Used by simulated providers.

use super::crc32::crc32;
use super::{
    CHECKSUM_BYTES, Header, HeaderValue, MAX_FRAME_BYTES, MAX_HEADER_BYTES, MAX_HEADERS,
    PRELUDE_BYTES,
};

/// The frame cannot be expressed in the format, or would be refused by the decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Empty, longer than 255 bytes, or used twice.
    #[error("expected a header name of 1 to 255 bytes that comes once, found `{name}`")]
    BadName {
        /// The header's name.
        name: String,
    },
    /// Longer than 65535 bytes.
    #[error("expected at most 65535 bytes in header `{name}`, found {length}")]
    LongValue {
        /// The header's name.
        name: String,
        /// Bytes of the value.
        length: usize,
    },
    /// More than [`MAX_HEADERS`], [`MAX_HEADER_BYTES`] or [`MAX_FRAME_BYTES`].
    #[error("expected {what} of at most {limit}, found {found}")]
    TooMuch {
        /// What exceeds its limit.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// The size found.
        found: usize,
    },
}

/// Appends one frame to `out`. On an error nothing is appended.
///
/// # Errors
/// A header or the frame exceeds the limits of the format or of this module, or a name is used twice.
pub fn encode(
    headers: &[Header<'_>],
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let block = header_block(headers)?;
    let total = block
        .len()
        .saturating_add(payload.len())
        .saturating_add(PRELUDE_BYTES + CHECKSUM_BYTES);
    within("a frame", MAX_FRAME_BYTES, total)?;

    let mut frame = Vec::with_capacity(total);
    frame.extend_from_slice(&length(total)?.to_be_bytes());
    frame.extend_from_slice(&length(block.len())?.to_be_bytes());
    frame.extend_from_slice(&crc32(&frame).to_be_bytes());
    frame.extend_from_slice(&block);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc32(&frame).to_be_bytes());
    out.extend_from_slice(&frame);
    Ok(())
}

fn header_block(headers: &[Header<'_>]) -> Result<Vec<u8>, EncodeError> {
    within("headers", MAX_HEADERS, headers.len())?;
    let mut block = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        let repeated = headers
            .iter()
            .take(index)
            .any(|other| other.name == header.name);
        let length = u8::try_from(header.name.len()).unwrap_or(0);
        if length == 0 || repeated {
            let name = header.name.to_owned();
            return Err(EncodeError::BadName { name });
        }
        block.push(length);
        block.extend_from_slice(header.name.as_bytes());
        write_value(header, &mut block)?;
    }
    within("headers in bytes", MAX_HEADER_BYTES, block.len())?;
    Ok(block)
}

fn write_value(header: &Header<'_>, block: &mut Vec<u8>) -> Result<(), EncodeError> {
    let (wire_type, bytes): (u8, &[u8]) = match &header.value {
        HeaderValue::Bool(true) => (0, &[]),
        HeaderValue::Bool(false) => (1, &[]),
        HeaderValue::Byte(value) => (2, &value.to_be_bytes()),
        HeaderValue::Short(value) => (3, &value.to_be_bytes()),
        HeaderValue::Integer(value) => (4, &value.to_be_bytes()),
        HeaderValue::Long(value) => (5, &value.to_be_bytes()),
        HeaderValue::Bytes(value) => (6, value),
        HeaderValue::String(value) => (7, value.as_bytes()),
        HeaderValue::Timestamp(value) => (8, &value.to_be_bytes()),
        HeaderValue::Uuid(value) => (9, value),
    };
    block.push(wire_type);
    if matches!(header.value, HeaderValue::Bytes(_) | HeaderValue::String(_)) {
        let length = u16::try_from(bytes.len()).map_err(|_| EncodeError::LongValue {
            name: header.name.to_owned(),
            length: bytes.len(),
        })?;
        block.extend_from_slice(&length.to_be_bytes());
    }
    block.extend_from_slice(bytes);
    Ok(())
}

fn within(what: &'static str, limit: usize, found: usize) -> Result<(), EncodeError> {
    if found > limit {
        return Err(EncodeError::TooMuch { what, limit, found });
    }
    Ok(())
}

/// A length already bounded by [`within`].
fn length(bytes: usize) -> Result<u32, EncodeError> {
    u32::try_from(bytes).map_err(|_| EncodeError::TooMuch {
        what: "a frame",
        limit: MAX_FRAME_BYTES,
        found: bytes,
    })
}
