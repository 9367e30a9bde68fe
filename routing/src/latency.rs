//! Recent latency and throughput of every deployment: recorded per worker, merged, read as a snapshot.
//!
//! ```text
//!  attempt ends ──▶ LocalWindow (worker) ──tick──▶ blob in shared data ──tick──▶ Snapshot (worker) ──▶ strategies
//! ```
//!
//! Time is divided into buckets of a second; a window is the last few of them, so old samples leave it automatically.
//! Buckets older than a minute are merged in groups of ten, so that long windows stay small. A failure counts with its
//! waiting time, so that a target that hangs does not look fast.

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

/// Shortest window, and resolution of windows of up to a minute, in milliseconds.
pub const BUCKET_MS: u64 = 1_000;
/// Longest window, in milliseconds; older samples are discarded.
pub const MAX_WINDOW_MS: u64 = 600_000;
/// Most deployments kept; samples of further ones are dropped.
const MAX_DEPLOYMENTS: usize = 2_048;

/// Identifies a deployment in shared data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeploymentKey(pub u64);

/// One finished attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// It succeeded.
    Success {
        /// Milliseconds to the complete response; for streams, to the first token.
        latency_ms: u64,
        /// Completion tokens and the milliseconds they took, if known.
        throughput: Option<(u64, u64)>,
    },
    /// It failed, or timed out.
    Failure {
        /// Milliseconds from sending to giving up.
        waited_ms: u64,
    },
}
