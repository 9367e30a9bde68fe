//! Budget periods: days, weeks and months in UTC.

use std::ops::Range;

use crate::control::BudgetPeriod;
use crate::timestamp;

const MS_PER_DAY: u64 = 86_400_000;
/// Days of the longest month.
const LONGEST_MONTH: u64 = 31;

impl BudgetPeriod {
    /// The days since 1970 of the period that contains a moment.
    pub fn days_around(self, unix_ms: u64) -> Range<u64> {
        let day = unix_ms / MS_PER_DAY;
        match self {
            Self::Daily => day..day.saturating_add(1),
            Self::Weekly => {
                // Day 0 was a Thursday: three days after Monday.
                let since_monday = day.saturating_add(3) % 7;
                // The week of day 0 started in 1969, and ends like any other week.
                let end = day.saturating_add(7).saturating_sub(since_monday);
                day.saturating_sub(since_monday)..end
            }
            Self::Monthly => {
                let first = first_of_month(day);
                first..first_of_month(first.saturating_add(LONGEST_MONTH))
            }
        }
    }

    /// The same in Unix milliseconds: from the first moment of the period to that of the next one.
    pub fn around(self, unix_ms: u64) -> Range<u64> {
        let days = self.days_around(unix_ms);
        days.start.saturating_mul(MS_PER_DAY)..days.end.saturating_mul(MS_PER_DAY)
    }
}

/// The first day of the month that contains `day`.
fn first_of_month(day: u64) -> u64 {
    let (_, _, day_of_month) = timestamp::date(day);
    day.saturating_sub(day_of_month.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::Timestamp;
    use BudgetPeriod::{Daily, Monthly, Weekly};

    #[test]
    fn periods_end_where_the_calendar_says() {
        for (moment, period, from, until) in [
            ("2026-11-21T23:59:59Z", Daily, "2026-11-21", "2026-11-22"),
            ("2026-11-22T00:00:00Z", Daily, "2026-11-22", "2026-11-23"),
            // 2026-11-21 is a Saturday, the 23rd a Monday.
            ("2026-11-22T23:59:59Z", Weekly, "2026-11-16", "2026-11-23"),
            ("2026-11-23T00:00:00Z", Weekly, "2026-11-23", "2026-11-30"),
            ("2026-11-30T23:59:59Z", Monthly, "2026-11-01", "2026-12-01"),
            ("2026-12-31T23:59:59Z", Monthly, "2026-12-01", "2027-01-01"),
            // 2024 is a leap year, 2100 is none.
            ("2024-02-29T12:00:00Z", Monthly, "2024-02-01", "2024-03-01"),
            ("2100-02-28T23:59:59Z", Monthly, "2100-02-01", "2100-03-01"),
            ("1970-01-01T00:00:00Z", Monthly, "1970-01-01", "1970-02-01"),
        ] {
            let ms = |text: &str| Timestamp::parse(text).unwrap().millis();
            let day = |text: &str| ms(&format!("{text}T00:00:00Z"));
            assert_eq!(
                period.around(ms(moment)),
                day(from)..day(until),
                "{moment} {period:?}"
            );
        }
    }

    #[test]
    fn periods_follow_each_other_without_gap_or_overlap_for_400_years() {
        for period in [Daily, Weekly, Monthly] {
            let mut next = period.days_around(0).end;
            while next < 146_097 {
                let days = period.days_around(next * MS_PER_DAY);
                assert_eq!(days.start, next, "{period:?}");
                assert_eq!(period.days_around((days.end - 1) * MS_PER_DAY), days);
                next = days.end;
            }
        }
    }

    #[test]
    fn a_time_out_of_range_is_in_some_period() {
        for period in [Daily, Weekly, Monthly] {
            let range = period.around(u64::MAX);
            assert!(range.start < range.end, "{period:?} {range:?}");
        }
    }
}
