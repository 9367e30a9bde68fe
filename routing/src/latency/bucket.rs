//! The samples of one deployment in one bucket of time, and the buckets of one deployment.

use std::collections::VecDeque;

use super::histogram::Histogram;
use super::{BUCKET_MS, MAX_WINDOW_MS, Sample};

/// Buckets kept individually; older ones are merged.
const FINE_BUCKETS: u64 = 60;
/// Number of buckets merged into one.
const BUCKETS_PER_COARSE: u64 = 10;
/// Most buckets of a series, including those at both ends and the one of aged samples.
pub(super) const MAX_BUCKETS: u64 =
    FINE_BUCKETS + MAX_WINDOW_MS / BUCKET_MS / BUCKETS_PER_COARSE + 5;
/// Samples that are kept when they are too old for every window: the last estimate ages but stays.
const AGED_SAMPLES: u32 = 64;
/// Buckets after which the last estimate is forgotten, too: a day.
const AGED_BUCKETS: u64 = 86_400_000 / BUCKET_MS;

/// Sums over one bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Bucket {
    /// Number of the bucket since the clock's zero.
    pub(super) number: u64,
    pub(super) successes: u32,
    /// Of successes, milliseconds.
    pub(super) latency_sum: u64,
    /// Of successes, squared milliseconds.
    pub(super) square_sum: f64,
    pub(super) failures: u32,
    /// Of failures, milliseconds.
    pub(super) waited_sum: u64,
    pub(super) tokens: u64,
    /// Milliseconds in which the tokens arrived.
    pub(super) token_ms: u64,
    /// Of successes.
    pub(super) histogram: Histogram,
}

/// Buckets of one deployment, oldest first, with unique numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series(pub(super) VecDeque<Bucket>);

/// The bucket that contains `now_ms`.
pub(super) fn number_at(now_ms: u64) -> u64 {
    now_ms / BUCKET_MS
}

impl Bucket {
    pub(super) fn record(&mut self, sample: Sample) {
        match sample {
            Sample::Success {
                latency_ms,
                throughput,
            } => {
                self.successes = self.successes.saturating_add(1);
                self.latency_sum = self.latency_sum.saturating_add(latency_ms);
                self.square_sum += (latency_ms as f64) * (latency_ms as f64);
                self.histogram.record(latency_ms);
                if let Some((tokens, token_ms)) = throughput {
                    self.tokens = self.tokens.saturating_add(tokens);
                    self.token_ms = self.token_ms.saturating_add(token_ms);
                }
            }
            Sample::Failure { waited_ms } => {
                self.failures = self.failures.saturating_add(1);
                self.waited_sum = self.waited_sum.saturating_add(waited_ms);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.successes = self.successes.saturating_add(other.successes);
        self.latency_sum = self.latency_sum.saturating_add(other.latency_sum);
        self.square_sum += other.square_sum;
        self.failures = self.failures.saturating_add(other.failures);
        self.waited_sum = self.waited_sum.saturating_add(other.waited_sum);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.token_ms = self.token_ms.saturating_add(other.token_ms);
        self.histogram.merge(&other.histogram);
    }

    /// Half of the weight, and nearly the same averages.
    fn halve(&mut self) {
        self.successes /= 2;
        self.latency_sum /= 2;
        self.square_sum /= 2.0;
        self.failures /= 2;
        self.waited_sum /= 2;
        self.tokens /= 2;
        self.token_ms /= 2;
        self.histogram.halve();
    }
}

impl Series {
    /// The bucket with this number, inserted if missing.
    pub(super) fn bucket(&mut self, number: u64) -> Option<&mut Bucket> {
        let position = match self.0.binary_search_by_key(&number, |bucket| bucket.number) {
            Ok(position) => position,
            Err(position) => {
                let bucket = Bucket {
                    number,
                    ..Bucket::default()
                };
                self.0.insert(position, bucket);
                position
            }
        };
        self.0.get_mut(position)
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for bucket in &other.0 {
            if let Some(known) = self.bucket(bucket.number) {
                known.merge(bucket);
            }
        }
    }

    /// Removes buckets in the future; merges old buckets, and those outside every window into one of little weight.
    pub(super) fn tidy(&mut self, now_ms: u64) {
        let now = number_at(now_ms);
        let newest = now.saturating_add(1);
        let oldest = now.saturating_sub(MAX_WINDOW_MS / BUCKET_MS);
        let fine_from = now.saturating_sub(FINE_BUCKETS);
        let mut joined: VecDeque<Bucket> = VecDeque::with_capacity(self.0.len());
        let mut aged = Bucket::default();
        for mut bucket in self.0.drain(..) {
            if bucket.number > newest {
                continue;
            }
            if bucket.number < oldest {
                if bucket.number >= now.saturating_sub(AGED_BUCKETS) {
                    aged.number = bucket.number;
                    aged.merge(&bucket);
                }
                continue;
            }
            if bucket.number < fine_from {
                // Numbered by its last second, so that it leaves a window only when all of it is too old.
                bucket.number = (bucket.number / BUCKETS_PER_COARSE)
                    .saturating_mul(BUCKETS_PER_COARSE)
                    .saturating_add(BUCKETS_PER_COARSE - 1);
            }
            match joined.back_mut() {
                Some(last) if last.number >= bucket.number => last.merge(&bucket),
                _ => joined.push_back(bucket),
            }
        }
        while aged.successes.saturating_add(aged.failures) > AGED_SAMPLES {
            aged.halve();
        }
        if aged.successes > 0 || aged.failures > 0 {
            joined.push_front(aged);
        }
        self.0 = joined;
    }
}
