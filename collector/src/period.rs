//! Budget periods: which days are one day, week or month in UTC.

use events::BudgetPeriod;

use crate::store::{Days, MS_PER_DAY};

/// The period that a moment lies in.
pub(crate) fn around(period: BudgetPeriod, unix_ms: u64) -> Days {
    let day = u32::try_from(unix_ms / MS_PER_DAY).unwrap_or(u32::MAX / 2);
    match period {
        BudgetPeriod::Daily => Days {
            from: day,
            until: day + 1,
        },
        BudgetPeriod::Weekly => {
            // Day 0 was a Thursday: three days after Monday.
            let from = day.saturating_sub((day + 3) % 7);
            // The week of day 0 began in 1969, and has its end where all weeks have theirs.
            let until = day + 7 - (day + 3) % 7;
            Days { from, until }
        }
        BudgetPeriod::Monthly => {
            let (year, month) = year_and_month(day);
            let next = if month == 12 {
                first_of_month(year + 1, 1)
            } else {
                first_of_month(year, month + 1)
            };
            Days {
                from: first_of_month(year, month),
                until: next,
            }
        }
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

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of January of a year from 1970 on.
fn first_of_year(year: u32) -> u32 {
    let leap_days_before = |year: u32| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    (year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970)
}

fn first_of_month(year: u32, month: u32) -> u32 {
    first_of_year(year)
        + (1..month)
            .map(|month| days_of_month(year, month))
            .sum::<u32>()
}

fn year_and_month(day: u32) -> (u32, u32) {
    // Never early: no year is longer than 366 days.
    let mut year = 1970 + day / 366;
    while first_of_year(year + 1) <= day {
        year += 1;
    }
    let month = (1..12)
        .find(|&month| first_of_month(year, month + 1) > day)
        .unwrap_or(12);
    (year, month)
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
