//! The headers of a frame: names with typed values.

use super::MAX_HEADERS;

/// One header.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header<'a> {
    /// 1 to 255 bytes. AWS's own names start with a colon.
    pub name: &'a str,
    /// The value.
    pub value: HeaderValue<'a>,
}

/// A header's value. The wire types are 0 for true, 1 for false, then 2 to 9 in this order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeaderValue<'a> {
    /// Types 0 and 1; no bytes follow.
    Bool(bool),
    /// One byte.
    Byte(i8),
    /// Two bytes.
    Short(i16),
    /// Four bytes.
    Integer(i32),
    /// Eight bytes.
    Long(i64),
    /// Length as `u16`, then the bytes.
    Bytes(&'a [u8]),
    /// Length as `u16`, then UTF-8.
    String(&'a str),
    /// Milliseconds since 1970.
    Timestamp(i64),
    /// 16 bytes.
    Uuid([u8; 16]),
}

/// The header block is malformed although its checksum is valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The block ends inside a header.
    #[error("expected {expected} more bytes in the header at byte {at}, found {found}")]
    Truncated {
        /// Offset in the block where bytes are missing.
        at: usize,
        /// Bytes required.
        expected: usize,
        /// Bytes present.
        found: usize,
    },
    /// A header with an empty name.
    #[error("expected a header name at byte {at}, found an empty one")]
    EmptyName {
        /// Offset of the header in the block.
        at: usize,
    },
    /// A name or a string value is not UTF-8.
    #[error("expected UTF-8 in the header at byte {at}")]
    NotUtf8 {
        /// Offset of the text in the block.
        at: usize,
    },
    /// A type that the format does not define.
    #[error("expected a header type from 0 to 9 at byte {at}, found {found}")]
    UnknownType {
        /// Offset of the type in the block.
        at: usize,
        /// The type found.
        found: u8,
    },
    /// Two headers have the same name.
    #[error("header `{name}` comes twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// More than [`MAX_HEADERS`].
    #[error("expected at most {MAX_HEADERS} headers, found more")]
    TooMany,
}

impl<'a> HeaderValue<'a> {
    /// The text of a string value.
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Self::String(text) => Some(text),
            Self::Bool(_)
            | Self::Byte(_)
            | Self::Short(_)
            | Self::Integer(_)
            | Self::Long(_)
            | Self::Bytes(_)
            | Self::Timestamp(_)
            | Self::Uuid(_) => None,
        }
    }

    fn read(block: &mut Block<'a>) -> Result<Self, HeaderError> {
        let at = block.at;
        let [wire_type] = block.take_array()?;
        Ok(match wire_type {
            0 => Self::Bool(true),
            1 => Self::Bool(false),
            2 => Self::Byte(i8::from_be_bytes(block.take_array()?)),
            3 => Self::Short(i16::from_be_bytes(block.take_array()?)),
            4 => Self::Integer(i32::from_be_bytes(block.take_array()?)),
            5 => Self::Long(i64::from_be_bytes(block.take_array()?)),
            6 => Self::Bytes(block.take_sized()?),
            7 => {
                let bytes = block.take_sized()?;
                Self::String(block.utf8(bytes)?)
            }
            8 => Self::Timestamp(i64::from_be_bytes(block.take_array()?)),
            9 => Self::Uuid(block.take_array()?),
            found => return Err(HeaderError::UnknownType { at, found }),
        })
    }
}

/// Reads a header block.
pub(super) fn read_all(bytes: &[u8]) -> Result<Vec<Header<'_>>, HeaderError> {
    let mut block = Block { bytes, at: 0 };
    let mut headers: Vec<Header<'_>> = Vec::new();
    while !block.bytes.is_empty() {
        if headers.len() == MAX_HEADERS {
            return Err(HeaderError::TooMany);
        }
        let at = block.at;
        let [length] = block.take_array()?;
        if length == 0 {
            return Err(HeaderError::EmptyName { at });
        }
        let name = block.take(length.into())?;
        let name = block.utf8(name)?;
        if headers.iter().any(|header| header.name == name) {
            let name = name.to_owned();
            return Err(HeaderError::Duplicate { name });
        }
        let value = HeaderValue::read(&mut block)?;
        headers.push(Header { name, value });
    }
    Ok(headers)
}

/// The unread part of a header block.
struct Block<'a> {
    bytes: &'a [u8],
    /// Bytes read so far.
    at: usize,
}

impl<'a> Block<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], HeaderError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            return Err(self.truncated(count));
        };
        self.advance(rest, count);
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        let Some((taken, rest)) = self.bytes.split_first_chunk::<N>() else {
            return Err(self.truncated(N));
        };
        let taken = *taken;
        self.advance(rest, N);
        Ok(taken)
    }

    fn take_sized(&mut self) -> Result<&'a [u8], HeaderError> {
        let length = u16::from_be_bytes(self.take_array()?);
        self.take(length.into())
    }

    /// `bytes`, which were taken last, as text.
    fn utf8(&self, bytes: &'a [u8]) -> Result<&'a str, HeaderError> {
        std::str::from_utf8(bytes).map_err(|_| HeaderError::NotUtf8 {
            at: self.at.saturating_sub(bytes.len()),
        })
    }

    fn advance(&mut self, rest: &'a [u8], count: usize) {
        self.bytes = rest;
        self.at = self.at.saturating_add(count);
    }

    fn truncated(&self, expected: usize) -> HeaderError {
        HeaderError::Truncated {
            at: self.at,
            expected,
            found: self.bytes.len(),
        }
    }
}
