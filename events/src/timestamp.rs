//! A point in time as events write it.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970, written as RFC 3339 in UTC with six decimals: `2026-11-21T13:37:00.000000Z`. Its text sorts
/// as its time does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// The last second of the year 9999: the latest that RFC 3339 can write.
const LATEST_US: u64 = 253_402_300_799_999_999;

impl Timestamp {
    /// From microseconds since 1970; what lies after the year 9999 becomes its last microsecond.
    pub fn from_micros(unix_us: u64) -> Self {
        Self(unix_us.min(LATEST_US))
    }

    /// From milliseconds since 1970.
    pub fn from_millis(unix_ms: u64) -> Self {
        Self::from_micros(unix_ms.saturating_mul(1_000))
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> u64 {
        self.0
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Reads RFC 3339 in UTC (`Z`), with any number of decimals up to nine. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let since = humantime::parse_rfc3339(text)
            .ok()?
            .duration_since(UNIX_EPOCH)
            .ok()?;
        u64::try_from(since.as_micros()).ok().map(Self::from_micros)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = UNIX_EPOCH + Duration::from_micros(self.0);
        humantime::format_rfc3339_micros(time).fmt(f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "expected an RFC 3339 time in UTC such as 2026-11-21T13:37:00.000000Z, found {text:?}"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn is_written_in_microseconds_and_read_in_any_precision() {
        let time = Timestamp::from_micros(1_700_000_000_123_456);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.123456Z");
        for text in [
            "2023-11-14T22:13:20.123456Z",
            "2023-11-14T22:13:20.123456789Z",
        ] {
            assert_eq!(Timestamp::parse(text), Some(time), "{text}");
        }
        assert_eq!(
            Timestamp::parse("2023-11-14T22:13:20Z").map(Timestamp::millis),
            Some(1_700_000_000_000)
        );
        for text in ["", "yesterday", "2023-11-14", "1969-12-31T23:59:59Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_out_of_range_is_still_a_time() {
        let text = Timestamp::from_micros(u64::MAX).to_string();
        assert_eq!(text, "9999-12-31T23:59:59.999999Z");
        assert_eq!(
            Timestamp::parse(&text).map(Timestamp::micros),
            Some(LATEST_US)
        );
    }
}
