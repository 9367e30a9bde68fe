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
mod tests;
