//! Latency and throughput of every (target, model) in recent time: gathered per worker, merged, read as a snapshot.
//!
//! ```text
//!  attempt ends ──▶ LocalWindow (worker) ──tick──▶ blob in shared data ──tick──▶ Snapshot (worker) ──▶ strategies
//! ```
//!
//! Time is cut into buckets of a second; a window is the last few of them, so that old samples leave it by themselves.
//! Buckets older than a minute are joined by tens, so that long windows stay small. A failure counts with the time that
//! was waited for it, so that a target that hangs does not look fast.

mod bucket;
mod codec;
mod histogram;
mod local;
mod snapshot;
#[cfg(test)]
mod tests;

pub use histogram::Histogram;
pub use local::LocalWindow;
pub use snapshot::{LatencySnapshot, Measured};

/// Shortest window, and how finely windows of up to a minute slide, in milliseconds.
pub const BUCKET_MS: u64 = 1_000;
/// Longest window, in milliseconds; what is older is forgotten.
pub const MAX_WINDOW_MS: u64 = 600_000;
/// Pairs that are kept; samples of further ones are dropped.
const MAX_DEPLOYMENTS: usize = 2_048;

/// Identifies a (target, model) pair in shared data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeploymentKey(pub u64);

/// One finished attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// It served.
    Success {
        /// Milliseconds to the whole answer; for streams, to the first token.
        latency_ms: u64,
        /// Completion tokens and the milliseconds that they took, where known.
        throughput: Option<(u64, u64)>,
    },
    /// It failed, or timed out.
    Failure {
        /// Milliseconds from sending to giving up.
        waited_ms: u64,
    },
}
