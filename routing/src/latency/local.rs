//! What one worker measured since it last merged.

use std::collections::BTreeMap;

use super::bucket::{Series, number_at};
use super::{MAX_PAIRS, PairKey, Sample, codec};

/// Samples of one worker, waiting for the next merge.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalWindow {
    pairs: BTreeMap<PairKey, Series>,
}

impl LocalWindow {
    /// Counts one attempt that has just ended.
    pub fn record(&mut self, pair: PairKey, sample: Sample, now_ms: u64) {
        if self.pairs.len() >= MAX_PAIRS && !self.pairs.contains_key(&pair) {
            return;
        }
        let series = self.pairs.entry(pair).or_default();
        if let Some(bucket) = series.bucket(number_at(now_ms)) {
            bucket.record(sample);
        }
    }

    /// Nothing to merge.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// How many attempts of each pair are waiting.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (PairKey, u32)> {
        self.pairs.iter().map(|(pair, series)| {
            let samples = series
                .0
                .iter()
                .map(|bucket| bucket.successes.saturating_add(bucket.failures));
            (*pair, samples.fold(0, u32::saturating_add))
        })
    }

    /// The shared blob with this worker's samples added and what is too old removed. The caller writes it with
    /// compare-and-swap: when that succeeds it calls [`Self::clear`], and when it has lost the race it merges again into
    /// the newer blob.
    pub fn merge_into(&self, blob: &[u8], now_ms: u64) -> Vec<u8> {
        let mut shared = codec::decode(blob);
        for (pair, series) in &self.pairs {
            if shared.len() < MAX_PAIRS || shared.contains_key(pair) {
                shared.entry(*pair).or_default().merge(series);
            }
        }
        shared.retain(|_, series| {
            series.tidy(now_ms);
            !series.0.is_empty()
        });
        codec::encode(&shared)
    }

    /// Forgets what was merged.
    pub fn clear(&mut self) {
        self.pairs.clear();
    }
}
