//! However a request ends, it leaves exactly one event behind, and what the event says is true.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use harness::{
    Behaviour, Dialect, Gateway, PolicyText, Provider, Recorder, Step, Upstream, chat_body,
};
use reqwest::Method;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
/// A cent for a thousand tokens in, three for a thousand out.
const PRICES: &str = "cost_per_1k_input: 0.01, cost_per_1k_output: 0.03";

/// Two providers in a failover group `chain`, observed by a collector.
struct Scene {
    gateway: Gateway,
    providers: [Provider; 2],
    recorder: Recorder,
}

impl Scene {
    async fn new() -> Self {
        Self::with("").await
    }

    /// `extra` is added to the document as it is.
    async fn with(extra: &str) -> Self {
        let recorder = Recorder::start().await;
        let providers = providers().await;
        let policy = policy(&providers, extra);
        Self {
            gateway: Gateway::start_with(&policy, &recorder.options()).await,
            providers,
            recorder,
        }
    }

    /// Before the curtain rises again: other providers under the same names, and nothing has happened.
    async fn renew(&mut self) {
        self.providers = providers().await;
        let policy = policy(&self.providers, "");
        self.gateway.change_policy(&policy.text).await;
        self.recorder.forget();
    }

    /// The only event that has come.
    async fn event(&self) -> Value {
        self.recorder.wait_for(1).await.remove(0)
    }
}

async fn providers() -> [Provider; 2] {
    [
        Provider::start("p0", Dialect::OpenAi).await.unwrap(),
        Provider::start("p1", Dialect::OpenAi).await.unwrap(),
    ]
}

fn policy(providers: &[Provider; 2], extra: &str) -> PolicyText {
    let upstreams = [
        Upstream::at("p0", &providers[0], Dialect::OpenAi),
        Upstream::at("p1", &providers[1], Dialect::OpenAi),
    ];
    let group = format!(
        "model_groups:
  - name: chain
    strategy: failover
    models:
      - {{provider: p0, model: m0, timeout_ms: 500, {PRICES}}}
      - {{provider: p1, model: m1, timeout_ms: 500, tag: spare, {PRICES}}}
  - name: lonely
    models:
      - {{provider: p0, model: m0, timeout_ms: 500}}
{extra}"
    );
    PolicyText::over(&upstreams, &group)
}

/// All at one gateway, because a new one takes longer than what happens here.
#[tokio::test]
async fn whatever_becomes_of_a_request_is_told_once_and_truly() {
    type Act = for<'a> fn(&'a Scene) -> LocalBoxFuture<'a, ()>;
    let acts: [(&str, Act); 8] = [
        ("served", |scene| Box::pin(a_served_request(scene))),
        ("served by the second target", |scene| {
            Box::pin(a_request_that_the_second_target_served(scene))
        }),
        ("served streams", |scene| {
            Box::pin(a_served_stream_with_and_without_usage(scene))
        }),
        ("served by nobody", |scene| {
            Box::pin(requests_that_nobody_served(scene))
        }),
        ("refused", |scene| {
            Box::pin(what_the_provider_or_the_gateway_refused(scene))
        }),
        ("clients that left", |scene| {
            Box::pin(clients_that_left(scene))
        }),
        ("a stream that broke off", |scene| {
            Box::pin(a_stream_that_broke_off(scene))
        }),
        ("to no model", |scene| {
            Box::pin(what_goes_to_no_model_leaves_no_event(scene))
        }),
    ];
    let mut scene = Scene::new().await;
    for (name, act) in acts {
        println!("{name}");
        scene.renew().await;
        act(&scene).await;
    }
}

fn stream_body(model: &str, usage: bool) -> Value {
    let mut body = chat_body(model);
    body["stream"] = json!(true);
    if usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

fn content(text: &str) -> Step {
    Step::data(&json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string())
}

async fn a_served_request(scene: &Scene) {
    let answer = scene.gateway.client().chat("chain").await;
    assert_eq!(answer.status, 200);
    let event = scene.event().await;
    let usage = &answer.json()["usage"];
    assert_eq!(event["tokens"]["prompt"], usage["prompt_tokens"]);
    assert_eq!(event["tokens"]["completion"], usage["completion_tokens"]);
    assert_eq!(event["tokens"]["total"], usage["total_tokens"]);
    let cost = usage["prompt_tokens"].as_f64().unwrap() * 0.01 / 1_000.0
        + usage["completion_tokens"].as_f64().unwrap() * 0.03 / 1_000.0;
    assert!((event["actual_cost_usd"].as_f64().unwrap() - cost).abs() < 1e-12);
    assert_eq!(
        event["request_id"],
        answer.header("x-keeptrusts-request-id")
    );
    for (name, expected) in [
        ("decision", json!("allowed")),
        ("model", json!("chain")),
        ("model_group", json!("chain")),
        ("resolved_model", json!("m0")),
        ("provider", json!("p0")),
        ("vendor", json!("openai-compatible")),
        ("strategy", json!("failover")),
        ("stream", json!(false)),
        ("status_code", json!(200)),
        ("fallback_count", json!(0)),
        ("key_name", Value::Null),
    ] {
        assert_eq!(event[name], expected, "{name}");
    }
    let latency = event["latency_ms"].as_u64().unwrap();
    assert!(latency >= event["upstream_latency_ms"].as_u64().unwrap());
    assert!(u128::from(latency) <= answer.took.as_millis());
    for name in ["gateway_id", "instance_id", "config_version"] {
        assert_ne!(event[name], "", "{name}");
    }
    // Neither prompt nor answer nor any key.
    let text = event.to_string();
    for secret in ["Hello", "simulated", harness::KEY_MARK, harness::CLIENT_KEY] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let batch = scene.recorder.batches().remove(0);
    assert_eq!(batch.path, "/v1/events");
    assert_eq!(batch.header("content-type"), Some("application/x-ndjson"));
    assert!(
        !scene
            .gateway
            .log()
            .iter()
            .any(|line| line.contains("Hello"))
    );
}

async fn a_request_that_the_second_target_served(scene: &Scene) {
    scene.providers[0].next([Behaviour::status(500)]);
    assert_eq!(scene.gateway.client().chat("chain").await.provider(), "p1");
    let event = scene.event().await;
    assert_eq!(event["provider"], "p1");
    assert_eq!(event["tag"], "spare");
    assert_eq!(event["fallback_count"], 1);
    let failover = json!({"triggered": true, "original_provider": "p0", "reason": "upstream_5xx"});
    assert_eq!(event["failover"], failover);
    let attempts = event["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0]["status_code"], 500);
    assert_eq!(attempts[0]["reason"], "upstream_5xx");
    assert_eq!(attempts[1]["reason"], Value::Null);
}

async fn a_served_stream_with_and_without_usage(scene: &Scene) {
    let client = scene.gateway.client();
    client.post_stream(CHAT, &stream_body("chain", true)).await;
    let exact = scene.event().await;
    assert_eq!(exact["stream"], true);
    assert_eq!(exact["tokens"]["prompt"], 1);
    assert_eq!(exact["tokens"]["estimated"], Value::Null);
    assert!(exact["time_to_first_token_ms"].as_u64() <= exact["latency_ms"].as_u64());
    // A provider of which nothing is known is not asked for what the client does not want.
    client.post_stream(CHAT, &stream_body("chain", false)).await;
    let both = scene.recorder.wait_for(2).await;
    let estimate = &both[1]["tokens"];
    assert_eq!(estimate["estimated"], true);
    let real = exact["tokens"]["completion"].as_u64().unwrap();
    // Words stand in for tokens at the simulated provider, and four bytes for one in estimates.
    assert!(
        estimate["completion"].as_u64().unwrap() >= real,
        "{estimate}"
    );
    assert!(both[1]["actual_cost_usd"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn a_streams_usage_is_asked_for_where_the_vendor_counts_when_asked() {
    let recorder = Recorder::start().await;
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("p0", &provider, Dialect::OpenAi).vendor("vllm");
    let group = "model_groups:\n  - {name: chain, models: [{provider: p0, model: m0}]}\n";
    let policy = PolicyText::over(&[upstream], group);
    let gateway = Gateway::start_with(&policy, &recorder.options()).await;
    let answer = gateway.client().chat_stream("chain").await;
    let text = answer.text();
    assert!(
        text.contains("[DONE]") && !text.contains("prompt_tokens"),
        "{text}"
    );
    let sent = provider.received().remove(0);
    assert_eq!(sent.json()["stream_options"]["include_usage"], true);
    let event = recorder.wait_for(1).await.remove(0);
    assert_eq!(event["tokens"]["estimated"], Value::Null);
    assert_eq!(event["tokens"]["prompt"], 1);
}

async fn requests_that_nobody_served(scene: &Scene) {
    let client = scene.gateway.client();
    scene
        .providers
        .iter()
        .for_each(|provider| provider.behave(Behaviour::Stall));
    assert_eq!(client.chat("chain").await.status, 503);
    let event = scene.event().await;
    assert_eq!(event["status_code"], 503);
    assert_eq!(event["error_code"], "all_providers_unavailable");
    assert_eq!(event["tokens"], Value::Null);
    assert_eq!(event["provider"], "p1");
    assert_eq!(event["attempts"][0]["reason"], "upstream_timeout");
    assert_eq!(event["attempts"][0]["status_code"], Value::Null);
    assert!(event["attempts"][0]["latency_ms"].as_u64().unwrap() >= 490);
}

async fn what_the_provider_or_the_gateway_refused(scene: &Scene) {
    let client = scene.gateway.client();
    scene.providers[0].next([Behaviour::error(400, "invalid_request_error", "bad", "no")]);
    let raw = |body: &str| client.send(Method::POST, CHAT, &[], body.as_bytes().to_vec());
    let cases = [
        (
            "chain",
            raw(r#"{"model": "chain", "messages": []}"#).await.status,
            400,
            Value::Null,
            "p0",
        ),
        ("", raw("nonsense").await.status, 400, Value::Null, ""),
        (
            "unknown",
            client.chat("unknown").await.status,
            404,
            json!("model_not_found"),
            "",
        ),
    ];
    let events = scene.recorder.wait_for(cases.len()).await;
    for (model, status, expected, code, provider) in cases {
        assert_eq!(status, expected);
        // Each worker delivers its own events, in no order among them.
        let event = events.iter().find(|event| event["model"] == model);
        let event = event.unwrap_or_else(|| panic!("no event of model {model:?}: {events:?}"));
        assert_eq!(event["status_code"], expected, "{event}");
        assert_eq!(event["error_code"], code, "{event}");
        assert_eq!(
            event["provider"].as_str().unwrap_or_default(),
            provider,
            "{event}"
        );
        assert_eq!(event["tokens"], Value::Null, "{event}");
    }
}

async fn clients_that_left(scene: &Scene) {
    let client = scene.gateway.client();
    // While the provider was thinking.
    scene.providers[0].next([Behaviour::Stall]);
    let request = client.request(
        Method::POST,
        CHAT,
        &[],
        chat_body("lonely").to_string().into(),
    );
    let left = request.timeout(Duration::from_millis(150)).send().await;
    assert!(left.is_err());
    let waiting = scene.event().await;
    assert_eq!(waiting["client_gone"], true);
    assert_eq!(waiting["status_code"], 0);
    assert_eq!(waiting["provider"], "p0");
    assert_eq!(waiting["attempts"].as_array().unwrap().len(), 1);
    // In the middle of a stream.
    let stream = Behaviour::Stream(vec![
        content("twelve bytes"),
        Step::Wait(Duration::from_secs(20)),
    ]);
    scene.providers[0].next([stream]);
    let body = stream_body("chain", false).to_string().into_bytes();
    let response = client
        .request(Method::POST, CHAT, &[], body)
        .send()
        .await
        .unwrap();
    let mut pieces = response.bytes_stream();
    assert!(pieces.next().await.unwrap().is_ok());
    drop(pieces);
    let streaming = scene.recorder.wait_for(2).await.remove(1);
    assert_eq!(streaming["client_gone"], true);
    assert_eq!(streaming["status_code"], 200);
    assert_eq!(streaming["tokens"]["estimated"], true);
    assert_eq!(streaming["tokens"]["completion"], 3);
    // That is nobody's fault but theirs.
    let health = scene.gateway.client().get("/health").await;
    assert_eq!(health.json()["status"], "healthy");
}

async fn a_stream_that_broke_off(scene: &Scene) {
    scene.providers[0].next([Behaviour::Stream(vec![
        content("half an"),
        Step::Wait(Duration::from_millis(200)),
        Step::Break,
    ])]);
    scene.gateway.client().chat_stream("chain").await;
    let event = scene.event().await;
    assert_eq!(event["status_code"], 200);
    assert_eq!(event["client_gone"], Value::Null);
    assert_eq!(event["provider"], "p0");
    assert_eq!(event["tokens"]["estimated"], true);
}

async fn what_goes_to_no_model_leaves_no_event(scene: &Scene) {
    let client = scene.gateway.client();
    for path in ["/health", "/metrics", "/v1/models", "/nowhere"] {
        client.get(path).await;
    }
    client.chat("chain").await;
    scene.event().await;
}

#[tokio::test]
async fn bodies_are_told_where_that_was_asked_for() {
    let scene = Scene::with("log_bodies: true\n").await;
    let answer = scene.gateway.client().chat("chain").await;
    let event = scene.event().await;
    assert!(event["request_body"].as_str().unwrap().contains("Hello"));
    let told: Value = serde_json::from_str(event["response_body"].as_str().unwrap()).unwrap();
    assert_eq!(told["choices"], answer.json()["choices"]);
}

#[tokio::test]
async fn a_change_of_health_is_told_once_whoever_saw_it() {
    let scene = Scene::new().await;
    scene.providers[0].behave(Behaviour::status(500));
    let client = scene.gateway.client();
    for _ in 0..6 {
        client.chat("chain").await;
    }
    scene.recorder.wait_for(6).await;
    let events = scene.recorder.events();
    let changes: Vec<&Value> = events
        .values()
        .filter(|event| event["event_type"] == "gateway.health_changed")
        .collect();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["provider"], "p0");
    assert_eq!(changes[0]["to"], "unhealthy");
}
