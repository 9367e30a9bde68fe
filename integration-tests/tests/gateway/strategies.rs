//! Every strategy through a real Envoy: who serves how much, and what changes it.

mod affinity;
mod content;
mod embedding;
mod evidence;
mod latency;
mod shares;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::{
    Client, Dialect, Gateway, GatewayOptions, PolicyText, Provider, Upstream, chat_body,
};
use serde_json::Value;

/// A gateway over simulated providers `p0`, `p1`, ….
struct Bench {
    gateway: Gateway,
    providers: Vec<Provider>,
    policy: PolicyText,
}

impl Bench {
    /// `groups` is the list of model groups, `target` a further line of every target.
    async fn start(count: usize, workers: u32, target: &str, groups: &str) -> Self {
        let (providers, policy) = providers(count, target, groups).await;
        Self {
            gateway: Gateway::serving_with(&policy, &with_workers(workers)).await,
            providers,
            policy,
        }
    }

    /// The same with a gateway that has served nobody else.
    async fn start_alone(count: usize, workers: u32, target: &str, groups: &str) -> Self {
        let (providers, policy) = providers(count, target, groups).await;
        Self {
            gateway: Gateway::start_with(&policy, &with_workers(workers)).await,
            providers,
            policy,
        }
    }

    /// Sends `count` small requests to `group` over `connections` and counts who served.
    async fn counts(&self, group: &str, count: usize, connections: usize) -> Counts {
        let bodies = vec![chat_body(group); count];
        let mut counts = Counts::new();
        for served in serve(&self.gateway.client(), bodies, connections).await {
            *counts.entry(served).or_default() += 1;
        }
        counts
    }
}

/// Requests that each target served.
type Counts = BTreeMap<String, usize>;

/// `count` providers, and the policy over them.
async fn providers(count: usize, target: &str, groups: &str) -> (Vec<Provider>, PolicyText) {
    let mut providers = Vec::new();
    let mut upstreams = Vec::new();
    for index in 0..count {
        let id = format!("p{index}");
        let provider = Provider::start(&id, Dialect::OpenAi).await.unwrap();
        upstreams.push(Upstream::at(&id, &provider, Dialect::OpenAi).with(target));
        providers.push(provider);
    }
    let policy = PolicyText::over(&upstreams, &format!("model_groups:\n{groups}"));
    (providers, policy)
}

fn with_workers(workers: u32) -> GatewayOptions {
    GatewayOptions {
        concurrency: Some(workers),
        ..GatewayOptions::default()
    }
}

/// Who served each of `bodies`, in their order. Each of `connections` sends one after the other.
async fn serve(client: &Client, bodies: Vec<Value>, connections: usize) -> Vec<String> {
    let bodies = Arc::new(bodies);
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (bodies, next, client) = (Arc::clone(&bodies), Arc::clone(&next), client.clone());
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let Some(body) = bodies.get(turn) else {
                    return mine;
                };
                mine.push((turn, served(&client, body).await));
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all.sort_unstable();
    all.into_iter().map(|(_, who)| who).collect()
}

/// The target that served a request.
async fn served(client: &Client, body: &Value) -> String {
    let answer = client.post("/v1/chat/completions", body).await;
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    answer.provider().to_owned()
}
