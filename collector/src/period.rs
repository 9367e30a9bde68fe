//! Budget periods: which days are one day, week or month in UTC.

use events::BudgetPeriod;

use crate::store::{Days, MS_PER_DAY};

/// The period that a moment lies in.
pub(crate) fn around(period: BudgetPeriod, unix_ms: u64) -> Days {
    let days = period.days_around(unix_ms);
    let day = |day: u64| u32::try_from(day).unwrap_or(u32::MAX);
    Days {
        from: day(days.start),
        until: day(days.end),
    }
}

/// Its first moment, Unix milliseconds.
pub(crate) fn start_ms(days: Days) -> u64 {
    u64::from(days.from) * MS_PER_DAY
}

/// The first moment after it, Unix milliseconds.
pub(crate) fn end_ms(days: Days) -> u64 {
    u64::from(days.until) * MS_PER_DAY
}

#[cfg(test)]
mod tests {
    use events::Timestamp;

    use super::*;

    #[test]
    fn periods_end_where_the_calendar_says() {
        use BudgetPeriod::{Daily, Monthly, Weekly};
        for (moment, period, from, until) in [
            ("2026-11-21T23:59:59Z", Daily, "2026-11-21", "2026-11-22"),
            ("2026-11-22T00:00:00Z", Daily, "2026-11-22", "2026-11-23"),
            // 2026-11-21 is a Saturday, the 23rd a Monday.
            ("2026-11-21T12:00:00Z", Weekly, "2026-11-16", "2026-11-23"),
            ("2026-11-22T23:59:59Z", Weekly, "2026-11-16", "2026-11-23"),
            ("2026-11-23T00:00:00Z", Weekly, "2026-11-23", "2026-11-30"),
            ("2025-01-01T00:00:00Z", Weekly, "2024-12-30", "2025-01-06"),
            ("2026-11-30T23:59:59Z", Monthly, "2026-11-01", "2026-12-01"),
            ("2026-12-31T23:59:59Z", Monthly, "2026-12-01", "2027-01-01"),
            ("2027-01-01T00:00:00Z", Monthly, "2027-01-01", "2027-02-01"),
            // Leap years: 2024 is one, 2100 is none, 2000 was one.
            ("2024-02-29T12:00:00Z", Monthly, "2024-02-01", "2024-03-01"),
            ("2024-02-29T12:00:00Z", Daily, "2024-02-29", "2024-03-01"),
            ("2023-02-28T23:59:59Z", Daily, "2023-02-28", "2023-03-01"),
            ("2100-02-28T23:59:59Z", Daily, "2100-02-28", "2100-03-01"),
            ("2100-02-28T23:59:59Z", Monthly, "2100-02-01", "2100-03-01"),
            ("2000-02-29T00:00:00Z", Monthly, "2000-02-01", "2000-03-01"),
            ("1970-01-01T00:00:00Z", Monthly, "1970-01-01", "1970-02-01"),
        ] {
            let ms = |text: &str| Timestamp::parse(text).unwrap().millis();
            let days = around(period, ms(moment));
            assert_eq!(
                start_ms(days),
                ms(&format!("{from}T00:00:00Z")),
                "{moment} {period:?}"
            );
            assert_eq!(
                end_ms(days),
                ms(&format!("{until}T00:00:00Z")),
                "{moment} {period:?}"
            );
        }
    }

    #[test]
    fn periods_follow_each_other_without_gap_or_overlap() {
        for period in [
            BudgetPeriod::Daily,
            BudgetPeriod::Weekly,
            BudgetPeriod::Monthly,
        ] {
            let mut next = around(period, 0).until;
            // Until after the year 2100.
            while next < 48_000 {
                let days = around(period, u64::from(next) * MS_PER_DAY);
                assert_eq!(days.from, next, "{period:?}");
                for day in [days.from, days.until - 1] {
                    assert_eq!(around(period, u64::from(day) * MS_PER_DAY), days);
                }
                next = days.until;
            }
        }
    }
}
