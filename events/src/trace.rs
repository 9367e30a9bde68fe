//! The place of a request in a distributed trace, in the terms of W3C Trace Context.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::hex_byte;

/// Id of a trace: 16 bytes that are not all zero, as 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// Id of a span: 8 bytes that are not all zero, as 16 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// The server span of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// The client's trace, or one that begins here.
    pub trace_id: TraceId,
    /// The request's own span: the parent of its attempts' spans.
    pub span_id: SpanId,
    /// The client's span; `null` where the trace begins here.
    #[serde(default)]
    pub parent_span_id: Option<SpanId>,
    /// The spans are to be exported.
    pub sampled: bool,
}

/// Bytes of a `traceparent` of version 00.
const TRACEPARENT_LENGTH: usize = 55;
/// The flag of `traceparent` that says that the caller records the trace.
const SAMPLED: u8 = 1;

impl TraceId {
    /// From random bits; 0 becomes 1.
    pub fn new(bits: u128) -> Self {
        Self(bits.max(1))
    }

    /// Parses 32 lower-case hexadecimal digits that are not all zero.
    pub fn parse(text: &str) -> Option<Self> {
        is_lower_hex(text, 32).then_some(())?;
        let bits = u128::from_str_radix(text, 16).ok()?;
        (bits != 0).then_some(Self(bits))
    }

    /// Most significant first.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The lower half, from which samplers decide.
    pub fn random_bits(self) -> u64 {
        // The upper half is left out on purpose.
        #[allow(clippy::cast_possible_truncation)]
        let low = self.0 as u64;
        low
    }
}

impl SpanId {
    /// From random bits; 0 becomes 1.
    pub fn new(bits: u64) -> Self {
        Self(bits.max(1))
    }

    /// Parses 16 lower-case hexadecimal digits that are not all zero.
    pub fn parse(text: &str) -> Option<Self> {
        is_lower_hex(text, 16).then_some(())?;
        let bits = u64::from_str_radix(text, 16).ok()?;
        (bits != 0).then_some(Self(bits))
    }

    /// Most significant first.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl TraceContext {
    /// The span `span_id` below the caller's, as `traceparent` names it. `None` for what is no `traceparent`; of later
    /// versions only what version 00 knows is read.
    ///
    /// Source: <https://www.w3.org/TR/trace-context/#traceparent-header>
    pub fn below(traceparent: &str, span_id: SpanId) -> Option<Self> {
        let (head, rest) = traceparent.split_at_checked(TRACEPARENT_LENGTH)?;
        let mut parts = head.split('-');
        let (version, trace_id, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_known = match version {
            "00" => rest.is_empty(),
            "ff" => false,
            later => is_lower_hex(later, 2) && (rest.is_empty() || rest.starts_with('-')),
        };
        if !is_known || parts.next().is_some() || !is_lower_hex(flags, 2) {
            return None;
        }
        Some(Self {
            trace_id: TraceId::parse(trace_id)?,
            span_id,
            parent_span_id: Some(SpanId::parse(parent)?),
            sampled: u8::from_str_radix(flags, 16).ok()? & SAMPLED != 0,
        })
    }

    /// `traceparent` of a request that the span `span_id` of this trace makes.
    pub fn traceparent(&self, span_id: SpanId) -> String {
        let flags = if self.sampled { SAMPLED } else { 0 };
        format!("00-{}-{span_id}-{flags:02x}", self.trace_id)
    }
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == length && text.bytes().all(digit)
}

/// Hexadecimal digits of `bytes`, without an allocation.
pub(crate) fn hex<const BYTES: usize, const DIGITS: usize>(bytes: [u8; BYTES]) -> [u8; DIGITS] {
    let mut text = [b'0'; DIGITS];
    for (pair, byte) in text.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = hex_byte(byte);
    }
    text
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

macro_rules! as_hexadecimal {
    ($($id:ident $expected:literal,)+) => {
        $(impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| {
                    serde::de::Error::custom(format_args!(concat!("expected ", $expected, ", found {:?}"), text))
                })
            }
        })+
    };
}

as_hexadecimal! {
    TraceId "a trace id of 32 hexadecimal digits",
    SpanId "a span id of 16 hexadecimal digits",
}

#[cfg(test)]
mod tests;
