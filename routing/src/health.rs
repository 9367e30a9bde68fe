//! Health of targets: one pure state machine per target, fed by probes and traffic, stored in one value of shared data.
//!
//! ```text
//!            threshold failures                      probed: healthy_threshold probes succeed
//!  closed ─────────────────────────▶ open ──────────────────────────────────────────▶ closed, slow start
//!                                     │  not probed: after cooldown                        ▲
//!                                     ├─────────────────────▶ half-open ── trials succeed ─┤
//!                                     ◀──── a trial fails ──────┘                          │
//!  any but open ── 429 ─▶ cooling ── the provider's wait is over ──────────────────────────┘
//!  any ── key missing ─▶ no credential ── key found ─▶ closed
//! ```
//!
//! - A target opens after `unhealthy_threshold` consecutive failures of probes or traffic, or after `failure_threshold`
//!   consecutive failures of traffic alone (a provider may list its models and still fail to complete). Without probes
//!   only the latter counts.
//! - Client errors, client disconnects and full connection pools never count, nor does one bad address of several, nor
//!   an inconclusive outcome. Neither does 429, which starts a backoff. But a client error reported by the provider
//!   proves that it is alive: it completes a half-open request successfully.
//! - A half-open request ends with the first content of its response, however long the stream lasts.
//! - Times come from a monotonic clock, so that no wait lasts longer because a clock was set.
//! - Late outcomes change nothing: while open, only probes and time count.

mod addresses;
mod circuit_breaker;
mod codec;
mod signal;
mod table;
#[cfg(test)]
mod tests;
mod thresholds;

use policy::Target;

use crate::hash;

pub use addresses::Addresses;
pub use circuit_breaker::Phase;
pub use signal::{Outcome, ProbeResult, Reason, Signal};
pub use table::{Applied, Availability, HealthTable, Status, Transition};
pub use thresholds::Thresholds;

/// Time in which a recovered target's share of traffic grows, in milliseconds.
pub const SLOW_START_MS: u64 = 10_000;

/// Identifies a target in shared data. A change of the target's address or credential source changes the key and resets
/// the state; the state of unchanged targets survives a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey(pub u64);

/// The key of the gateway's own requests to `target`. They have a separate breaker: an endpoint that hangs while the
/// rest of the target serves must not delay every request.
pub(crate) fn callouts_key(target: TargetKey) -> TargetKey {
    TargetKey(hash::of_parts(&[b"callouts", &target.0.to_le_bytes()]))
}

/// The key of `target`.
pub fn target_key(target: &Target) -> TargetKey {
    let credential = format!("{:?}", target.credential);
    let scheme = if target.base_url.tls { "https" } else { "http" };
    TargetKey(hash::of_parts(&[
        target.id.as_bytes(),
        scheme.as_bytes(),
        target.base_url.authority().as_bytes(),
        target.base_url.path.as_bytes(),
        credential.as_bytes(),
    ]))
}
