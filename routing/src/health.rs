//! Health of targets: one pure state machine each, fed by probes and by traffic, kept in one blob of shared data.
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
//! - A target is out after `unhealthy_threshold` consecutive failures of probes or traffic, or after
//!   `failure_threshold` consecutive failures of traffic whatever probes say (a provider may list its models and still
//!   fail to complete). Where no probe is configured only the latter counts.
//! - Client faults, client hang-ups and full connection pools never count, nor does one bad address of several, nor what
//!   says nothing. Neither does 429, which cools down. But a client's fault that the provider found proves that it is
//!   alive: a trial that ends so has succeeded.
//! - A trial ends with the first content of its answer, however long its stream takes.
//! - Times are milliseconds of a clock that is not set, so that no wait lasts for as long as a clock was wrong.
//! - What arrives late changes nothing: while open, only probes and the passing of time count.

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

/// How long a recovered target's share of traffic grows, in milliseconds.
pub const SLOW_START_MS: u64 = 10_000;

/// Identifies a target in shared data. It changes with the target's address or credential source, so that such a
/// change starts afresh; state of targets that stay survives a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey(pub u64);

/// Of what the gateway itself asks of `target`. These have a breaker of their own: an endpoint that hangs while the rest of
/// the target serves must not make every request wait.
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
