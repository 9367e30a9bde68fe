//! Set-ups that several tests share.

use std::path::PathBuf;

use harness::{Dialect, Gateway, PolicyText, Provider, Upstream, repository};

/// A gateway over `count` OpenAI-shaped providers `p0`, `p1`, …, in one failover group `chain`, with model `m0`, `m1`, ….
pub(crate) struct Chain {
    pub(crate) gateway: Gateway,
    pub(crate) providers: Vec<Provider>,
}

impl Chain {
    pub(crate) async fn of(count: usize) -> Self {
        Self::with_timeouts(&vec![5_000; count]).await
    }

    pub(crate) async fn with_timeouts(timeouts_ms: &[u64]) -> Self {
        Self::with(timeouts_ms, "").await
    }

    /// `extra` is added to the document as it is.
    pub(crate) async fn with(timeouts_ms: &[u64], extra: &str) -> Self {
        Self::with_targets(timeouts_ms, "", extra).await
    }

    /// With `line` in each target as well.
    pub(crate) async fn with_targets(timeouts_ms: &[u64], line: &str, extra: &str) -> Self {
        let mut providers = Vec::new();
        for index in 0..timeouts_ms.len() {
            providers.push(
                Provider::start(&format!("p{index}"), Dialect::OpenAi)
                    .await
                    .unwrap(),
            );
        }
        let upstreams: Vec<Upstream> = providers
            .iter()
            .enumerate()
            .map(|(index, provider)| {
                Upstream::at(&format!("p{index}"), provider, Dialect::OpenAi).with(line)
            })
            .collect();
        let names: Vec<(String, String)> = (0..timeouts_ms.len())
            .map(|index| (format!("p{index}"), format!("m{index}")))
            .collect();
        let members: Vec<(&str, &str, u64)> = names
            .iter()
            .zip(timeouts_ms)
            .map(|((target, model), timeout)| (target.as_str(), model.as_str(), *timeout))
            .collect();
        let mut policy = PolicyText::failover(&upstreams, "chain", &members);
        policy.text.push_str(extra);
        Self {
            gateway: Gateway::serving(&policy).await,
            providers,
        }
    }

    /// How many requests each provider got, probes aside.
    pub(crate) fn counts(&self) -> Vec<usize> {
        self.providers
            .iter()
            .map(|provider| provider.received().len())
            .collect()
    }

    /// No provider saw a key that is not its own, nor anything internal. Every test of a chain ends with this.
    pub(crate) fn assert_nothing_leaked(&self) {
        for (index, provider) in self.providers.iter().enumerate() {
            assert_only_own_key(provider, &format!("p{index}"));
        }
    }
}

/// Every request that `provider` received carries the key of target `id` and no other secret or internal header.
pub(crate) fn assert_only_own_key(provider: &Provider, id: &str) {
    let own = format!("{}{id}", harness::KEY_MARK);
    for request in provider.all_received() {
        let mut shown = 0;
        for (name, value) in &request.headers {
            assert!(
                !value.contains(harness::CLIENT_KEY),
                "{id} received the client's key in {name}"
            );
            assert!(!name.starts_with("x-kt-"), "{id} received {name}: {value}");
            assert!(
                !name.starts_with("x-envoy-"),
                "{id} received {name}: {value}"
            );
            assert!(
                !name.starts_with("x-forwarded-"),
                "{id} received {name}: {value}"
            );
            if value.contains(harness::KEY_MARK) {
                assert!(
                    value.ends_with(&own),
                    "{id} received another provider's key in {name}: {value}"
                );
                shown += 1;
            }
        }
        assert_eq!(
            shown, 1,
            "{id} received its key {shown} times on {} {}",
            request.method, request.path
        );
    }
}

/// Interpreters with the official packages, as `scripts/setup python` installs them.
pub(crate) fn interpreters() -> Vec<PathBuf> {
    ["venv", "venv-legacy"]
        .iter()
        .map(|venv| repository().join(".tools").join(venv).join("bin/python"))
        .filter(|python| python.exists())
        .collect()
}
