//! One request, providers of different protocols: whoever serves, the client sees its own protocol.

use harness::{Behaviour, Client, Dialect, Gateway, PolicyText, Provider, Step, Upstream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::assert_only_own_key;

/// A provider that speaks OpenAI's protocol and one that speaks Anthropic's, in a group for each order.
struct Mixed {
    gateway: Gateway,
    openai: Provider,
    anthropic: Provider,
}

impl Mixed {
    async fn start() -> Self {
        let openai = Provider::start("openai", Dialect::OpenAi).await.unwrap();
        let anthropic = Provider::start("anthropic", Dialect::Anthropic)
            .await
            .unwrap();
        let upstreams = [
            Upstream::at("openai", &openai, Dialect::OpenAi),
            Upstream::at("anthropic", &anthropic, Dialect::Anthropic),
        ];
        let rest = "
model_groups:
  - name: openai-first
    models: [{provider: openai, model: gpt}, {provider: anthropic, model: claude}]
  - name: anthropic-first
    models: [{provider: anthropic, model: claude}, {provider: openai, model: gpt}]
circuit_breaker: {failure_threshold: 1000}
";
        let gateway = Gateway::serving(&PolicyText::over(&upstreams, rest)).await;
        Self {
            gateway,
            openai,
            anthropic,
        }
    }

    fn client(&self) -> Client {
        self.gateway.client()
    }

    fn assert_nothing_leaked(&self) {
        assert_only_own_key(&self.openai, "openai");
        assert_only_own_key(&self.anthropic, "anthropic");
    }
}

fn message_body(model: &str, stream: bool) -> Value {
    json!({"model": model, "max_tokens": 50, "stream": stream, "messages": [{"role": "user", "content": "Hello"}]})
}

fn overloaded() -> Behaviour {
    let error =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    Behaviour::json(529, &error)
}

/// The values of a stream's `event:` lines.
fn events(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect()
}

fn chat_chunk(delta: Value) -> Step {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": [choice]});
    Step::data(&chunk.to_string())
}

fn message_start() -> Step {
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 1}});
    let start = json!({"type": "message_start", "message": message});
    Step::event("message_start", &start.to_string())
}

fn text_delta(text: &str) -> [Step; 2] {
    let block = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    [
        Step::event("content_block_start", &block.to_string()),
        Step::event("content_block_delta", &delta.to_string()),
    ]
}

#[tokio::test]
async fn anthropic_answers_an_openai_client_when_openai_fails() {
    let mixed = Mixed::start().await;
    mixed.openai.behave(Behaviour::status(500));
    let body = json!({"model": "openai-first", "max_tokens": 9, "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]});
    let answer = mixed.client().post("/v1/chat/completions", &body).await;
    assert_eq!((answer.status, answer.provider()), (200, "anthropic"));
    let said = answer.json();
    assert_eq!(said["object"], "chat.completion");
    assert_eq!(said["model"], "claude");
    let choice = &said["choices"][0];
    assert_eq!(
        choice["message"]["content"],
        "[simulated] anthropic would let claude answer: Hello"
    );
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(said["usage"]["prompt_tokens"], 1);
    let failover = &said["keeptrusts_metadata"]["failover"];
    assert_eq!(failover["original_provider"], "openai");
    assert_eq!(failover["reason"], "upstream_5xx");

    // Each provider was asked in its own words.
    let first = &mixed.openai.received()[0];
    assert_eq!(first.path, "/v1/chat/completions");
    let mut expected = body.clone();
    expected["model"] = json!("gpt");
    assert_eq!(first.json(), expected);
    let second = &mixed.anthropic.received()[0];
    assert_eq!(second.path, "/v1/messages");
    let asked = second.json();
    assert_eq!(asked["model"], "claude");
    assert_eq!(asked["max_tokens"], 9);
    assert!(asked["system"].to_string().contains("Be brief."));
    assert_eq!(asked["messages"].as_array().unwrap().len(), 1);
    mixed.assert_nothing_leaked();
}

/// What came before is read, and not taken back by a reset.
const SEEN: Step = Step::Wait(std::time::Duration::from_millis(50));

#[tokio::test]
async fn anthropic_streams_to_an_openai_client_when_openai_fails() {
    let mixed = Mixed::start().await;
    let role_only = chat_chunk(json!({"role": "assistant", "content": ""}));
    let error = r#"{"error":{"message":"boom","type":"server_error","code":null,"param":null}}"#;
    let failures = [
        ("upstream_5xx", Behaviour::status(500)),
        (
            "error_in_stream",
            Behaviour::Stream(vec![role_only.clone(), Step::data(error)]),
        ),
        ("empty_stream", Behaviour::Stream(vec![role_only.clone()])),
        (
            "upstream_reset",
            Behaviour::Stream(vec![role_only, SEEN, Step::Break]),
        ),
    ];
    for (reason, failure) in failures {
        mixed.openai.next([failure]);
        let answer = mixed.client().chat_stream("openai-first").await;
        assert_eq!(
            (answer.status, answer.provider()),
            (200, "anthropic"),
            "{reason}"
        );
        assert_eq!(
            answer.content(),
            "[simulated] anthropic would let claude answer: Hello",
            "{reason}"
        );
        let data = answer.data();
        assert_eq!(data.last().unwrap(), "[DONE]", "{reason}");
        let roles = data
            .iter()
            .filter(|data| data.contains("\"role\":\"assistant\""))
            .count();
        assert_eq!(roles, 1, "{reason}: {}", answer.text());
        assert_eq!(answer.header("x-keeptrusts-fallback-count"), "1");
    }
    mixed.assert_nothing_leaked();
}

#[tokio::test]
async fn openai_answers_an_anthropic_client_when_anthropic_fails() {
    let mixed = Mixed::start().await;
    mixed.anthropic.behave(overloaded());
    let body = message_body("anthropic-first", false);
    let answer = mixed.client().post("/v1/messages", &body).await;
    assert_eq!((answer.status, answer.provider()), (200, "openai"));
    let said = answer.json();
    assert_eq!(said["type"], "message");
    assert_eq!(said["role"], "assistant");
    assert_eq!(said["model"], "gpt");
    assert_eq!(said["content"][0]["type"], "text");
    assert_eq!(
        said["content"][0]["text"],
        "[simulated] openai would let gpt answer: Hello"
    );
    assert_eq!(said["stop_reason"], "end_turn");
    assert_eq!(said["usage"]["input_tokens"], 1);
    assert_eq!(mixed.openai.received()[0].path, "/v1/chat/completions");
    mixed.assert_nothing_leaked();
}

#[tokio::test]
async fn openai_streams_to_an_anthropic_client_when_anthropic_fails() {
    let mixed = Mixed::start().await;
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let failures = [
        overloaded(),
        Behaviour::Stream(vec![message_start(), Step::event("error", error)]),
        Behaviour::Stream(vec![message_start()]),
        Behaviour::Stream(vec![message_start(), SEEN, Step::Break]),
    ];
    let body = message_body("anthropic-first", true);
    for failure in failures {
        mixed.anthropic.next([failure]);
        let answer = mixed.client().post_stream("/v1/messages", &body).await;
        assert_eq!((answer.status, answer.provider()), (200, "openai"));
        let text = answer.text();
        let events = events(&text);
        let starts = events
            .iter()
            .filter(|event| **event == "message_start")
            .count();
        assert_eq!(starts, 1, "{text}");
        assert_eq!(events.first(), Some(&"message_start"), "{text}");
        assert_eq!(events.last(), Some(&"message_stop"), "{text}");
        assert!(!text.contains("[DONE]"), "{text}");
        let said: String = answer
            .data()
            .iter()
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .filter_map(|event| event["delta"]["text"].as_str().map(String::from))
            .collect();
        assert_eq!(said, "[simulated] openai would let gpt answer: Hello");
    }
    mixed.assert_nothing_leaked();
}

#[tokio::test]
async fn a_translated_stream_that_dies_after_content_ends_with_an_error() {
    let mixed = Mixed::start().await;
    let [block, delta] = text_delta("half");
    let steps = vec![message_start(), block, delta];
    mixed.anthropic.next([Behaviour::Stream(steps)]);
    let answer = mixed.client().chat_stream("anthropic-first").await;
    assert_eq!(answer.content(), "half");
    assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
    let last: Value = serde_json::from_str(answer.data().last().unwrap()).unwrap();
    assert!(last["error"]["message"].is_string(), "{last}");

    let content = chat_chunk(json!({"role": "assistant", "content": "half"}));
    mixed.openai.next([Behaviour::Stream(vec![content])]);
    let body = message_body("openai-first", true);
    let answer = mixed.client().post_stream("/v1/messages", &body).await;
    let text = answer.text();
    assert!(text.contains("half"), "{text}");
    assert_eq!(events(&text).last(), Some(&"error"), "{text}");
    assert_eq!(mixed.openai.received().len(), 1);
    assert_eq!(mixed.anthropic.received().len(), 1, "nothing was retried");
}

#[tokio::test]
async fn errors_come_in_the_clients_shape() {
    let mixed = Mixed::start().await;
    let client = mixed.client();
    // The request is wrong: the provider that says so is heard, and nobody else is asked.
    let wrong = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "messages: wrong"}});
    mixed.anthropic.next([Behaviour::json(400, &wrong)]);
    let answer = client.chat("anthropic-first").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["message"], "messages: wrong");
    assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    assert!(mixed.openai.received().is_empty());

    let wrong = Behaviour::error(400, "invalid_request_error", "bad", "wrong");
    mixed.openai.next([wrong]);
    let body = message_body("openai-first", false);
    let answer = client.post("/v1/messages", &body).await;
    assert_eq!(answer.status, 400);
    let expected =
        json!({"type": "error", "error": {"type": "invalid_request_error", "message": "wrong"}});
    let said = answer.json();
    assert_eq!(said["type"], expected["type"]);
    assert_eq!(said["error"]["type"], expected["error"]["type"]);
    assert_eq!(said["error"]["message"], expected["error"]["message"]);

    // Nobody could serve: the gateway answers itself, in the same shape.
    mixed.openai.behave(Behaviour::status(500));
    mixed.anthropic.behave(overloaded());
    let answer = client.post("/v1/messages", &body).await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.json()["type"], "error");
    assert!(answer.json()["error"]["message"].is_string());
    let answer = client.chat("openai-first").await;
    assert_eq!(answer.error().0, 502);
    assert_eq!(answer.error().2, "upstream_failed");
}

#[tokio::test]
async fn an_anthropic_clients_own_key_stays_here() {
    let mixed = Mixed::start().await;
    let headers = [
        ("x-api-key", harness::CLIENT_KEY),
        ("anthropic-version", "2023-06-01"),
    ];
    for group in ["openai-first", "anthropic-first"] {
        let body = message_body(group, false).to_string().into_bytes();
        let answer = mixed
            .client()
            .send(Method::POST, "/v1/messages?beta=true", &headers, body)
            .await;
        assert_eq!(answer.status, 200);
    }
    let headers = &mixed.openai.received()[0].headers;
    assert!(
        !headers
            .iter()
            .any(|(name, _)| name.starts_with("anthropic-") || name == "x-api-key"),
        "{headers:?}"
    );
    mixed.assert_nothing_leaked();
}
