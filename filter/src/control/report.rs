//! What the collector is told of this gateway, as JSON: versions, counters, and how its targets are.

use std::borrow::Cow;

use events::{GatewayReport, ProviderReport};
use policy::{Target, TargetId};
use routing::health::{Availability, HealthTable, Phase, Reason};

use crate::config::GatewayConfig;
use crate::host::{Host, Now};
use crate::shared;
use crate::worker::Worker;

/// The report of this moment; with the plugin configuration where the collector asked for it.
pub(crate) fn report(
    host: &impl Host,
    vm: &Worker,
    config: &GatewayConfig,
    with_policy: bool,
) -> Vec<u8> {
    let now = host.now();
    let published = with_policy
        .then(|| shared::published_configuration(host))
        .flatten();
    let policy =
        published.map(|shared| Cow::Owned(String::from_utf8_lossy(&shared.value).into_owned()));
    vm.with_view(host, now, |view| {
        let providers = config.policy.targets.iter().enumerate();
        let report = GatewayReport {
            gateway_id: Cow::Borrowed(&config.runtime.gateway_id),
            version: Cow::Borrowed(&config.runtime.version),
            config_version: Cow::Borrowed(&config.runtime.config_version),
            started_ms: shared::started(host).unix_ms,
            requests_total: vm.requests_processed(),
            groups: (config.policy.groups.iter())
                .map(|group| Cow::Borrowed(group.name.as_str()))
                .collect(),
            providers: providers
                .filter_map(|(index, target)| {
                    provider(config, view.health, TargetId(index), target, now)
                })
                .collect(),
            policy,
        };
        // A report is text and numbers: it can always be written.
        serde_json::to_vec(&report).unwrap_or_default()
    })
}

fn provider<'a>(
    config: &GatewayConfig,
    health: &HealthTable,
    id: TargetId,
    target: &'a Target,
    now: Now,
) -> Option<ProviderReport<'a>> {
    let (key, limits) = config.index.health_config(id)?;
    let now_ms = now.monotonic_ms();
    let status = health.status(key, limits, now_ms);
    let (phase, reason) = if config.lacks_credential(id) {
        (Phase::NoCredential, Reason::CredentialMissing)
    } else {
        (status.phase, status.reason)
    };
    Some(ProviderReport {
        id: Cow::Borrowed(&target.id),
        vendor: Cow::Borrowed(target.vendor.name()),
        status: Cow::Borrowed(phase.status()),
        breaker: Cow::Borrowed(phase.name()),
        reason: (phase != Phase::Closed).then(|| Cow::Borrowed(reason.name())),
        consecutive_failures: status.consecutive_failures,
        retry_at_ms: match health.availability(key, limits, now_ms) {
            Availability::Out { until_ms, .. } => until_ms.map(|at| now.unix_ms_of(at)),
            _ => None,
        },
        last_check_ms: status.last_check_ms.map(|at| now.unix_ms_of(at)),
        probe_latency_ms: status.latency_ms,
    })
}
