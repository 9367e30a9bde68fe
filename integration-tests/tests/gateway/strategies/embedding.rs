//! `semantic` by callout: a provider's embeddings decide, and whatever happens to it, requests are answered.

use std::time::Duration;

use harness::{Behaviour, PATIENCE};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, served};
use crate::support::assert_only_own_key;

/// The simulated embedding of a text is the nearer to another the more alike they are; of itself it is 1.
const GROUPS: &str = "
  - name: g
    strategy: semantic
    min_similarity: 0.99999
    embedding: {provider: p2, model: text-embedding-3-small, timeout_ms: 400}
    models:
      - {provider: p0, model: m0, description: whatever comes}
      - {provider: p1, model: m1, examples: [Why does my program crash?]}
";
const CRASH: &str = "Why does my program crash?";

fn asking(message: &str) -> Value {
    json!({"model": "g", "messages": [{"role": "user", "content": message}]})
}

/// Both workers have learnt the members' texts when many requests in a row go where they belong.
async fn until_learnt(bench: &Bench) {
    let gateway = &bench.gateway;
    let learnt = async {
        let mut row = 0;
        while row < 10 {
            // A new client has a new connection, which either worker may get.
            let right = served(&gateway.client(), &asking(CRASH)).await == "p1";
            row = if right { row + 1 } else { 0 };
        }
    };
    let learnt = tokio::time::timeout(PATIENCE, learnt).await;
    let asked = bench.providers[2].received().len();
    assert!(
        learnt.is_ok(),
        "the texts are not learnt after {asked} calls:\n{}",
        gateway.log().join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_embeddings_decide_and_without_them_the_first_serves() {
    let bench = Bench::start(3, 2, "circuit_breaker: {enabled: false}", GROUPS).await;
    let embedder = &bench.providers[2];
    let client = bench.gateway.client();
    until_learnt(&bench).await;
    assert_eq!(served(&client, &asking("What is for lunch?")).await, "p0");
    let call = embedder.received().pop().unwrap();
    assert_eq!(call.path, "/v1/embeddings");
    assert_eq!(
        call.json(),
        json!({"model": "text-embedding-3-small", "input": ["What is for lunch?"]})
    );
    assert_only_own_key(embedder, "p2");

    // Too late: the first member, when the time is over.
    embedder.behave(Behaviour::Stall);
    let answer = client.post("/v1/chat/completions", &asking(CRASH)).await;
    assert_eq!((answer.status, answer.provider()), (200, "p0"));
    assert!(
        answer.took >= Duration::from_millis(390),
        "{:?}",
        answer.took
    );

    // The client leaves while its request waits: the call is given up, and nobody is sent the request.
    let before: Vec<usize> = bench
        .providers
        .iter()
        .map(|one| one.received().len())
        .collect();
    let body = asking(CRASH).to_string().into_bytes();
    let request = client.request(Method::POST, "/v1/chat/completions", &[], body);
    let leaving = request.timeout(Duration::from_millis(100)).send();
    assert!(leaving.await.unwrap_err().is_timeout());
    let given_up = embedder.wait_until(|received| {
        received.len() > before[2] && received.last().is_some_and(|last| last.was_abandoned())
    });
    tokio::time::timeout(PATIENCE, given_up)
        .await
        .expect("the call is given up");
    for (index, count) in before.iter().enumerate().take(2) {
        assert_eq!(bench.providers[index].received().len(), *count);
    }

    for failure in [Behaviour::status(500), Behaviour::Reset] {
        embedder.behave(failure);
        assert_eq!(served(&client, &asking(CRASH)).await, "p0");
    }
    embedder.behave(Behaviour::Answer);
    assert_eq!(served(&client, &asking(CRASH)).await, "p1");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_long_for_embeddings_that_do_not_come() {
    let line = "circuit_breaker: {failure_threshold: 3, cooldown_seconds: 600}";
    let bench = Bench::start(3, 1, line, GROUPS).await;
    let embedder = &bench.providers[2];
    let client = bench.gateway.client();
    until_learnt(&bench).await;
    embedder.behave(Behaviour::Stall);
    let before = embedder.received().len();
    let mut waited = 0;
    for _ in 0..20 {
        let answer = client.post("/v1/chat/completions", &asking(CRASH)).await;
        assert_eq!((answer.status, answer.provider()), (200, "p0"));
        waited += usize::from(answer.took >= Duration::from_millis(390));
    }
    // After three in vain it is put aside.
    assert_eq!(embedder.received().len() - before, 3);
    assert_eq!(waited, 3);
    let health = client.get("/health?provider=p2").await.json();
    assert_eq!(health["health"]["reason"], "upstream_timeout");
}
