//! The circuit breaker of one target.

use super::signal::{Outcome, ProbeResult, Reason, Signal};
use super::thresholds::Thresholds;

/// The first backoff after a 429 without `retry-after`, in milliseconds; doubled with each further one.
const INITIAL_BACKOFF_MS: u64 = 1_000;
/// Shortest backoff, in milliseconds. A shorter one would end before the next attempt, while a client refused because
/// of it would be told to wait for a second, the minimum of `retry-after`.
const MIN_BACKOFF_MS: u64 = 10;
/// Shortest interval at which traffic updates a healthy target's `last_check`, in milliseconds, so that the hot path
/// rarely writes shared data.
const REFRESH_MS: u64 = 5_000;

/// The visible state of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Serves.
    Closed = 0,
    /// Out after too many failures.
    Open = 1,
    /// Half-open requests test whether it serves again.
    HalfOpen = 2,
    /// The provider asked to wait; not a fault.
    RateLimited = 3,
    /// The key is missing.
    NoCredential = 4,
}

/// The stored state; [`Phase`] follows from it, the time and the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum CircuitState {
    Closed = 0,
    Open = 1,
    HalfOpen = 2,
}

/// The stored state of one target. Times are milliseconds of a monotonic clock; 0 is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CircuitBreaker {
    pub(super) circuit: CircuitState,
    pub(super) credential_missing: bool,
    /// The phase of the last transition.
    pub(super) announced: Phase,
    /// Why the circuit opened.
    pub(super) reason: Reason,
    /// Status of the last failed probe; 0 is none.
    pub(super) status: u16,
    /// Consecutive failures of probes or traffic.
    pub(super) failures: u16,
    /// Consecutive failures of traffic, regardless of probes.
    pub(super) traffic_failures: u16,
    /// Successful probes since it opened, or successful half-open requests.
    pub(super) successes: u16,
    /// Half-open requests in flight.
    pub(super) half_open_requests: u16,
    /// Consecutive 429s without `retry-after`.
    pub(super) unspecified_waits: u16,
    pub(super) latency_ms: u32,
    /// When the circuit entered its state.
    pub(super) since_ms: u64,
    /// End of the backoff that the provider asked for.
    pub(super) backoff_until_ms: u64,
    /// When it last recovered.
    pub(super) recovered_ms: u64,
    pub(super) last_check_ms: u64,
    pub(super) last_half_open_ms: u64,
}

/// The effect of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Why the phase may have changed; [`Reason::WaitOver`] if only time has passed.
    Taken(Reason),
    /// All half-open requests are in use.
    Refused,
}

impl Phase {
    const ALL: [Self; 5] = [
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::RateLimited,
        Self::NoCredential,
    ];

    /// Stable name for events and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::RateLimited => "cooling",
            Self::NoCredential => "no_credential",
        }
    }

    /// `status` of a provider in `/health`. A rate-limited one is not unhealthy.
    pub fn status(self) -> &'static str {
        match self {
            Self::Closed => "healthy",
            Self::HalfOpen | Self::RateLimited => "degraded",
            Self::Open | Self::NoCredential => "unhealthy",
        }
    }

    /// Requests may be sent to it, possibly only a few.
    pub fn serves(self) -> bool {
        match self {
            Self::Closed | Self::HalfOpen => true,
            Self::Open | Self::RateLimited | Self::NoCredential => false,
        }
    }

    pub(super) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl CircuitState {
    pub(super) fn numbered(number: u8) -> Option<Self> {
        [Self::Closed, Self::Open, Self::HalfOpen]
            .get(usize::from(number))
            .copied()
    }
}

impl CircuitBreaker {
    /// An unknown target: healthy.
    pub(super) const NEW: Self = Self {
        circuit: CircuitState::Closed,
        credential_missing: false,
        announced: Phase::Closed,
        reason: Reason::None,
        status: 0,
        failures: 0,
        traffic_failures: 0,
        successes: 0,
        half_open_requests: 0,
        unspecified_waits: 0,
        latency_ms: 0,
        since_ms: 0,
        backoff_until_ms: 0,
        recovered_ms: 0,
        last_check_ms: 0,
        last_half_open_ms: 0,
    };

    /// A target that has just entered `phase`.
    pub(super) fn as_if(phase: Phase, reason: Reason, now_ms: u64) -> Self {
        let circuit = match phase {
            Phase::Closed | Phase::RateLimited | Phase::NoCredential => CircuitState::Closed,
            Phase::Open => CircuitState::Open,
            Phase::HalfOpen => CircuitState::HalfOpen,
        };
        let backoff_until_ms = match phase {
            Phase::RateLimited => now_ms.saturating_add(INITIAL_BACKOFF_MS),
            Phase::Closed | Phase::Open | Phase::HalfOpen | Phase::NoCredential => 0,
        };
        Self {
            circuit,
            credential_missing: phase == Phase::NoCredential,
            announced: phase,
            reason,
            since_ms: now_ms,
            backoff_until_ms,
            ..Self::NEW
        }
    }

    pub(super) fn phase(&self, limits: &Thresholds, now_ms: u64) -> Phase {
        let circuit = match self.circuit {
            CircuitState::Open if !limits.probed && now_ms >= self.opens_until(limits) => {
                CircuitState::HalfOpen
            }
            circuit => circuit,
        };
        match circuit {
            _ if self.credential_missing => Phase::NoCredential,
            CircuitState::Open => Phase::Open,
            _ if self.backoff_until_ms > now_ms => Phase::RateLimited,
            CircuitState::HalfOpen => Phase::HalfOpen,
            CircuitState::Closed => Phase::Closed,
        }
    }

    /// When an open circuit without probes becomes half-open.
    pub(super) fn opens_until(&self, limits: &Thresholds) -> u64 {
        self.since_ms.saturating_add(limits.cooldown_ms)
    }

    /// When it last recovered, including a backoff that has just ended; 0 is never.
    pub(super) fn back_since(&self, now_ms: u64) -> u64 {
        if self.backoff_until_ms > now_ms {
            self.recovered_ms
        } else {
            self.recovered_ms.max(self.backoff_until_ms)
        }
    }

    /// Half-open requests that may be started now.
    pub(super) fn free_half_open_slots(&self, limits: &Thresholds, now_ms: u64) -> u32 {
        let (successes, half_open_requests) = match self.circuit {
            CircuitState::HalfOpen => (self.successes, self.half_open_requests),
            // Half-open by time, but not recorded yet.
            CircuitState::Open | CircuitState::Closed => (0, 0),
        };
        let lost = now_ms.saturating_sub(self.last_half_open_ms) >= limits.half_open_timeout_ms;
        let under_way = if lost {
            0
        } else {
            u32::from(half_open_requests)
        };
        limits
            .half_open_requests
            .saturating_sub(u32::from(successes))
            .saturating_sub(under_way)
    }

    pub(super) fn take(&mut self, signal: Signal, limits: &Thresholds, now_ms: u64) -> Effect {
        self.catch_up(limits, now_ms);
        match signal {
            Signal::Probe(result) => Effect::Taken(self.probed(result, limits, now_ms)),
            Signal::Attempt(outcome) => Effect::Taken(self.attempted(outcome, limits, now_ms)),
            Signal::FirstContent { latency_ms } => {
                Effect::Taken(self.half_open_succeeded(Some(latency_ms), limits, now_ms))
            }
            Signal::StreamEnd(outcome) => Effect::Taken(self.stream_ended(outcome, limits, now_ms)),
            Signal::HalfOpenRequestStarted => self.start_half_open_request(limits, now_ms),
            Signal::Credential { present } => Effect::Taken(self.credential(present, now_ms)),
            Signal::Tick => Effect::Taken(Reason::WaitOver),
        }
    }

    /// Advances the state to `now_ms`, which may be before the last update: workers race.
    fn catch_up(&mut self, limits: &Thresholds, now_ms: u64) {
        for time in [
            &mut self.since_ms,
            &mut self.recovered_ms,
            &mut self.last_check_ms,
            &mut self.last_half_open_ms,
        ] {
            *time = (*time).min(now_ms);
        }
        self.backoff_until_ms = self
            .backoff_until_ms
            .min(now_ms.saturating_add(limits.max_backoff_ms));
        self.recovered_ms = self.back_since(now_ms);
        if self.backoff_until_ms <= now_ms {
            self.backoff_until_ms = 0;
        }
        if self.circuit == CircuitState::Open
            && !limits.probed
            && now_ms >= self.opens_until(limits)
        {
            self.circuit = CircuitState::HalfOpen;
            self.since_ms = now_ms;
            self.successes = 0;
            self.half_open_requests = 0;
        }
    }

    fn probed(&mut self, result: ProbeResult, limits: &Thresholds, now_ms: u64) -> Reason {
        self.last_check_ms = now_ms;
        let failure_reason = match result {
            ProbeResult::Success { latency_ms } => {
                self.latency_ms = latency_ms;
                return self.probe_succeeded(limits, now_ms);
            }
            ProbeResult::RateLimited { retry_after_ms } => {
                return self.start_backoff(retry_after_ms, limits, now_ms);
            }
            ProbeResult::Status(401 | 403) => Reason::UpstreamAuth,
            ProbeResult::Status(_) => Reason::ProbeStatus,
            ProbeResult::TimedOut => Reason::ProbeTimeout,
            ProbeResult::Unreachable => Reason::ProbeUnreachable,
        };
        self.status = match result {
            ProbeResult::Status(status) => status,
            ProbeResult::Success { .. }
            | ProbeResult::TimedOut
            | ProbeResult::Unreachable
            | ProbeResult::RateLimited { .. } => 0,
        };
        if !limits.probed {
            // Probes were disabled while this one was in flight.
            return Reason::WaitOver;
        }
        self.failures = self.failures.saturating_add(1);
        self.reason = failure_reason;
        match self.circuit {
            CircuitState::Closed if u32::from(self.failures) >= limits.failures => {
                self.open(now_ms)
            }
            CircuitState::Closed => {}
            CircuitState::Open => self.successes = 0,
            CircuitState::HalfOpen => self.open(now_ms),
        }
        failure_reason
    }

    fn probe_succeeded(&mut self, limits: &Thresholds, now_ms: u64) -> Reason {
        match self.circuit {
            CircuitState::Closed => self.failures = 0,
            CircuitState::Open | CircuitState::HalfOpen if limits.probed => {
                self.successes = self.successes.saturating_add(1);
                if u32::from(self.successes) >= limits.probe_successes {
                    self.close(now_ms);
                    return Reason::ProbesSucceeded;
                }
            }
            CircuitState::Open | CircuitState::HalfOpen => {}
        }
        Reason::WaitOver
    }

    fn attempted(&mut self, outcome: Outcome, limits: &Thresholds, now_ms: u64) -> Reason {
        match outcome {
            Outcome::Success { latency_ms } => self.served(latency_ms, limits, now_ms),
            Outcome::RateLimited { retry_after_ms } => {
                self.end_half_open_request();
                self.start_backoff(retry_after_ms, limits, now_ms)
            }
            Outcome::ClientFault => self.half_open_succeeded(None, limits, now_ms),
            Outcome::Inconclusive
            | Outcome::ClientDisconnected
            | Outcome::Overflow
            | Outcome::Superseded
            | Outcome::OneAddressDown => {
                self.end_half_open_request();
                Reason::WaitOver
            }
            Outcome::ServerError
            | Outcome::ConnectFailed
            | Outcome::Reset
            | Outcome::TimedOut
            | Outcome::AuthFailed
            | Outcome::StreamBroken => match outcome.failure_reason() {
                Some(failure_reason) => self.failed(failure_reason, limits, now_ms),
                None => Reason::WaitOver,
            },
        }
    }

    /// Ends the stream of a half-open request. A failure after its first content counts like any other, and a target
    /// that is still half-open opens again.
    fn stream_ended(&mut self, outcome: Outcome, limits: &Thresholds, now_ms: u64) -> Reason {
        match outcome {
            Outcome::Success { latency_ms } if self.circuit == CircuitState::Closed => {
                self.served(latency_ms, limits, now_ms)
            }
            Outcome::RateLimited { retry_after_ms } => {
                self.start_backoff(retry_after_ms, limits, now_ms)
            }
            _ => match outcome.failure_reason() {
                Some(failure_reason) if self.circuit == CircuitState::HalfOpen => {
                    self.half_open_failed(failure_reason, now_ms);
                    failure_reason
                }
                Some(failure_reason) => self.failed(failure_reason, limits, now_ms),
                None => Reason::WaitOver,
            },
        }
    }

    fn served(&mut self, latency_ms: u32, limits: &Thresholds, now_ms: u64) -> Reason {
        match self.circuit {
            CircuitState::Closed => {
                let noteworthy =
                    self.failures > 0 || self.traffic_failures > 0 || self.unspecified_waits > 0;
                let stale = now_ms.saturating_sub(self.last_check_ms) >= REFRESH_MS;
                if noteworthy || stale {
                    self.last_check_ms = now_ms;
                    self.failures = 0;
                    self.traffic_failures = 0;
                    if self.backoff_until_ms <= now_ms {
                        self.unspecified_waits = 0;
                    }
                    if !limits.probed {
                        self.latency_ms = latency_ms;
                    }
                }
                Reason::WaitOver
            }
            CircuitState::Open | CircuitState::HalfOpen => {
                self.half_open_succeeded(Some(latency_ms), limits, now_ms)
            }
        }
    }

    /// Ignored if no half-open request is in flight: such an outcome is late, or its request was sent because the group
    /// is `fail_open`, and neither proves recovery.
    fn half_open_succeeded(
        &mut self,
        latency_ms: Option<u32>,
        limits: &Thresholds,
        now_ms: u64,
    ) -> Reason {
        if self.circuit != CircuitState::HalfOpen || self.half_open_requests == 0 {
            return Reason::WaitOver;
        }
        self.end_half_open_request();
        self.last_check_ms = now_ms;
        self.latency_ms = latency_ms.unwrap_or(self.latency_ms);
        self.successes = self.successes.saturating_add(1);
        if u32::from(self.successes) >= limits.half_open_requests {
            self.close(now_ms);
        }
        Reason::HalfOpenRequestsSucceeded
    }

    fn half_open_failed(&mut self, failure_reason: Reason, now_ms: u64) {
        self.failures = self.failures.saturating_add(1);
        self.last_check_ms = now_ms;
        self.reason = failure_reason;
        self.status = 0;
        self.open(now_ms);
    }

    fn failed(&mut self, failure_reason: Reason, limits: &Thresholds, now_ms: u64) -> Reason {
        match self.circuit {
            CircuitState::Closed if !limits.breaks => {}
            CircuitState::Closed => {
                self.failures = self.failures.saturating_add(1);
                self.traffic_failures = self.traffic_failures.saturating_add(1);
                self.last_check_ms = now_ms;
                self.reason = failure_reason;
                self.status = 0;
                let by_all = limits.probed && u32::from(self.failures) >= limits.failures;
                let by_traffic = u32::from(self.traffic_failures) >= limits.traffic_failures;
                if by_all || by_traffic {
                    self.open(now_ms);
                }
            }
            CircuitState::HalfOpen if self.half_open_requests > 0 => {
                self.half_open_failed(failure_reason, now_ms)
            }
            // Late: sent before the circuit opened.
            CircuitState::Open | CircuitState::HalfOpen => {}
        }
        failure_reason
    }

    fn start_backoff(&mut self, wait_ms: Option<u64>, limits: &Thresholds, now_ms: u64) -> Reason {
        let backing_off = self.backoff_until_ms > now_ms;
        let wait_ms = match wait_ms {
            Some(wait_ms) => wait_ms,
            // Many attempts may return 429 at once; only the first one counts.
            None if backing_off => 0,
            None => {
                let doublings = u32::from(self.unspecified_waits.min(16));
                self.unspecified_waits = self.unspecified_waits.saturating_add(1);
                INITIAL_BACKOFF_MS
                    .saturating_mul(1_u64 << doublings)
                    .min(limits.cooldown_ms)
            }
        };
        let wait_ms = wait_ms.min(limits.max_backoff_ms);
        let until_ms = now_ms.saturating_add(wait_ms);
        if until_ms > self.backoff_until_ms && wait_ms >= MIN_BACKOFF_MS {
            self.backoff_until_ms = until_ms;
            self.last_check_ms = now_ms;
        }
        Reason::UpstreamRateLimited
    }

    fn start_half_open_request(&mut self, limits: &Thresholds, now_ms: u64) -> Effect {
        match self.phase(limits, now_ms) {
            Phase::Closed => Effect::Taken(Reason::WaitOver),
            Phase::HalfOpen if self.free_half_open_slots(limits, now_ms) > 0 => {
                if now_ms.saturating_sub(self.last_half_open_ms) >= limits.half_open_timeout_ms {
                    self.half_open_requests = 0;
                }
                self.half_open_requests = self.half_open_requests.saturating_add(1);
                self.last_half_open_ms = now_ms;
                Effect::Taken(Reason::WaitOver)
            }
            Phase::HalfOpen | Phase::Open | Phase::RateLimited | Phase::NoCredential => {
                Effect::Refused
            }
        }
    }

    fn end_half_open_request(&mut self) {
        if self.circuit == CircuitState::HalfOpen {
            self.half_open_requests = self.half_open_requests.saturating_sub(1);
        }
    }

    fn credential(&mut self, present: bool, now_ms: u64) -> Reason {
        if present == self.credential_missing {
            self.credential_missing = !present;
            if present {
                self.close(now_ms);
                // It was never down: no slow start.
                self.recovered_ms = 0;
            }
        }
        if present {
            Reason::CredentialFound
        } else {
            Reason::CredentialMissing
        }
    }

    fn open(&mut self, now_ms: u64) {
        self.circuit = CircuitState::Open;
        self.since_ms = now_ms;
        self.successes = 0;
        self.half_open_requests = 0;
    }

    fn close(&mut self, now_ms: u64) {
        self.circuit = CircuitState::Closed;
        self.since_ms = now_ms;
        self.recovered_ms = now_ms;
        self.failures = 0;
        self.traffic_failures = 0;
        self.successes = 0;
        self.half_open_requests = 0;
        self.status = 0;
        self.reason = Reason::None;
    }
}
