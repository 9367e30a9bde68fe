//! What a gateway reports of itself with each poll of the control state: the console's live view.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Body of `POST /v1/control?instance_id=…`.
///
/// Each report replaces the previous one: nothing is stored, and a lost report costs a second of freshness.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GatewayReport<'a> {
    /// Name of the gateway; several Envoy processes may share it.
    #[serde(borrow)]
    pub gateway_id: Cow<'a, str>,
    /// Version of the filter.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// Version of the policy in force.
    #[serde(borrow)]
    pub config_version: Cow<'a, str>,
    /// When the Envoy process started, Unix milliseconds.
    pub started_ms: u64,
    /// Requests of all workers since then.
    pub requests_total: u64,
    /// Names of the model groups.
    #[serde(borrow)]
    pub groups: Vec<Cow<'a, str>>,
    /// All targets, in the policy's order.
    #[serde(borrow)]
    pub providers: Vec<ProviderReport<'a>>,
    /// The plugin configuration in force; only if the collector asked for it ([`super::ControlState::send_policy`]).
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Cow<'a, str>>,
}

/// A target as the gateway sees it now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderReport<'a> {
    /// Target id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Its vendor.
    #[serde(borrow)]
    pub vendor: Cow<'a, str>,
    /// `healthy`, `degraded` or `unhealthy`, as in `/health`.
    #[serde(borrow)]
    pub status: Cow<'a, str>,
    /// State of the circuit breaker: `closed`, `open`, `half_open`, `cooling` or `no_credential`.
    #[serde(borrow)]
    pub breaker: Cow<'a, str>,
    /// Why it is not healthy.
    #[serde(borrow, default)]
    pub reason: Option<Cow<'a, str>>,
    /// Of probes and traffic.
    pub consecutive_failures: u32,
    /// When it is retried, Unix milliseconds; absent if it serves or the time is unknown.
    #[serde(default)]
    pub retry_at_ms: Option<u64>,
    /// Last probe or attempt, Unix milliseconds.
    #[serde(default)]
    pub last_check_ms: Option<u64>,
    /// Of the last successful probe, or attempt if there are no probes, in milliseconds.
    #[serde(default)]
    pub probe_latency_ms: Option<u32>,
}

impl GatewayReport<'_> {
    /// The same with owned text.
    pub fn into_owned(self) -> GatewayReport<'static> {
        GatewayReport {
            gateway_id: owned(self.gateway_id),
            version: owned(self.version),
            config_version: owned(self.config_version),
            started_ms: self.started_ms,
            requests_total: self.requests_total,
            groups: self.groups.into_iter().map(owned).collect(),
            providers: self
                .providers
                .into_iter()
                .map(ProviderReport::into_owned)
                .collect(),
            policy: self.policy.map(owned),
        }
    }
}

impl ProviderReport<'_> {
    fn into_owned(self) -> ProviderReport<'static> {
        ProviderReport {
            id: owned(self.id),
            vendor: owned(self.vendor),
            status: owned(self.status),
            breaker: owned(self.breaker),
            reason: self.reason.map(owned),
            consecutive_failures: self.consecutive_failures,
            retry_at_ms: self.retry_at_ms,
            last_check_ms: self.last_check_ms,
            probe_latency_ms: self.probe_latency_ms,
        }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
