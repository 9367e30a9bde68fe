//! Health of targets: one pure state machine each, fed by probes and by traffic, kept in one blob of shared data.

use policy::{CircuitBreaker, HealthCheck, Target};

use crate::hash;

/// Identifies a target in shared data; changes when the target's address or credential source changes, so that its
/// state starts afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey(pub u64);

/// What the machine is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A probe came to its end.
    Probe(ProbeResult),
    /// An attempt of real traffic came to its end.
    Attempt(Outcome),
    /// A request was planned with this target half-open as its head.
    TrialStarted,
    /// The credential is there, or is not.
    Credential {
        /// It is.
        present: bool,
    },
    /// Time passes: announces what changed by time alone.
    Tick,
}

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeResult {
    /// An expected status.
    Success {
        /// Of the probe.
        latency_ms: u32,
    },
    /// A status that is not expected.
    Status(u16),
    /// No answer in time.
    TimedOut,
    /// No connection, or a broken one.
    Unreachable,
    /// 429: alive, and asks us to wait.
    RateLimited {
        /// As the provider said.
        retry_after_ms: Option<u64>,
    },
}

/// How an attempt of real traffic ended, as far as health is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It served.
    Success {
        /// Time to the whole answer or to the first token.
        latency_ms: u32,
    },
    /// 5xx, an overloaded error body, a stream that began with an error or was empty.
    ServerError,
    /// No connection.
    ConnectFailed,
    /// The connection broke before content.
    Reset,
    /// No answer or content in time.
    TimedOut,
    /// 401 or 403.
    AuthFailed,
    /// 429.
    RateLimited {
        /// As the provider said.
        retry_after_ms: Option<u64>,
    },
    /// A stream broke after content had been sent.
    StreamBroken,
    /// The provider answered that the client is wrong (4xx, unknown model, context length): no effect.
    ClientFault,
    /// The client hung up: no effect.
    ClientGone,
    /// Envoy's own connection pool was full: no effect.
    Overflow,
}

/// Why a target is in the state it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing happened yet.
    None,
    /// Attempts: 5xx.
    Upstream5xx,
    /// Attempts: no connection.
    UpstreamConnect,
    /// Attempts: broken before content.
    UpstreamReset,
    /// Attempts: no answer in time.
    UpstreamTimeout,
    /// Attempts or probes: 401, 403.
    UpstreamAuth,
    /// Attempts or probes: 429.
    UpstreamRateLimited,
    /// Attempts: a stream broke in the middle.
    StreamBroken,
    /// Probes: a status that is not expected.
    ProbeStatus,
    /// Probes: no answer in time.
    ProbeTimeout,
    /// Probes: no connection.
    ProbeUnreachable,
    /// The key is missing.
    CredentialMissing,
    /// Enough probes succeeded.
    ProbesSucceeded,
    /// Enough half-open requests succeeded.
    TrialsSucceeded,
    /// The time to wait is over.
    WaitOver,
    /// The credential is there again.
    CredentialFound,
}

/// State of a target as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Serves.
    Closed,
    /// Out after too many failures.
    Open,
    /// A few requests try whether it serves again.
    HalfOpen,
    /// Out because the provider asked us to wait; not a fault.
    Cooling,
    /// Out because its key is missing.
    NoCredential,
}

/// A change of phase: logged, counted and sent as an event by whoever's compare-and-swap won.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Before.
    pub from: Phase,
    /// After.
    pub to: Phase,
    /// Why.
    pub reason: Reason,
}

/// What a signal did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// The table differs and must be written back; `false` on the healthy hot path.
    pub changed: bool,
    /// The phase changed.
    pub transition: Option<Transition>,
    /// [`Signal::TrialStarted`] came too late: no trial is left, plan again.
    pub refused: bool,
}

/// Whether a target may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Yes.
    Available,
    /// Yes, since it recovered at this time: its share of traffic still grows.
    Ramping {
        /// When it recovered.
        since_ms: u64,
    },
    /// Yes, for few: send [`Signal::TrialStarted`] when it is the head of a plan.
    HalfOpen,
    /// No.
    Out {
        /// When it may be back.
        until_ms: u64,
        /// Why it is out.
        phase: Phase,
        /// Why it got there.
        reason: Reason,
    },
}

/// For `/health` (contract §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// State.
    pub phase: Phase,
    /// Of probes and traffic.
    pub consecutive_failures: u32,
    /// Unix milliseconds; `None` before the first.
    pub last_check_ms: Option<u64>,
    /// Why it is not healthy; [`Reason::None`] when it is.
    pub reason: Reason,
    /// Of the last successful probe, or attempt where there are no probes.
    pub latency_ms: Option<u32>,
}

/// A target's limits, from its `health_check` and `circuit_breaker`.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// Active probing.
    pub health_check: HealthCheck,
    /// Passive breaking.
    pub circuit_breaker: CircuitBreaker,
}

/// All targets' states.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HealthTable {}

/// The key of `target` in a [`HealthTable`].
pub fn target_key(target: &Target) -> TargetKey {
    let credential = format!("{:?}", target.credential);
    let address = format!("{}{}", target.base_url.authority(), target.base_url.path);
    TargetKey(hash::of_parts(&[
        target.id.as_bytes(),
        address.as_bytes(),
        credential.as_bytes(),
    ]))
}

impl Reason {
    /// Stable name for events, logs and `/health`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Upstream5xx => "upstream_5xx",
            Self::UpstreamConnect => "upstream_connect",
            Self::UpstreamReset => "upstream_reset",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamAuth => "upstream_auth",
            Self::UpstreamRateLimited => "upstream_rate_limited",
            Self::StreamBroken => "stream_broken",
            Self::ProbeStatus => "probe_status",
            Self::ProbeTimeout => "probe_timeout",
            Self::ProbeUnreachable => "probe_unreachable",
            Self::CredentialMissing => "credential_missing",
            Self::ProbesSucceeded => "probes_succeeded",
            Self::TrialsSucceeded => "trials_succeeded",
            Self::WaitOver => "wait_over",
            Self::CredentialFound => "credential_found",
        }
    }
}

impl Phase {
    /// Stable name for events and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Cooling => "cooling",
            Self::NoCredential => "no_credential",
        }
    }

    /// `status` of `/health`: a target that cools down is degraded, not unhealthy.
    pub fn status(self) -> &'static str {
        match self {
            Self::Closed => "healthy",
            Self::HalfOpen | Self::Cooling => "degraded",
            Self::Open | Self::NoCredential => "unhealthy",
        }
    }
}

impl Thresholds {
    /// Those of `target`.
    pub fn of(target: &Target) -> Self {
        Self {
            health_check: target.health_check.clone(),
            circuit_breaker: target.circuit_breaker.clone(),
        }
    }
}

impl HealthTable {
    /// Reads a blob of shared data; anything that is not one reads as an empty table.
    pub fn decode(_blob: &[u8]) -> Self {
        Self::default()
    }

    /// The blob for shared data.
    pub fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Feeds one signal to one target's machine.
    pub fn apply(
        &mut self,
        _key: TargetKey,
        _limits: &Thresholds,
        _signal: Signal,
        _now_ms: u64,
    ) -> Applied {
        Applied::default()
    }

    /// Whether the target may be used now. A target that is not in the table is available.
    pub fn availability(
        &self,
        _key: TargetKey,
        _limits: &Thresholds,
        _now_ms: u64,
    ) -> Availability {
        Availability::Available
    }

    /// For `/health`.
    pub fn status(&self, _key: TargetKey, _now_ms: u64) -> Status {
        Status {
            phase: Phase::Closed,
            consecutive_failures: 0,
            last_check_ms: None,
            reason: Reason::None,
            latency_ms: None,
        }
    }

    /// Forgets every target that `keep` does not name; for reloads. `true` when something went.
    pub fn retain(&mut self, _keep: &dyn Fn(TargetKey) -> bool) -> bool {
        false
    }
}
