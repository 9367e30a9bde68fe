//! Merged windows, as read by strategies.

use std::cell::RefCell;

use super::bucket::{Bucket, Series, number_at};
use super::histogram::Histogram;
use super::{BUCKET_MS, DeploymentKey, MAX_WINDOW_MS, codec};

/// Which samples of a deployment count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    /// Those of so many milliseconds before the snapshot.
    Window(u64),
    /// At least so many, the newest, however old.
    Newest(u32),
}

/// Merged windows of all workers.
#[derive(Debug, Clone, Default)]
pub struct LatencySnapshot {
    /// Sorted by key.
    deployments: Vec<(DeploymentKey, Series)>,
    now_ms: u64,
    /// Cached results, because all requests ask the same of one snapshot: for each span, by position in
    /// `deployments`.
    answers: RefCell<Vec<(Span, Vec<Option<Measured>>)>>,
}

/// The statistics of one deployment in a window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measured {
    /// Successful attempts.
    pub successes: u32,
    /// Failed attempts.
    pub failures: u32,
    /// Waiting time per success in milliseconds, including the waiting time of failures: the plain average if nothing
    /// failed. `None` without a success.
    pub latency_ms: Option<f64>,
    /// Standard error of the successes' average, in milliseconds; 0 with fewer than two.
    pub standard_error_ms: f64,
    /// Completion tokens per second of generation; `None` if unknown.
    pub tokens_per_second: Option<f64>,
}

impl Measured {
    /// Attempts that ended.
    pub fn samples(&self) -> u32 {
        self.successes.saturating_add(self.failures)
    }

    /// Tokens per second, reduced by the share of failed attempts; 0 if unknown.
    pub fn useful_tokens_per_second(&self) -> f64 {
        match self.tokens_per_second {
            Some(rate) if self.successes > 0 => {
                rate * f64::from(self.successes) / f64::from(self.samples())
            }
            _ => 0.0,
        }
    }
}

impl LatencySnapshot {
    /// Decodes a merged value; invalid bytes decode to an empty snapshot. Windows end at `now_ms`.
    pub fn decode(blob: &[u8], now_ms: u64) -> Self {
        Self {
            deployments: codec::decode(blob).into_iter().collect(),
            now_ms,
            answers: RefCell::default(),
        }
    }

    /// This snapshot with `samples` successes of exactly `latency_ms` for `deployment`. For explaining plans without
    /// traffic.
    #[must_use]
    pub fn assuming(
        mut self,
        deployment: DeploymentKey,
        latency_ms: u64,
        samples: u32,
        now_ms: u64,
    ) -> Self {
        let mut bucket = Bucket {
            number: number_at(now_ms),
            successes: samples,
            latency_sum: latency_ms.saturating_mul(u64::from(samples)),
            square_sum: (latency_ms as f64) * (latency_ms as f64) * f64::from(samples),
            ..Bucket::default()
        };
        for _ in 0..samples.min(1_000) {
            bucket.histogram.record(latency_ms);
        }
        let series = Series([bucket].into());
        match self
            .deployments
            .binary_search_by_key(&deployment, |(deployment, _)| *deployment)
        {
            Ok(position) => {
                if let Some(known) = self.deployments.get_mut(position) {
                    known.1 = series;
                }
            }
            Err(position) => self.deployments.insert(position, (deployment, series)),
        }
        self.now_ms = self.now_ms.max(now_ms);
        self.answers.take();
        self
    }

    /// The statistics of `deployment` in the last `window_ms`.
    pub fn measured(&self, deployment: DeploymentKey, window_ms: u64) -> Measured {
        self.over(deployment, Span::Window(window_ms))
    }

    /// The last estimate of `deployment`: the statistics of its newest samples, at least `enough` of them where there are so
    /// many. It ages but stays, for a day at most.
    pub fn last_measured(&self, deployment: DeploymentKey, enough: u32) -> Measured {
        self.over(deployment, Span::Newest(enough))
    }

    fn over(&self, deployment: DeploymentKey, span: Span) -> Measured {
        let Some(position) = self.position(deployment) else {
            return Measured::default();
        };
        let mut answers = self.answers.borrow_mut();
        let window = match answers.iter().position(|(known, _)| *known == span) {
            Some(window) => window,
            None => {
                answers.push((span, vec![None; self.deployments.len()]));
                answers.len().saturating_sub(1)
            }
        };
        let slot = answers
            .get_mut(window)
            .and_then(|(_, slots)| slots.get_mut(position));
        match slot {
            Some(slot) => *slot.get_or_insert_with(|| self.sum_up(position, span)),
            None => Measured::default(),
        }
    }

    fn sum_up(&self, position: usize, span: Span) -> Measured {
        let mut total = Measured::default();
        let mut latency_sum = 0_u64;
        let mut square_sum = 0.0;
        let mut waited_sum = 0_u64;
        let (mut tokens, mut token_ms) = (0_u64, 0_u64);
        for bucket in self.spanned(position, span) {
            total.successes = total.successes.saturating_add(bucket.successes);
            total.failures = total.failures.saturating_add(bucket.failures);
            latency_sum = latency_sum.saturating_add(bucket.latency_sum);
            square_sum += bucket.square_sum;
            waited_sum = waited_sum.saturating_add(bucket.waited_sum);
            tokens = tokens.saturating_add(bucket.tokens);
            token_ms = token_ms.saturating_add(bucket.token_ms);
        }
        if total.successes > 0 {
            let count = f64::from(total.successes);
            let mean = latency_sum as f64 / count;
            let waited = latency_sum.saturating_add(waited_sum);
            total.latency_ms = Some(waited as f64 / count);
            if total.successes > 1 {
                let variance = ((square_sum - count * mean * mean) / (count - 1.0)).max(0.0);
                total.standard_error_ms = (variance / count).sqrt();
            }
        }
        if tokens > 0 && token_ms > 0 {
            total.tokens_per_second = Some(tokens as f64 * 1_000.0 / token_ms as f64);
        }
        total
    }

    /// The successes of the last `window_ms`, for quantiles.
    pub fn histogram(&self, deployment: DeploymentKey, window_ms: u64) -> Histogram {
        let mut histogram = Histogram::default();
        if let Some(position) = self.position(deployment) {
            for bucket in self.spanned(position, Span::Window(window_ms)) {
                histogram.merge(&bucket.histogram);
            }
        }
        histogram
    }

    /// Deployments with samples, in no particular order.
    pub fn deployments(&self) -> impl Iterator<Item = DeploymentKey> {
        self.deployments.iter().map(|(deployment, _)| *deployment)
    }

    fn position(&self, deployment: DeploymentKey) -> Option<usize> {
        self.deployments
            .binary_search_by_key(&deployment, |(deployment, _)| *deployment)
            .ok()
    }

    /// A span covers whole buckets: a window the current one and as many previous ones as needed.
    fn spanned(&self, position: usize, span: Span) -> impl Iterator<Item = &Bucket> {
        let (oldest, mut wanted) = match span {
            Span::Window(window_ms) => {
                let reach = window_ms.clamp(BUCKET_MS, MAX_WINDOW_MS) / BUCKET_MS;
                let oldest = number_at(self.now_ms).saturating_sub(reach.saturating_sub(1));
                (oldest, u32::MAX)
            }
            Span::Newest(wanted) => (0, wanted),
        };
        self.deployments
            .get(position)
            .into_iter()
            .flat_map(|(_, series)| series.0.iter().rev())
            .take_while(move |bucket| {
                let is_wanted = bucket.number >= oldest && wanted > 0;
                let samples = bucket.successes.saturating_add(bucket.failures);
                wanted = wanted.saturating_sub(samples);
                is_wanted
            })
    }
}
