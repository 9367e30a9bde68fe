//! A point in time as events write it.

use std::fmt;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::two_digits;

/// Microseconds since 1970, written as RFC 3339 in UTC with six decimals: `2026-11-21T13:37:00.000000Z`. Its text sorts
/// by time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// The last microsecond of the year 9999, the latest that RFC 3339 can express.
const LATEST_US: u64 = 253_402_300_799_999_999;
const LENGTH: usize = "2026-11-21T13:37:00.000000Z".len();

impl Timestamp {
    /// From microseconds since 1970; times after the year 9999 become its last microsecond.
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

    /// As written by [`fmt::Display`], but faster: every request has one.
    pub(crate) fn text(self) -> [u8; LENGTH] {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let second_of_day = seconds % 86_400;
        let (year, month, day) = date(seconds / 86_400);
        let pairs = [
            (0, year / 100),
            (2, year),
            (5, month),
            (8, day),
            (11, second_of_day / 3_600),
            (14, second_of_day / 60 % 60),
            (17, second_of_day % 60),
            (20, micros / 10_000),
            (22, micros / 100),
            (24, micros),
        ];
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (at, number) in pairs {
            if let Some(pair) = text.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *pair = two_digits(number);
            }
        }
        text
    }

    /// Parses RFC 3339 in UTC (`Z`), with up to nine decimals. `None` for anything else.
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
        // Digits and signs only: valid text.
        f.pad(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// Year, month and day of a day counted from 1970-01-01, by Howard Hinnant's `civil_from_days`: years start in March,
/// so that the leap day is the last one, and 400 of them repeat.
pub(crate) fn date(unix_days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    // From 0000-03-01.
    let days = unix_days.saturating_add(719_468);
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let is_next_year = month >= 10;
    let month = if is_next_year { month - 9 } else { month + 3 };
    (year + era * 400 + u64::from(is_next_year), month, day)
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
mod tests;
