//! What this gateway knows of itself, as Prometheus reads it: what workers have counted, and how things stand now.

use policy::TargetId;
use routing::health::Phase;
use semconv::PrometheusText;

use crate::config::GatewayConfig;
use crate::control::Control;
use crate::host::{Host, Now};
use crate::worker::Worker;

/// Every phase, as `/health` names them.
const PHASES: [Phase; 5] = [
    Phase::Closed,
    Phase::Open,
    Phase::HalfOpen,
    Phase::RateLimited,
    Phase::NoCredential,
];

/// The text behind Envoy's own.
pub(crate) fn of(host: &impl Host, vm: &Worker, config: &GatewayConfig) -> String {
    let now = host.now();
    let mut text = PrometheusText::default();
    if config.metric_labels.is_some() {
        text.registry(&vm.counted(host));
    }
    breakers(&mut text, vm, config, now);
    let control = vm.control(config);
    budgets(&mut text, vm, &control, now);
    rates(&mut text, host, &control, now);
    text.into_string()
}

fn breakers(text: &mut PrometheusText, vm: &Worker, config: &GatewayConfig, now: Now) {
    for (index, target) in config.policy.targets.iter().enumerate() {
        let phase = if config.lacks_credential(TargetId(index)) {
            Phase::NoCredential
        } else {
            vm.phase(config, TargetId(index), now)
        };
        for one in PHASES {
            text.gauge(
                "keeptrusts_breaker_state",
                "1 for the state of the target's circuit breaker, 0 for every other.",
                &[("provider", &target.id), ("state", one.name())],
                f64::from(u8::from(one == phase)),
            );
        }
    }
}

fn budgets(text: &mut PrometheusText, vm: &Worker, control: &Control, now: Now) {
    let mut left: Vec<(&str, &str, u64)> = control
        .provider_budgets()
        .map(|(provider, budget)| {
            let usage = vm.usage(&budget.at(now.unix_ms));
            let used = usage.spent.saturating_add(usage.reserved);
            (
                provider,
                budget.period_name(),
                usage.limit.saturating_sub(used),
            )
        })
        .collect();
    left.sort_unstable();
    for (provider, period, nanos) in left {
        text.gauge(
            "keeptrusts_budget_remaining_usd",
            "US dollars that the provider's budget has left in its period, as far as this gateway knows.",
            &[("provider", provider), ("period", period)],
            events::usd(nanos),
        );
    }
}

fn rates(text: &mut PrometheusText, host: &impl Host, control: &Control, now: Now) {
    let mut left: Vec<(&str, u64)> = control
        .keys()
        .filter_map(|key| Some((key.name.as_str(), key.requests_left(host, now)?)))
        .collect();
    left.sort_unstable();
    for (name, requests) in left {
        // Below a million.
        #[allow(clippy::cast_precision_loss)]
        let requests = requests as f64;
        text.gauge(
            "keeptrusts_rate_limit_remaining_requests",
            "Requests that the gateway key may still make in this minute.",
            &[("key_name", name)],
            requests,
        );
    }
}
