//! Points in time as people write them: `7d` ago, a day, a moment.

use events::Timestamp;

/// A text that is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a duration before now (30m, 24h, 7d, 2w), a day (2026-11-21) or a time in UTC (2026-11-21T13:37:00Z), found {0:?}"
)]
pub struct InvalidTime(pub String);

/// Reads `30s`, `30m`, `24h`, `7d`, `2w` as that long before `now`; a day as its begin in UTC; RFC 3339 in UTC.
///
/// # Errors
/// Anything else.
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, InvalidTime> {
    let invalid = || InvalidTime(text.to_owned());
    if let Some(seconds) = duration_seconds(text) {
        return Ok(Timestamp::from_micros(
            now.micros()
                .saturating_sub(seconds.saturating_mul(1_000_000)),
        ));
    }
    let moment = if text.contains('T') {
        Timestamp::parse(text)
    } else {
        Timestamp::parse(&format!("{text}T00:00:00Z"))
    };
    moment.ok_or_else(invalid)
}

fn duration_seconds(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let digits = text.strip_suffix(unit)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_days_and_moments() {
        let now = Timestamp::parse("2026-11-21T13:37:00Z").unwrap();
        for (text, expected) in [
            ("90s", "2026-11-21T13:35:30Z"),
            ("30m", "2026-11-21T13:07:00Z"),
            ("24h", "2026-11-20T13:37:00Z"),
            ("7d", "2026-11-14T13:37:00Z"),
            ("2w", "2026-11-07T13:37:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("2026-11-21T00:00:00.5Z", "2026-11-21T00:00:00.5Z"),
            ("99999999d", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(
                parse_time(text, now).ok(),
                Timestamp::parse(expected),
                "{text}"
            );
        }
        for text in [
            "",
            "d",
            "-1d",
            "7",
            "1y",
            "2026-13-01",
            "soon",
            "+5d",
            "7 d",
        ] {
            assert_eq!(parse_time(text, now), Err(InvalidTime(text.to_owned())));
        }
    }
}
