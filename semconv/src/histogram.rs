//! Distributions in whole numbers, so that adding them up in any order gives the same.

/// Upper bounds of a histogram's buckets, in its unit; above the last one is one more bucket.
pub type Bounds = &'static [u64];

/// A distribution of whole numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Of each bucket alone, the one above all bounds last; empty where nothing was recorded.
    counts: Vec<u64>,
    sum: u64,
}

impl Histogram {
    /// From what [`Histogram::counts`] and [`Histogram::sum`] said.
    pub(crate) fn of(counts: Vec<u64>, sum: u64) -> Self {
        Self { counts, sum }
    }

    /// Counts `value`.
    pub fn record(&mut self, bounds: Bounds, value: u64) {
        if self.counts.is_empty() {
            self.counts = vec![0; bounds.len().saturating_add(1)];
        }
        let bucket = bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(value);
    }

    /// Adds `other`, which has the same bounds.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.counts.clone_from(&other.counts);
        } else {
            for (count, more) in self.counts.iter_mut().zip(&other.counts) {
                *count = count.saturating_add(*more);
            }
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// Of each bucket alone; empty where nothing was recorded.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Of all values, in the histogram's unit.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}
