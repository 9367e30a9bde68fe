//! Of the headers that a client sends a provider gets those that an allow list names: over real Envoy, at every attempt, as
//! fallback, as hedged attempt, at probes and at callouts. And the client gets of a provider's what is meant for it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use harness::{Behaviour, Dialect, Gateway, PATIENCE, PolicyText, Provider, Upstream, chat_body};
use reqwest::Method;
use serde_json::json;

/// What every provider gets of its clients.
const FORWARDED: [&str; 4] = ["accept", "user-agent", "traceparent", "tracestate"];
/// What the gateway writes itself.
const WRITTEN: [&str; 6] = [
    "host",
    "content-type",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "authorization",
];
const OF_THE_CLIENT: &str = "of-the-client";
/// Envoy takes a hundred headers with a request.
const AT_ONCE: usize = 60;

fn names() -> Vec<&'static str> {
    let table = include_str!("../../../filter/testdata/client_headers.txt").lines();
    let names: Vec<&str> = table
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(names.len() > 450, "{}", names.len());
    names
}

/// Five providers: the first of `chain` fails, the first of `hedged` is slow, the last one makes embeddings.
struct Scene {
    gateway: Gateway,
    providers: Vec<Provider>,
}

impl Scene {
    async fn begin() -> Self {
        let mut providers = Vec::new();
        let mut upstreams = Vec::new();
        for index in 0..5 {
            let id = format!("p{index}");
            let provider = Provider::start(&id, Dialect::OpenAi).await.unwrap();
            let upstream = Upstream::at(&id, &provider, Dialect::OpenAi);
            upstreams.push(match index {
                1 => upstream.with("health_check: {interval_seconds: 500ms}"),
                _ => upstream,
            });
            providers.push(provider);
        }
        providers[0].behave(Behaviour::status(500));
        providers[2].behave(Behaviour::AnswerAfter(Duration::from_millis(400)));
        let policy = PolicyText::over(
            &upstreams,
            "model_groups:
  - {name: chain, models: [{provider: p0, model: m}, {provider: p1, model: m}]}
  - {name: hedged, hedge_after_ms: 50, models: [{provider: p2, model: m}, {provider: p3, model: m}]}
  - name: topics
    strategy: semantic
    embedding: {provider: p4, model: embed}
    models:
      - {provider: p1, model: m, description: whatever comes}
      - {provider: p3, model: m, examples: [Why does my program crash?]}
circuit_breaker: {enabled: false}
",
        );
        Self {
            gateway: Gateway::serving(&policy).await,
            providers,
        }
    }

    async fn ask(&self, group: &str, names: &[&str]) {
        let headers: Vec<(&str, &str)> = names.iter().map(|name| (*name, OF_THE_CLIENT)).collect();
        let answer = self
            .gateway
            .client()
            .send(
                Method::POST,
                "/v1/chat/completions",
                &headers,
                chat_body(group).to_string().into_bytes(),
            )
            .await;
        assert_eq!(answer.status, 200, "{names:?}: {}", answer.json());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_four_hundred_and_seventy_nine_names_none_gets_through() {
    let scene = Scene::begin().await;
    for part in names().chunks(AT_ONCE) {
        for group in ["chain", "hedged", "topics"] {
            scene.ask(group, part).await;
        }
    }
    scene.ask("chain", &FORWARDED).await;

    // Both ways of a chain, both of a hedge, and the callout were taken.
    for provider in &scene.providers {
        assert!(provider.received().len() >= names().len() / AT_ONCE);
    }
    // Probes of a target ask while others serve.
    let begin = Instant::now();
    let is_probe = |method: &str| method == "GET";
    while !scene.providers[1]
        .all_received()
        .iter()
        .any(|request| is_probe(&request.method))
    {
        assert!(begin.elapsed() < PATIENCE, "no probe came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let allowed: BTreeSet<&str> = FORWARDED.into_iter().chain(WRITTEN).collect();
    for provider in &scene.providers {
        for request in provider.all_received() {
            for (name, value) in &request.headers {
                let of = format!("{} {}: {name}: {value}", request.method, request.path);
                assert!(allowed.contains(name.as_str()), "{of}");
                if value.contains(OF_THE_CLIENT) {
                    assert!(FORWARDED.contains(&name.as_str()), "{of}");
                }
            }
        }
    }
    // What is forwarded is forwarded as it came.
    let last = scene.providers[1].received().pop().unwrap();
    for name in FORWARDED {
        assert_eq!(last.header(name), Some(OF_THE_CLIENT), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_of_a_providers_headers_what_is_meant_for_it() {
    let scene = Scene::begin().await;
    let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]});
    let internal = [
        "set-cookie",
        "server",
        "x-envoy-upstream-service-time",
        "x-amzn-requestid",
        "openai-organization",
        "cf-ray",
        "alt-svc",
        "strict-transport-security",
    ];
    for status in [200, 400] {
        let mut behaviour = Behaviour::json(status, &answer);
        for name in internal {
            behaviour = behaviour.with_header(name, "of-the-provider");
        }
        scene.providers[1].behave(behaviour.with_header("x-ratelimit-remaining-requests", "59"));
        let answer = scene.gateway.client().chat("chain").await;
        assert_eq!(answer.status, status);
        for name in internal {
            let value = answer.header(name);
            assert!(
                !value.contains("of-the-provider"),
                "{status} {name}: {value}"
            );
        }
    }
}
