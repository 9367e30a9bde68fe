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
