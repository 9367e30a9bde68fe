//! What one client causes is held against nobody, and who is back is back for everybody.

use std::time::{Duration, Instant};

use harness::{Behaviour, Dialect, Gateway, PATIENCE, PolicyText, Provider, Step, Upstream};
use serde_json::json;

use crate::health::{MODEL, Ward, serving};

#[tokio::test]
async fn refusals_that_one_client_provokes_take_a_provider_from_nobody() {
    let ward = Ward::with("circuit_breaker: {failure_threshold: 3}", 5_000).await;
    let client = ward.gateway.client();
    let moderated = json!({"error": {"code": 403, "message": "flagged", "metadata":
        {"reasons": ["violence"], "flagged_input": "invalid api key"}}});
    let firewall = Behaviour::Respond {
        status: 403,
        headers: vec![("content-type".into(), "text/html".into())],
        body: "<html><title>Attention Required! | Cloudflare</title></html>".into(),
    };
    for round in 0..5 {
        ward.providers[0].next([Behaviour::json(403, &moderated)]);
        let answer = client.chat(MODEL).await;
        assert_eq!(answer.status, 403, "moderation is the client's answer");
        assert_eq!(answer.json()["error"]["message"], "flagged");

        ward.providers[0].next([firewall.clone()]);
        let answer = client.chat(MODEL).await;
        assert_eq!((answer.status, answer.provider()), (200, "p1"));
        let failover = &answer.json()["keeptrusts_metadata"]["failover"];
        assert_eq!(failover["reason"], "upstream_refused");

        let answer = client.chat(MODEL).await;
        assert_eq!(
            (answer.status, answer.provider()),
            (200, "p0"),
            "round {round}"
        );
    }
    let first = ward.first().await;
    assert_eq!(
        (&first["status"], &first["consecutive_failures"]),
        (&json!("healthy"), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn others_are_served_while_the_stream_of_a_trial_goes_on() {
    const STREAM: Duration = Duration::from_secs(8);
    let line =
        "circuit_breaker: {failure_threshold: 3, cooldown_seconds: 1, half_open_requests: 1}";
    let ward = Ward::with(line, 20_000).await;
    let provider = &ward.providers[0];
    provider.behave(Behaviour::status(500));
    let client = ward.gateway.client();
    for _ in 0..3 {
        assert_eq!(client.chat(MODEL).await.provider(), "p1");
    }
    ward.wait_until_first_is("unhealthy").await;
    let chunk = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m0","choices":[{"index":0,"delta":{"content":"slow "},"finish_reason":null}]}"#;
    provider.behave(Behaviour::Stream(vec![
        Step::data(chunk),
        Step::Wait(STREAM),
        Step::data("[DONE]"),
    ]));
    ward.wait_until_first_is("degraded").await;
    let started = Instant::now();
    let trial = {
        let client = ward.gateway.client();
        tokio::spawn(async move { client.chat_stream(MODEL).await })
    };
    ward.wait_until_first_is("healthy").await;
    provider.behave(Behaviour::Answer);
    let served = async {
        while client.chat(MODEL).await.provider() != "p0" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, served)
        .await
        .expect("p0 serves others");
    assert!(started.elapsed() < STREAM, "{:?}", started.elapsed());
    assert!(!trial.is_finished());
    let trial = trial.await.unwrap();
    assert_eq!(
        (trial.provider(), trial.content().as_str()),
        ("p0", "slow ")
    );
}

#[tokio::test]
async fn wrong_requests_prove_that_a_provider_is_back() {
    let line =
        "circuit_breaker: {failure_threshold: 3, cooldown_seconds: 1, half_open_requests: 1}";
    let ward = Ward::with(line, 5_000).await;
    let provider = &ward.providers[0];
    provider.behave(Behaviour::status(500));
    let client = ward.gateway.client();
    for _ in 0..3 {
        assert_eq!(client.chat(MODEL).await.provider(), "p1");
    }
    ward.wait_until_first_is("unhealthy").await;
    provider.behave(Behaviour::status(400));
    ward.wait_until_first_is("degraded").await;
    assert_eq!(client.chat(MODEL).await.status, 400);
    ward.wait_until_first_is("healthy").await;
}

#[tokio::test]
async fn a_prompt_that_is_too_long_goes_to_the_member_that_takes_more() {
    let mut providers = Vec::new();
    for id in ["p0", "p1", "p2"] {
        providers.push(Provider::start(id, Dialect::OpenAi).await.unwrap());
    }
    let upstreams: Vec<Upstream> = providers
        .iter()
        .enumerate()
        .map(|(index, provider)| Upstream::at(&format!("p{index}"), provider, Dialect::OpenAi))
        .collect();
    // The stream's timeouts differ, so that attempts take both ways.
    let groups = "model_groups:
  - name: chain
    models:
      - {provider: p0, model: m0, context_window: 8000, timeout_ms: 4000}
      - {provider: p1, model: m1, context_window: 8000, timeout_ms: 5000}
      - {provider: p2, model: m2, context_window: 100000, timeout_ms: 5000}
  - name: small
    models:
      - {provider: p0, model: m0, context_window: 8000}
      - {provider: p1, model: m1, context_window: 8000}
";
    let gateway: Gateway = serving(&PolicyText::over(&upstreams, groups)).await;
    let client = gateway.client();
    let too_long = Behaviour::error(
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 8000 tokens.",
    );
    providers[0].behave(too_long);
    let answer = client.chat("chain").await;
    assert_eq!((answer.status, answer.provider()), (200, "p2"));
    let metadata = &answer.json()["keeptrusts_metadata"];
    assert_eq!(metadata["failover"]["reason"], "context_length");
    assert_eq!(metadata["fallback_count"], 1);
    let stream = client.chat_stream("chain").await;
    assert_eq!((stream.status, stream.provider()), (200, "p2"));
    let answer = client.chat("small").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["code"], "context_length_exceeded");
    assert_eq!(
        providers[1].received().len(),
        0,
        "it takes no more than the first"
    );
}
