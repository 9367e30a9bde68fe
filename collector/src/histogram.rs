//! Distribution of milliseconds in bounded memory: exact below 2048 ms, within 0.1 % above.

use std::collections::BTreeMap;

/// How often each value was seen, values above 2047 rounded down to 11 significant bits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Neighbours share a page: values of one group are near each other, and pages are found faster than values.
    pages: BTreeMap<u32, [u32; PAGE]>,
    count: u64,
    sum: u64,
}

/// Values below it have a bucket each; above, each power of two has half as many.
const EXACT_BELOW: u64 = 2_048;
/// Buckets of a page.
const PAGE: usize = 32;
const PAGE_BITS: u32 = PAGE.ilog2();
const SIGNIFICANT_BITS: u32 = EXACT_BELOW.ilog2();

impl Histogram {
    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        self.add(bucket(value), 1);
        self.sum = self.sum.saturating_add(value);
    }

    /// From buckets as [`bucket`] numbers them, their counts, and the sum of all values.
    pub(crate) fn from_buckets(buckets: Vec<(u32, u64)>, sum: u64) -> Self {
        let mut histogram = Self {
            sum,
            ..Self::default()
        };
        for (bucket, count) in buckets {
            histogram.add(bucket, count);
        }
        histogram
    }

    fn add(&mut self, bucket: u32, times: u64) {
        let page = self.pages.entry(bucket >> PAGE_BITS).or_default();
        if let Some(count) = page.get_mut(bucket as usize % PAGE) {
            // Nobody has four billion requests of one millisecond.
            *count = count.saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
        }
        self.count += times;
    }

    /// The buckets with something in them, and how much.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let all = self.pages.iter().flat_map(|(&number, page)| {
            let first = number << PAGE_BITS;
            (first..).zip(page.iter().copied())
        });
        all.filter(|&(_, count)| count > 0)
    }

    /// Counts values of a bucket without their sum, see [`Histogram::add_sum`].
    pub(crate) fn add_many(&mut self, bucket: u32, times: u64) {
        self.add(bucket, times);
    }

    /// Adds the sum of values that were counted by their buckets.
    pub(crate) fn add_sum(&mut self, sum: u64) {
        self.sum = self.sum.saturating_add(sum);
    }

    /// Values seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their exact sum.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Adds what another one saw.
    pub fn merge(&mut self, other: &Self) {
        for (&number, page) in &other.pages {
            let own = self.pages.entry(number).or_default();
            for (count, more) in own.iter_mut().zip(page) {
                *count = count.saturating_add(*more);
            }
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// The smallest value that at least this share of all values does not exceed; `None` without values.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (u128::from(self.count) * u128::from(percent))
            .div_ceil(100)
            .max(1);
        let mut seen = 0;
        self.buckets().find_map(|(bucket, count)| {
            seen += u64::from(count);
            (u128::from(seen) >= rank).then(|| lowest(bucket))
        })
    }
}

/// The bucket of a value; stores keep it beside the value.
pub(crate) fn bucket(value: u64) -> u32 {
    // A value's bits beyond the first 11 are dropped; how many, makes the upper part of the bucket's number.
    let dropped = (u64::BITS - value.leading_zeros()).saturating_sub(SIGNIFICANT_BITS);
    // At most 53 << 11, plus 11 bits.
    #[allow(clippy::cast_possible_truncation)]
    let significant = (value >> dropped) as u32;
    (dropped << SIGNIFICANT_BITS) | significant
}

fn lowest(bucket: u32) -> u64 {
    let dropped = bucket >> SIGNIFICANT_BITS;
    let significant = u64::from(bucket & ((1 << SIGNIFICANT_BITS) - 1));
    significant << dropped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_keep_their_order_and_lose_at_most_a_thousandth(a in any::<u64>(), b in any::<u64>()) {
            prop_assert_eq!(a.min(b) == a && bucket(a) <= bucket(b) || bucket(b) <= bucket(a), true);
            let kept = lowest(bucket(a));
            prop_assert!(kept <= a && a - kept <= a / 1_024);
            let small = a % 2_048;
            prop_assert_eq!(lowest(bucket(small)), small);
        }

        #[test]
        fn quantiles_are_those_of_the_sorted_values(mut values in prop::collection::vec(0_u64..2_048, 1..200)) {
            let mut histogram = Histogram::default();
            let mut halves = (Histogram::default(), Histogram::default());
            for (index, &value) in values.iter().enumerate() {
                histogram.record(value);
                if index % 2 == 0 { halves.0.record(value) } else { halves.1.record(value) }
            }
            halves.0.merge(&halves.1);
            prop_assert_eq!(&halves.0, &histogram);
            values.sort_unstable();
            for percent in [1, 50, 99, 100_usize] {
                // Nearest rank: the first value that `percent` of 100 values do not exceed.
                let rank = (values.len() * percent).div_ceil(100).max(1);
                prop_assert_eq!(histogram.percentile(percent as u64), Some(values[rank - 1]));
            }
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Histogram::default().percentile(50), None);
    }
}
