//! Inputs of the circuit breaker, and the reasons for its transitions.

/// An input for one target's breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A probe ended.
    Probe(ProbeResult),
    /// An attempt of real traffic ended.
    Attempt(Outcome),
    /// A half-open request has received its first content: proof of recovery, however long its stream lasts.
    FirstContent {
        /// Milliseconds until then.
        latency_ms: u32,
    },
    /// An attempt ended that has reported [`Signal::FirstContent`].
    StreamEnd(Outcome),
    /// A request was planned with this half-open target as primary.
    HalfOpenRequestStarted,
    /// The credential was checked.
    Credential {
        /// It is present.
        present: bool,
    },
    /// Time has passed: announces changes by time alone.
    Tick,
}

/// The result of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeResult {
    /// An expected status.
    Success {
        /// Milliseconds from sending to the response.
        latency_ms: u32,
    },
    /// An unexpected status other than 429.
    Status(u16),
    /// No response in time.
    TimedOut,
    /// No connection, or a reset.
    Unreachable,
    /// 429: alive, and asks to wait.
    RateLimited {
        /// As sent by the provider.
        retry_after_ms: Option<u64>,
    },
}

/// The outcome of an attempt of real traffic, for health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Success {
        /// Milliseconds to the complete response, or to the first content of a stream.
        latency_ms: u32,
    },
    /// 5xx, an error body that reports overload, or a stream that started with an error or was empty.
    ServerError,
    /// No connection could be made.
    ConnectFailed,
    /// The connection was reset before content.
    Reset,
    /// No response, or no content, in time.
    TimedOut,
    /// The gateway's credential was rejected.
    AuthFailed,
    /// 429.
    RateLimited {
        /// As sent by the provider.
        retry_after_ms: Option<u64>,
    },
    /// A stream failed after content was sent.
    StreamBroken,
    /// The provider reported a client error (other 4xx, unknown model, context length). It is alive: completes a
    /// half-open request successfully, otherwise no effect.
    ClientFault,
    /// Inconclusive: a firewall or proxy responded instead of the provider, or nothing was sent. No effect.
    Inconclusive,
    /// The client disconnected: no effect.
    ClientDisconnected,
    /// Envoy's connection pool was full: no effect.
    Overflow,
    /// A hedged request to another target responded first: no effect.
    Superseded,
    /// One address of several could not be reached: no effect, see [`super::Addresses`].
    OneAddressDown,
}

/// Why a target is in its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// No reason.
    None = 0,
    /// Attempts: 5xx.
    Upstream5xx = 1,
    /// Attempts: no connection.
    UpstreamConnect = 2,
    /// Attempts: reset before content.
    UpstreamReset = 3,
    /// Attempts: no response in time.
    UpstreamTimeout = 4,
    /// Attempts or probes: 401, 403.
    UpstreamAuth = 5,
    /// Attempts or probes: 429.
    UpstreamRateLimited = 6,
    /// Attempts: a stream failed after content.
    StreamBroken = 7,
    /// Probes: an unexpected status.
    ProbeStatus = 8,
    /// Probes: no response in time.
    ProbeTimeout = 9,
    /// Probes: no connection.
    ProbeUnreachable = 10,
    /// The key is missing.
    CredentialMissing = 11,
    /// Recovered: enough probes succeeded.
    ProbesSucceeded = 12,
    /// Recovered: enough half-open requests succeeded.
    HalfOpenRequestsSucceeded = 13,
    /// Recovered: the wait is over.
    WaitOver = 14,
    /// Recovered: the key was found.
    CredentialFound = 15,
}

impl Reason {
    const ALL: [Self; 16] = [
        Self::None,
        Self::Upstream5xx,
        Self::UpstreamConnect,
        Self::UpstreamReset,
        Self::UpstreamTimeout,
        Self::UpstreamAuth,
        Self::UpstreamRateLimited,
        Self::StreamBroken,
        Self::ProbeStatus,
        Self::ProbeTimeout,
        Self::ProbeUnreachable,
        Self::CredentialMissing,
        Self::ProbesSucceeded,
        Self::HalfOpenRequestsSucceeded,
        Self::WaitOver,
        Self::CredentialFound,
    ];

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
            Self::HalfOpenRequestsSucceeded => "trials_succeeded",
            Self::WaitOver => "wait_over",
            Self::CredentialFound => "credential_found",
        }
    }

    /// The reason with this number in shared data.
    pub(super) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl Outcome {
    /// The failure that counts against the target; `None` if the outcome is no failure of the target.
    pub(super) fn failure_reason(self) -> Option<Reason> {
        match self {
            Self::ServerError => Some(Reason::Upstream5xx),
            Self::ConnectFailed => Some(Reason::UpstreamConnect),
            Self::Reset => Some(Reason::UpstreamReset),
            Self::TimedOut => Some(Reason::UpstreamTimeout),
            Self::AuthFailed => Some(Reason::UpstreamAuth),
            Self::StreamBroken => Some(Reason::StreamBroken),
            Self::Success { .. }
            | Self::RateLimited { .. }
            | Self::ClientFault
            | Self::Inconclusive
            | Self::ClientDisconnected
            | Self::Overflow
            | Self::Superseded
            | Self::OneAddressDown => None,
        }
    }
}
