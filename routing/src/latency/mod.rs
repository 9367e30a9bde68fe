//! Latency and throughput of every (target, model) in recent time: gathered per worker, merged, read as a snapshot.

/// Identifies a (target, model) pair in shared data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairKey(pub u64);

/// One finished attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// It served.
    Success {
        /// Time to the whole answer; for streams, to the first token.
        latency_ms: u64,
        /// Completion tokens and the milliseconds they took, where known.
        throughput: Option<(u64, u64)>,
    },
    /// It failed after this waiting time.
    Failure {
        /// From sending to giving up.
        waited_ms: u64,
    },
}

/// What one worker measured since it last merged.
#[derive(Debug, Clone, Default)]
pub struct LocalWindow {}

/// Merged windows, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {}

impl LocalWindow {
    /// Counts one attempt.
    pub fn record(&mut self, _pair: PairKey, _sample: Sample, _now_ms: u64) {}

    /// Nothing to merge.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// The shared blob with this worker's samples added and what is too old removed. The caller writes it with
    /// compare-and-swap, on success calls [`Self::clear`], and on a lost race merges again into the newer blob.
    pub fn merge_into(&self, blob: &[u8], _now_ms: u64) -> Vec<u8> {
        blob.to_vec()
    }

    /// Forgets what was merged.
    pub fn clear(&mut self) {}
}

impl Snapshot {
    /// Reads a merged blob; anything that is not one reads as empty.
    pub fn decode(_blob: &[u8], _now_ms: u64) -> Self {
        Self::default()
    }
}
