//! Any event, and its id.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decision::DecisionEvent;
use crate::health_changed::HealthChangedEvent;
use crate::json::hex_byte;
use crate::timestamp::Timestamp;

/// Tagged by the member `event_type`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event_type")]
#[allow(
    clippy::large_enum_variant,
    reason = "changes of health are few, and no list holds many"
)]
pub enum Event<'a> {
    /// A request has ended.
    #[serde(rename = "decision")]
    Decision(Box<DecisionEvent<'a>>),
    /// The health of a target has changed.
    #[serde(rename = "gateway.health_changed")]
    HealthChanged(HealthChangedEvent<'a>),
}

impl Event<'_> {
    /// The idempotency key.
    pub fn id(&self) -> EventId {
        match self {
            Self::Decision(event) => event.id,
            Self::HealthChanged(event) => event.id,
        }
    }

    /// When it happened.
    pub fn timestamp(&self) -> Timestamp {
        match self {
            Self::Decision(event) => event.timestamp,
            Self::HealthChanged(event) => event.timestamp,
        }
    }

    /// The value of `event_type`.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::HealthChanged(_) => "gateway.health_changed",
        }
    }
}

/// `evt_` and 32 hexadecimal digits: milliseconds since 1970, so that ids sort by time, then random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u128);

const PREFIX: &str = "evt_";
const DIGITS: usize = 32;
const LENGTH: usize = PREFIX.len() + DIGITS;
/// Number of random bits.
const RANDOM_BITS: u32 = 80;

impl EventId {
    /// An id from the time of the event and random bits, of which 80 are used.
    pub fn new(unix_ms: u64, random: u128) -> Self {
        let time = u128::from(unix_ms) << RANDOM_BITS;
        Self(time | (random & ((1 << RANDOM_BITS) - 1)))
    }

    /// Parses `evt_` and 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let canonical = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != DIGITS || !digits.bytes().all(canonical) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(Self)
    }

    /// All 128 bits, most significant first.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// As written by [`fmt::Display`], but faster: every request has one.
    pub(crate) fn text(self) -> [u8; LENGTH] {
        let mut text = [b'0'; LENGTH];
        let (prefix, digits) = text.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX.as_bytes());
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(self.to_bytes()) {
            *pair = hex_byte(byte);
        }
        text
    }

    /// From the result of [`EventId::to_bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:032x}", self.0)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "expected `evt_` and 32 hexadecimal digits, found {text:?}"
            ))
        })
    }
}

#[cfg(test)]
mod tests;
