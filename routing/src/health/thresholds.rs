//! A target's thresholds, from its `health_check` and `circuit_breaker`.

use policy::Target;

/// The thresholds of the breaker. Every count is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Probes are configured, and the vendor has an endpoint to probe.
    pub probed: bool,
    /// Failures of traffic count. `false`: only probes open the circuit.
    pub breaks: bool,
    /// Milliseconds between probes.
    pub interval_ms: u64,
    /// Consecutive failures of probes or traffic that open a probed target.
    pub failures: u32,
    /// Consecutive failures of traffic alone that open any target.
    pub traffic_failures: u32,
    /// Consecutive successful probes that close a probed target.
    pub probe_successes: u32,
    /// Milliseconds until an open target without probes becomes half-open.
    pub cooldown_ms: u64,
    /// Half-open requests that must succeed to close it.
    pub half_open_requests: u32,
    /// Milliseconds after which a half-open request without an outcome counts as lost.
    pub half_open_timeout_ms: u64,
    /// Longest wait that a provider may ask for, in milliseconds.
    pub max_backoff_ms: u64,
}

impl Thresholds {
    /// The thresholds of `target`.
    pub fn of(target: &Target) -> Self {
        let check = &target.health_check;
        let breaker = &target.circuit_breaker;
        let path_known = check.path.is_some() || target.vendor.profile().probe.is_some();
        Self {
            probed: check.enabled && path_known,
            breaks: breaker.enabled,
            interval_ms: check.interval_ms.max(1),
            failures: check.unhealthy_threshold.max(1),
            traffic_failures: breaker.failure_threshold.max(1),
            probe_successes: check.healthy_threshold.max(1),
            cooldown_ms: breaker.cooldown_ms,
            half_open_requests: breaker.half_open_requests.max(1),
            half_open_timeout_ms: target.timeout_ms.max(1),
            max_backoff_ms: breaker.max_cooldown_ms,
        }
    }

    /// The thresholds for the gateway's own requests to `target`. They are not probed, and one request that times out
    /// suffices.
    pub(crate) fn of_callouts(target: &Target) -> Self {
        Self {
            probed: false,
            half_open_requests: 1,
            ..Self::of(target)
        }
    }
}
