//! Gateways as they describe themselves, once a second: in memory only, because it is out of date at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use events::{GatewayReport, ProviderReport};
use serde::{Deserialize, Serialize};

use crate::health_history::Waiting;
use crate::store::HealthMinutes;

/// A gateway that has not reported for this long is silent. It reports every second; one report may be late.
const SILENT_AFTER: Duration = Duration::from_secs(3);
/// A silent gateway is forgotten after this.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Envoy processes that are remembered. The one that was silent longest makes room.
const MAX_INSTANCES: usize = 1_000;
/// Policies that are remembered, one for each version.
const MAX_POLICIES: usize = 100;

/// What is known of all gateways that report to this collector.
#[derive(Clone, Default)]
pub(crate) struct Gateways {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// By the id of the Envoy process.
    instances: HashMap<String, Instance>,
    /// Policies by version.
    policies: BTreeMap<String, Arc<str>>,
    /// States that are not stored yet.
    waiting: Waiting,
}

struct Instance {
    report: GatewayReport<'static>,
    seen: Instant,
    seen_ms: u64,
    requests_per_second: Option<f64>,
}

/// A gateway's process, as `GET /v1/gateways` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GatewayInfo {
    /// Name of the gateway.
    pub gateway_id: String,
    /// Its Envoy process.
    pub instance_id: String,
    /// Version of the filter.
    pub version: String,
    /// Version of the policy in force.
    pub config_version: String,
    /// Start of the process, Unix milliseconds.
    pub started_at_ms: u64,
    /// Since then, in seconds.
    pub uptime_seconds: u64,
    /// Last report, Unix milliseconds.
    pub last_seen_ms: u64,
    /// Since then, in seconds.
    pub silent_seconds: u64,
    /// Whether it reports.
    pub state: Liveness,
    /// Between the last two reports; absent after the first.
    pub requests_per_second: Option<f64>,
    /// Since the process started.
    pub requests_total: u64,
    /// What it was configured with.
    pub policy: PolicySummary,
    /// How many of its providers are in which state.
    pub providers: BTreeMap<String, u64>,
}

/// Whether a gateway reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Liveness {
    /// It reported in the last seconds.
    Live,
    /// It did not: it is down, or cut off from the collector.
    Silent,
}

/// Names in a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicySummary {
    /// Model groups.
    pub groups: Vec<String>,
    /// Ids of targets.
    pub targets: Vec<String>,
}

/// The policy in force at a gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyInForce {
    /// Its version.
    pub config_version: String,
    /// As its author wrote it. It names keys and never contains one.
    pub yaml: String,
}

impl Gateways {
    /// Whether what this process serves with may be other than what it reported last.
    pub(crate) fn is_news(&self, instance_id: &str, report: &GatewayReport<'_>) -> bool {
        let inner = self.lock();
        let last = inner.instances.get(instance_id);
        last.is_none_or(|last| last.report.config_version != report.config_version)
    }

    /// Takes a report in. `true` if the policy of its version has not been seen yet.
    pub(crate) fn record(
        &self,
        instance_id: &str,
        mut report: GatewayReport<'static>,
        now_ms: u64,
    ) -> bool {
        let now = Instant::now();
        let mut inner = self.lock();
        if let Some(policy) = report.policy.take() {
            if inner.policies.len() >= MAX_POLICIES {
                let in_force: HashSet<String> = (inner.instances.values())
                    .map(|one| one.report.config_version.to_string())
                    .collect();
                inner
                    .policies
                    .retain(|version, _| in_force.contains(version));
            }
            inner
                .policies
                .insert(report.config_version.to_string(), policy_text(&policy));
        }
        let unknown = !inner.policies.contains_key(&*report.config_version);
        if let Some(last) = inner.instances.get(instance_id) {
            // Of a silent time nobody knows anything.
            let lasted = now.duration_since(last.seen);
            if lasted < SILENT_AFTER {
                inner.waiting.count(&report, lasted, now_ms);
            }
        }
        let requests_per_second = inner.instances.get(instance_id).and_then(|last| {
            let seconds = now.duration_since(last.seen).as_secs_f64();
            let requests = report
                .requests_total
                .checked_sub(last.report.requests_total)?;
            #[allow(clippy::cast_precision_loss)]
            (seconds > 0.0).then(|| requests as f64 / seconds)
        });
        inner.make_room_for(instance_id, now);
        let instance = Instance {
            report,
            seen: now,
            seen_ms: now_ms,
            requests_per_second,
        };
        inner.instances.insert(instance_id.to_owned(), instance);
        unknown
    }

    /// All of them, by name.
    pub(crate) fn list(&self, now_ms: u64) -> Vec<GatewayInfo> {
        let now = Instant::now();
        let inner = self.lock();
        let mut list: Vec<_> = inner
            .instances
            .iter()
            .map(|(id, instance)| instance.info(id, now, now_ms))
            .collect();
        list.sort_by(|a, b| (&a.gateway_id, &a.instance_id).cmp(&(&b.gateway_id, &b.instance_id)));
        list
    }

    /// The last report of every process, with its id.
    pub(crate) fn reports(&self) -> Vec<(String, GatewayReport<'static>)> {
        let inner = self.lock();
        let all = inner.instances.iter();
        let live = all.filter(|(_, one)| one.seen.elapsed() < SILENT_AFTER);
        live.map(|(id, one)| (id.clone(), one.report.clone()))
            .collect()
    }

    /// The providers of the gateway of this name, as its latest process sees them; `None` if nobody of this name reported.
    pub(crate) fn providers(&self, gateway_id: &str) -> Option<Vec<ProviderReport<'static>>> {
        let inner = self.lock();
        inner
            .latest(gateway_id)
            .map(|instance| instance.report.providers.clone())
    }

    /// The policy in force at the gateway of this name; `None` if it has not told yet.
    pub(crate) fn policy(&self, gateway_id: &str) -> Option<PolicyInForce> {
        let inner = self.lock();
        let version = &inner.latest(gateway_id)?.report.config_version;
        let yaml = inner.policies.get(&**version)?;
        Some(PolicyInForce {
            config_version: version.to_string(),
            yaml: yaml.to_string(),
        })
    }

    /// States of providers in the minutes before the one of `now_ms` that nobody has taken yet.
    pub(crate) fn take_history(&self, now_ms: u64) -> Vec<HealthMinutes> {
        self.lock().waiting.take_before(now_ms)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The policy within a plugin configuration: `kt` renders `{"role", "runtime", "policy"}`, and a policy written by hand
/// stands for itself.
fn policy_text(configuration: &str) -> Arc<str> {
    #[derive(Deserialize)]
    struct Envelope {
        policy: String,
    }
    match serde_json::from_str::<Envelope>(configuration) {
        Ok(envelope) => Arc::from(envelope.policy),
        Err(_) => Arc::from(configuration),
    }
}

impl Inner {
    fn make_room_for(&mut self, instance_id: &str, now: Instant) {
        self.instances
            .retain(|_, one| now.duration_since(one.seen) < FORGOTTEN_AFTER);
        if self.instances.len() >= MAX_INSTANCES && !self.instances.contains_key(instance_id) {
            let oldest = self.instances.iter().min_by_key(|(_, one)| one.seen);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                self.instances.remove(&id);
            }
        }
    }

    fn latest(&self, gateway_id: &str) -> Option<&Instance> {
        let named = self
            .instances
            .values()
            .filter(|one| one.report.gateway_id == gateway_id);
        named.max_by_key(|one| one.seen)
    }
}

impl Instance {
    fn info(&self, instance_id: &str, now: Instant, now_ms: u64) -> GatewayInfo {
        let silent = now.duration_since(self.seen);
        let mut providers: BTreeMap<String, u64> = ["healthy", "degraded", "unhealthy"]
            .map(|status| (status.to_owned(), 0))
            .into();
        for provider in &self.report.providers {
            *providers.entry(provider.status.to_string()).or_default() += 1;
        }
        GatewayInfo {
            gateway_id: self.report.gateway_id.to_string(),
            instance_id: instance_id.to_owned(),
            version: self.report.version.to_string(),
            config_version: self.report.config_version.to_string(),
            started_at_ms: self.report.started_ms,
            uptime_seconds: now_ms.saturating_sub(self.report.started_ms) / 1_000,
            last_seen_ms: self.seen_ms,
            silent_seconds: silent.as_secs(),
            state: if silent < SILENT_AFTER {
                Liveness::Live
            } else {
                Liveness::Silent
            },
            requests_per_second: self.requests_per_second,
            requests_total: self.report.requests_total,
            policy: PolicySummary {
                groups: self.report.groups.iter().map(ToString::to_string).collect(),
                targets: self
                    .report
                    .providers
                    .iter()
                    .map(|one| one.id.to_string())
                    .collect(),
            },
            providers,
        }
    }
}

#[cfg(test)]
mod tests;
