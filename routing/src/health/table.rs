//! The health of all targets: read for plans and `/health`, updated by signals.

use super::circuit_breaker::{CircuitBreaker, Effect, Phase};
use super::signal::{Reason, Signal};
use super::thresholds::Thresholds;
use super::{SLOW_START_MS, TargetKey};

/// Most targets kept; signals of further ones are dropped, and those count as healthy.
pub(super) const MAX_TARGETS: usize = 4_096;
/// When to retry a half-open target whose half-open requests are all in use, in milliseconds.
const HALF_OPEN_RETRY_MS: u64 = 1_000;

/// The state of every target that has received a signal.
///
/// Shared data holds the [`HealthTable::encode`]d bytes. A writer decodes them, applies its signals and, if something
/// [changed](Applied::changed), writes with compare-and-swap; if it loses the race, it decodes the newer bytes and
/// applies the signals again. Only the winner logs the [`Transition`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthTable {
    /// Sorted by key.
    pub(super) breakers: Vec<(TargetKey, CircuitBreaker)>,
}

/// A change of phase. Logged, counted and sent as an event by the worker whose compare-and-swap won.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The previous phase.
    pub from: Phase,
    /// The new phase.
    pub to: Phase,
    /// The reason.
    pub reason: Reason,
}

/// The result of a signal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// The table changed and must be written; `false` on the healthy hot path.
    pub changed: bool,
    /// The phase changed, by this signal or by time since the last one.
    pub transition: Option<Transition>,
    /// [`Signal::HalfOpenRequestStarted`] was too late: all half-open requests are in use, plan again.
    pub refused: bool,
}

/// Whether a target may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It may be used.
    Available,
    /// It may be used, with a share of traffic that grows for [`SLOW_START_MS`].
    Recovering {
        /// When it recovered, by the caller's clock.
        since_ms: u64,
    },
    /// Half-open, and another half-open request is allowed.
    HalfOpen,
    /// It may not be used.
    Out {
        /// When it may be used again, by the caller's clock; `None` if that does not depend on time.
        until_ms: Option<u64>,
        /// Its phase.
        phase: Phase,
        /// The reason for the phase.
        reason: Reason,
    },
}

/// A provider's entry in `/health` (contract §5); `status` is [`Phase::status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Its state.
    pub phase: Phase,
    /// Of probes and traffic.
    pub consecutive_failures: u32,
    /// By the caller's clock; `None` before the first.
    pub last_check_ms: Option<u64>,
    /// Why it is not healthy; [`Reason::None`] when it is.
    pub reason: Reason,
    /// Status of the last probe, if that was the reason.
    pub http_status: Option<u16>,
    /// Of the last successful probe, or attempt if there are no probes.
    pub latency_ms: Option<u32>,
}

impl HealthTable {
    /// Applies one signal to one target's breaker.
    pub fn apply(
        &mut self,
        key: TargetKey,
        limits: &Thresholds,
        signal: Signal,
        now_ms: u64,
    ) -> Applied {
        let before = self.breaker(key).copied().unwrap_or(CircuitBreaker::NEW);
        let mut after = before;
        let effect = after.take(signal, limits, now_ms);
        let phase = after.phase(limits, now_ms);
        let transition = match effect {
            Effect::Taken(reason) if phase != before.announced => Some(Transition {
                from: before.announced,
                to: phase,
                reason: cause(phase, reason),
            }),
            Effect::Refused if phase != before.announced => Some(Transition {
                from: before.announced,
                to: phase,
                reason: Reason::WaitOver,
            }),
            Effect::Taken(_) | Effect::Refused => None,
        };
        after.announced = phase;
        let changed = after != before && self.store(key, after);
        Applied {
            changed,
            transition: transition.filter(|_| changed),
            refused: effect == Effect::Refused,
        }
    }

    /// Whether the target may be used now. A target without signals is available.
    pub fn availability(&self, key: TargetKey, limits: &Thresholds, now_ms: u64) -> Availability {
        let Some(breaker) = self.breaker(key) else {
            return Availability::Available;
        };
        let out = |until_ms, phase, reason| Availability::Out {
            until_ms,
            phase,
            reason,
        };
        match breaker.phase(limits, now_ms) {
            phase @ Phase::NoCredential => out(None, phase, Reason::CredentialMissing),
            phase @ Phase::Open => out(
                Some(back_at(breaker, limits, now_ms)),
                phase,
                breaker.reason,
            ),
            phase @ Phase::RateLimited => out(
                Some(breaker.backoff_until_ms),
                phase,
                Reason::UpstreamRateLimited,
            ),
            Phase::HalfOpen if breaker.free_half_open_slots(limits, now_ms) > 0 => {
                Availability::HalfOpen
            }
            phase @ Phase::HalfOpen => out(
                Some(now_ms.saturating_add(HALF_OPEN_RETRY_MS)),
                phase,
                breaker.reason,
            ),
            Phase::Closed => match breaker.back_since(now_ms) {
                0 => Availability::Available,
                since_ms if now_ms.saturating_sub(since_ms) < SLOW_START_MS => {
                    Availability::Recovering { since_ms }
                }
                _ => Availability::Available,
            },
        }
    }

    /// This table with one target as if it had just entered `phase` because of `reason`. For explaining plans without
    /// traffic.
    #[must_use]
    pub fn assuming(mut self, key: TargetKey, phase: Phase, reason: Reason, now_ms: u64) -> Self {
        self.store(key, CircuitBreaker::as_if(phase, reason, now_ms));
        self
    }

    /// For `/health`.
    pub fn status(&self, key: TargetKey, limits: &Thresholds, now_ms: u64) -> Status {
        let breaker = self.breaker(key).unwrap_or(&CircuitBreaker::NEW);
        let phase = breaker.phase(limits, now_ms);
        let reason = match phase {
            Phase::Closed => Reason::None,
            Phase::Open | Phase::HalfOpen => breaker.reason,
            Phase::RateLimited => Reason::UpstreamRateLimited,
            Phase::NoCredential => Reason::CredentialMissing,
        };
        let by_probe = matches!(reason, Reason::ProbeStatus | Reason::UpstreamAuth);
        Status {
            phase,
            consecutive_failures: u32::from(breaker.failures.max(breaker.traffic_failures)),
            last_check_ms: (breaker.last_check_ms > 0).then_some(breaker.last_check_ms),
            reason,
            http_status: (by_probe && breaker.status > 0).then_some(breaker.status),
            latency_ms: (breaker.latency_ms > 0).then_some(breaker.latency_ms),
        }
    }

    /// Removes every target that `keep` rejects; for reloads. Returns `true` if any was removed.
    pub fn retain(&mut self, keep: impl Fn(TargetKey) -> bool) -> bool {
        let before = self.breakers.len();
        self.breakers.retain(|(key, _)| keep(*key));
        self.breakers.len() != before
    }

    fn breaker(&self, key: TargetKey) -> Option<&CircuitBreaker> {
        let position = self
            .breakers
            .binary_search_by_key(&key, |(key, _)| *key)
            .ok()?;
        self.breakers.get(position).map(|(_, breaker)| breaker)
    }

    fn store(&mut self, key: TargetKey, breaker: CircuitBreaker) -> bool {
        match self.breakers.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(position) => {
                if let Some(slot) = self.breakers.get_mut(position) {
                    slot.1 = breaker;
                }
                true
            }
            Err(_) if self.breakers.len() >= MAX_TARGETS => false,
            Err(position) => {
                self.breakers.insert(position, (key, breaker));
                true
            }
        }
    }
}

/// When an open target recovers if every probe succeeds from now on.
fn back_at(breaker: &CircuitBreaker, limits: &Thresholds, now_ms: u64) -> u64 {
    if !limits.probed {
        return breaker.opens_until(limits).max(now_ms);
    }
    let missing = limits
        .probe_successes
        .saturating_sub(u32::from(breaker.successes))
        .max(1);
    let further = u64::from(missing.saturating_sub(1)).saturating_mul(limits.interval_ms);
    breaker
        .last_check_ms
        .saturating_add(limits.interval_ms)
        .max(now_ms)
        .saturating_add(further)
}

/// Time may change the phase together with a signal; the reason must fit the resulting phase.
fn cause(phase: Phase, reason: Reason) -> Reason {
    let fits = match phase {
        Phase::Closed => matches!(
            reason,
            Reason::ProbesSucceeded | Reason::HalfOpenRequestsSucceeded | Reason::CredentialFound
        ),
        Phase::HalfOpen => false,
        Phase::RateLimited => return Reason::UpstreamRateLimited,
        Phase::NoCredential => return Reason::CredentialMissing,
        Phase::Open => true,
    };
    if fits { reason } else { Reason::WaitOver }
}
