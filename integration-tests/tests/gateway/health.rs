//! Set-ups and observations for tests of health: two workers, short intervals, and what `/health` and the log say.

use std::time::{Duration, Instant};

use harness::{
    Dialect, Gateway, GatewayOptions, PATIENCE, PolicyText, Provider, Received, Upstream,
};
use serde_json::Value;

/// A target is out after 3 failures in a row and back after 2 probes in a row.
pub(crate) const UNHEALTHY_THRESHOLD: usize = 3;
/// How often the probed targets are probed.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);
/// Probes every [`INTERVAL`], the thresholds above.
pub(crate) const PROBED: &str = "health_check: {interval_seconds: 500ms, timeout_seconds: 300ms, unhealthy_threshold: 3, healthy_threshold: 2}";
/// The group that is asked for.
pub(crate) const MODEL: &str = "chain";

/// A gateway of two workers over the providers `p0` and `p1` in a failover group.
pub(crate) struct Ward {
    pub(crate) gateway: Gateway,
    pub(crate) providers: [Provider; 2],
}

/// A line of the log that says that a target changed its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) target: String,
    pub(crate) to: String,
    pub(crate) reason: String,
}

impl Ward {
    /// `line` is added to `p0`; an attempt may take `timeout_ms`.
    pub(crate) async fn with(line: &str, timeout_ms: u64) -> Self {
        let providers = Self::providers().await;
        let policy = Self::policy(&providers, line, timeout_ms);
        Self {
            gateway: serving(&policy).await,
            providers,
        }
    }

    /// The same with a gateway that serves nobody else after it.
    pub(crate) async fn alone_with(line: &str, timeout_ms: u64) -> Self {
        let providers = Self::providers().await;
        let policy = Self::policy(&providers, line, timeout_ms);
        Self {
            gateway: Gateway::start_with(&policy, &two_workers()).await,
            providers,
        }
    }

    async fn providers() -> [Provider; 2] {
        let [first, second] = ["p0", "p1"].map(|name| Provider::start(name, Dialect::OpenAi));
        [first.await.unwrap(), second.await.unwrap()]
    }

    pub(crate) fn policy(providers: &[Provider; 2], line: &str, timeout_ms: u64) -> PolicyText {
        let [first, second] = providers;
        let upstreams = [
            Upstream::at("p0", first, Dialect::OpenAi).with(line),
            Upstream::at("p1", second, Dialect::OpenAi),
        ];
        let members = [("p0", "m0", timeout_ms), ("p1", "m1", 5_000)];
        let mut policy = PolicyText::failover(&upstreams, MODEL, &members);
        let renewed = (
            String::from("KEY_P0_RENEWED"),
            String::from("sk-provider-p0-renewed"),
        );
        policy.keys.push(renewed);
        policy
    }

    pub(crate) fn changes_of(&self, target: &str) -> Vec<Change> {
        changes(&self.gateway.log())
            .into_iter()
            .filter(|change| change.target == target)
            .collect()
    }

    /// What `/health` says of `p0`.
    pub(crate) async fn first(&self) -> Value {
        let body = self.gateway.client().get("/health").await.json();
        body["providers"]["p0"].clone()
    }

    /// The first probe that `p0` gets.
    pub(crate) async fn wait_for_probe(&self) -> Received {
        let started = Instant::now();
        loop {
            let probe = self.providers[0].all_received().into_iter().next();
            if let Some(probe) = probe.filter(|request| request.method == "GET") {
                return probe;
            }
            assert!(started.elapsed() < PATIENCE, "no probe");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn wait_until_first_is(&self, status: &str) -> Value {
        let started = Instant::now();
        loop {
            let first = self.first().await;
            if first["status"] == status {
                return first;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "p0 is not {status}: {first}; log: {:#?}",
                self.gateway.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A gateway with two workers.
pub(crate) async fn serving(policy: &PolicyText) -> Gateway {
    Gateway::serving_with(policy, &two_workers()).await
}

pub(crate) fn two_workers() -> GatewayOptions {
    GatewayOptions {
        concurrency: Some(2),
        ..GatewayOptions::default()
    }
}

/// Lines of the form `target p0: closed -> open (upstream_connect)`.
pub(crate) fn changes(log: &[String]) -> Vec<Change> {
    log.iter()
        .filter_map(|line| {
            let (_, change) = line.split_once("target ")?;
            let (target, change) = change.split_once(": ")?;
            let (_, change) = change.split_once(" -> ")?;
            let (to, reason) = change.split_once(" (")?;
            Some(Change {
                target: target.to_owned(),
                to: to.to_owned(),
                reason: reason.trim_end_matches(')').to_owned(),
            })
        })
        .collect()
}
