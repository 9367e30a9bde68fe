//! What the health machine is told, and the reasons that follow from it.

/// An event in the life of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A probe came to its end.
    Probe(ProbeResult),
    /// An attempt of real traffic came to its end.
    Attempt(Outcome),
    /// An attempt that was a trial has shown its first content: that is proof enough, however long its stream takes.
    FirstContent {
        /// Milliseconds to it.
        latency_ms: u32,
    },
    /// An attempt came to its end that has told its [`Signal::FirstContent`].
    StreamEnd(Outcome),
    /// A request was planned with this half-open target as its head.
    HalfOpenRequestStarted,
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
        /// Milliseconds from sending to the answer.
        latency_ms: u32,
    },
    /// A status that is not expected, other than 429.
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
        /// Milliseconds to the whole answer, or to the first content of a stream.
        latency_ms: u32,
    },
    /// 5xx, an overloaded error body, a stream that began with an error or was empty.
    ServerError,
    /// No connection.
    ConnectFailed,
    /// The connection broke before content.
    Reset,
    /// No answer, or no content, in time.
    TimedOut,
    /// The gateway's credential failed.
    AuthFailed,
    /// 429.
    RateLimited {
        /// As the provider said.
        retry_after_ms: Option<u64>,
    },
    /// A stream broke after content had been sent.
    StreamBroken,
    /// The provider answered that the request is wrong (other 4xx, unknown model, context length). It is alive, so a trial
    /// has succeeded; else no effect.
    ClientFault,
    /// Nothing was learnt: a firewall or a proxy answered in the provider's place, or nothing was sent. No effect.
    Inconclusive,
    /// The client hung up: no effect.
    ClientDisconnected,
    /// Envoy's own connection pool was full: no effect.
    Overflow,
    /// Another target answered the same request first: no effect.
    Superseded,
    /// One address of several could not be reached: no effect, see [`super::Addresses`].
    OneAddressDown,
}

/// Why a target is in its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Nothing speaks against it.
    None = 0,
    /// Attempts: 5xx.
    Upstream5xx = 1,
    /// Attempts: no connection.
    UpstreamConnect = 2,
    /// Attempts: broken before content.
    UpstreamReset = 3,
    /// Attempts: no answer in time.
    UpstreamTimeout = 4,
    /// Attempts or probes: 401, 403.
    UpstreamAuth = 5,
    /// Attempts or probes: 429.
    UpstreamRateLimited = 6,
    /// Attempts: a stream broke in the middle.
    StreamBroken = 7,
    /// Probes: a status that is not expected.
    ProbeStatus = 8,
    /// Probes: no answer in time.
    ProbeTimeout = 9,
    /// Probes: no connection.
    ProbeUnreachable = 10,
    /// The key is missing.
    CredentialMissing = 11,
    /// Back: enough probes succeeded.
    ProbesSucceeded = 12,
    /// Back: enough half-open requests succeeded.
    HalfOpenRequestsSucceeded = 13,
    /// Back: the time to wait is over.
    WaitOver = 14,
    /// Back: the key was found.
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
    /// Why the target is to blame; `None` where it is not.
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
