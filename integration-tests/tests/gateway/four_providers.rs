//! Failover between OpenAI, Anthropic, Azure and Bedrock inside one request, whoever the client was made for.

use std::time::Duration;

use harness::{
    Answer, Behaviour, Dialect, Gateway, PolicyText, Provider, Step, StreamAnswer, Upstream,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::{assert_only_own_key, interpreters};

/// Id, dialect, vendor, and the model's name there.
const PROVIDERS: [(&str, Dialect, &str, &str); 4] = [
    ("openai", Dialect::OpenAi, "openai-compatible", "gpt"),
    ("anthropic", Dialect::Anthropic, "anthropic", "claude"),
    ("azure", Dialect::OpenAi, "azure-openai", "deployed"),
    (
        "bedrock",
        Dialect::Bedrock,
        "bedrock",
        "anthropic.claude-v1:0",
    ),
];

struct Four {
    gateway: Gateway,
    providers: Vec<Provider>,
}

impl Four {
    /// A group `from-0` to `from-3` for each provider that may stand first; the others follow in their order.
    async fn start() -> Self {
        let mut providers = Vec::new();
        let mut upstreams = Vec::new();
        for (id, dialect, vendor, _) in PROVIDERS {
            let provider = Provider::start(id, dialect).await.unwrap();
            let upstream = match vendor {
                "azure-openai" => Upstream::at_url(id, &format!("http://{}", provider.address()))
                    .with("api_version: 2024-10-21"),
                _ => Upstream::at(id, &provider, dialect),
            };
            upstreams.push(upstream.vendor(vendor));
            providers.push(provider);
        }
        let mut rest = String::from("circuit_breaker: {failure_threshold: 1000}\nmodel_groups:\n");
        for first in 0..PROVIDERS.len() {
            let members: Vec<Value> = (0..PROVIDERS.len())
                .map(|place| PROVIDERS[(first + place) % PROVIDERS.len()])
                .map(|(id, _, _, model)| json!({"provider": id, "model": model}))
                .collect();
            let group = json!({"name": format!("from-{first}"), "models": members});
            rest.push_str(&format!("  - {group}\n"));
        }
        let gateway = Gateway::serving(&PolicyText::over(&upstreams, &rest)).await;
        Self { gateway, providers }
    }

    /// Lets all providers but `serving` fail, each in its own words.
    fn only(&self, serving: usize, stream: bool) {
        for (index, provider) in self.providers.iter().enumerate() {
            provider.behave(match (index == serving, stream) {
                (true, _) => Behaviour::Answer,
                (false, false) => failure(index),
                (false, true) => failure_in_stream(index),
            });
        }
    }
}

/// What clients say, and where.
fn request(client: &str, group: &str, stream: bool) -> (&'static str, Value) {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    match client {
        "anthropic" => (
            "/v1/messages",
            json!({"model": group, "max_tokens": 50, "stream": stream, "messages": messages}),
        ),
        "responses" => (
            "/v1/responses",
            json!({"model": group, "stream": stream, "input": "Hello"}),
        ),
        _ => (
            "/v1/chat/completions",
            json!({"model": group, "stream": stream, "messages": messages}),
        ),
    }
}

fn failure(provider: usize) -> Behaviour {
    match provider {
        0 => Behaviour::error(
            503,
            "server_error",
            "overloaded",
            "The engine is overloaded",
        ),
        1 => {
            let error = json!({"type": "overloaded_error", "message": "Overloaded"});
            Behaviour::json(529, &json!({"type": "error", "error": error}))
        }
        2 => Behaviour::json(
            500,
            &json!({"error": {"code": "InternalServerError", "message": "Backend failed"}}),
        ),
        _ => Behaviour::json(503, &json!({"message": "try again"})).with_header(
            "x-amzn-errortype",
            "ServiceUnavailableException:http://internal",
        ),
    }
}

/// Streams that begin, and fail before any content.
fn failure_in_stream(provider: usize) -> Behaviour {
    let error = json!({"error": {"message": "boom", "type": "server_error", "code": null}});
    match provider {
        0 | 2 => Behaviour::Stream(vec![Step::data(&error.to_string())]),
        1 => {
            let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
            Behaviour::Stream(vec![Step::event("error", &error.to_string())])
        }
        _ => Behaviour::frames(vec![
            Step::frame("messageStart", &json!({"role": "assistant"})),
            Step::exception("modelStreamErrorException", "the model broke"),
        ]),
    }
}

/// What a whole answer says.
fn said(client: &str, answer: &Answer) -> String {
    let body = answer.json();
    let text = match client {
        "anthropic" => &body["content"][0]["text"],
        "responses" => &body["output"][0]["content"][0]["text"],
        _ => &body["choices"][0]["message"]["content"],
    };
    text.as_str().unwrap_or_default().to_owned()
}

/// What a stream says, which must end as the client's API ends its streams.
fn streamed(client: &str, answer: &StreamAnswer) -> String {
    let data = answer.data();
    let last = data.last().cloned().unwrap_or_default();
    let is_complete = match client {
        "anthropic" => last.contains("message_stop"),
        "responses" => last.contains("response.completed"),
        _ => last == "[DONE]",
    };
    assert!(is_complete, "{client}: {}", answer.text());
    data.iter()
        .filter_map(|data| serde_json::from_str::<Value>(data).ok())
        .filter_map(|event| {
            let piece = match client {
                "anthropic" => &event["delta"]["text"],
                "responses" if event["type"] == "response.output_text.delta" => &event["delta"],
                "responses" => &Value::Null,
                _ => &event["choices"][0]["delta"]["content"],
            };
            piece.as_str().map(str::to_owned)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_finds_its_way_through_all_four() {
    let four = Four::start().await;
    let count = PROVIDERS.len();
    for client in ["chat", "anthropic", "responses"] {
        for (first, serving, stream) in (0..count)
            .flat_map(|first| (0..count).map(move |serving| (first, serving)))
            .flat_map(|(first, serving)| [(first, serving, false), (first, serving, true)])
        {
            four.only(serving, stream);
            let (path, body) = request(client, &format!("from-{first}"), stream);
            let (id, _, _, model) = PROVIDERS[serving];
            let expected = format!("[simulated] {id} would let {model} answer: Hello");
            let row = format!("{client} from {first} to {serving}, stream: {stream}");
            let passed_over = ((serving + count - first) % count).to_string();
            if stream {
                let answer = four.gateway.client().post_stream(path, &body).await;
                let text = answer.text();
                assert_eq!(
                    (answer.status, answer.provider()),
                    (200, id),
                    "{row}: {text}"
                );
                assert_eq!(answer.header("x-keeptrusts-fallback-count"), passed_over);
                assert_eq!(streamed(client, &answer), expected, "{row}");
            } else {
                let answer = four.gateway.client().post(path, &body).await;
                assert_eq!((answer.status, answer.provider()), (200, id), "{row}");
                assert_eq!(answer.header("x-keeptrusts-fallback-count"), passed_over);
                assert_eq!(said(client, &answer), expected, "{row}");
            }
        }
    }
    for (provider, (id, ..)) in four.providers.iter().zip(PROVIDERS) {
        assert_only_own_key(provider, id);
    }
    let path = |index: usize| four.providers[index].received()[0].path.clone();
    assert_eq!(path(0), "/v1/chat/completions");
    assert_eq!(path(1), "/v1/messages");
    assert_eq!(
        path(2),
        "/openai/deployments/deployed/chat/completions?api-version=2024-10-21"
    );
    // Azure has Responses since 2025-03-01-preview: with this version they go by Chat Completions.
    let azure = four.providers[2].received();
    assert!(azure.iter().all(|request| request.path == path(2)));
    assert!(
        azure
            .iter()
            .any(|request| request.json()["messages"][0]["content"] == "Hello")
    );
    assert_eq!(path(3), "/model/anthropic.claude-v1%3A0/converse");
}

#[tokio::test]
async fn a_stream_of_bedrock_that_dies_after_content_ends_with_an_error() {
    let four = Four::start().await;
    let delta = json!({"contentBlockIndex": 0, "delta": {"text": "half"}});
    let begun = vec![
        Step::frame("messageStart", &json!({"role": "assistant"})),
        Step::frame("contentBlockDelta", &delta),
        // The content is on its way before anything happens.
        Step::Wait(Duration::from_millis(50)),
    ];
    let ends = [
        vec![],
        vec![Step::Break],
        vec![Step::exception("throttlingException", "slow down")],
        vec![Step::Send("not a frame at all, but long enough".into())],
    ];
    for end in ends {
        four.providers[3].behave(Behaviour::frames([begun.clone(), end].concat()));
        let answer = four.gateway.client().chat_stream("from-3").await;
        assert_eq!((answer.status, answer.provider()), (200, "bedrock"));
        assert_eq!(answer.content(), "half");
        assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
        if answer.broken {
            // On the wire: Envoy ends the client's connection too.
            continue;
        }
        let last: Value = serde_json::from_str(answer.data().last().unwrap()).unwrap();
        assert!(last["error"]["message"].is_string(), "{last}");
    }
    assert!(
        four.providers[0].received().is_empty(),
        "nothing was retried"
    );
}

/// AWS's own description of the API judges what Bedrock was sent.
#[tokio::test]
async fn what_bedrock_receives_fits_its_service_model() {
    let interpreters = interpreters();
    if interpreters.is_empty() {
        println!("skipped: no interpreter with botocore; `scripts/setup python` installs it");
        return;
    }
    let four = Four::start().await;
    let tool = json!({"type": "function", "function": {"name": "look.up", "description": "Looks up.",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}});
    let call = json!({"id": "call/1", "type": "function", "function": {"name": "look.up", "arguments": ""}});
    let image = "data:image/png;base64,iVBORw0KGgo=";
    let chats = [
        json!({"messages": [{"role": "user", "content": "Hello"}]}),
        json!({"max_completion_tokens": 9, "temperature": 1.5, "top_p": 0.5, "stop": ["x", " "], "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": image}}]},
            {"role": "user", "content": "more"}]}),
        json!({"tools": [tool], "tool_choice": "required", "messages": [{"role": "user", "content": "Hello"}]}),
        json!({"tools": [tool], "stream": true, "messages": [{"role": "user", "content": "Hello"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call/1", "content": "found"}, {"role": "user", "content": "and?"}]}),
    ];
    let client = four.gateway.client();
    for mut body in chats {
        body["model"] = json!("from-3");
        let answer = client.post("/v1/chat/completions", &body).await;
        assert_eq!(
            (answer.status, answer.provider()),
            (200, "bedrock"),
            "{body}"
        );
    }
    let messages = json!({"model": "from-3", "max_tokens": 50, "system": "Be brief.", "stop_sequences": ["x"],
        "tools": [{"name": "look_up", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"},
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}]}]});
    assert_eq!(
        client.post("/v1/messages", &messages).await.provider(),
        "bedrock"
    );

    let received: Vec<Value> = four.providers[3]
        .received()
        .iter()
        .map(|request| json!({"path": request.path, "body": request.json()}))
        .collect();
    assert_eq!(received.len(), 5);
    for python in interpreters {
        let mut judge = Command::new(&python)
            .arg(harness::repository().join("integration-tests/python/bedrock_requests.py"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = judge.stdin.take().unwrap();
        stdin
            .write_all(Value::from(received.clone()).to_string().as_bytes())
            .await
            .unwrap();
        drop(stdin);
        let output = judge.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", python.display());
    }
}
