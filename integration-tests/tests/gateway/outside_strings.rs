//! What clients and providers write reaches no header, metric or event but as what it is.

use std::time::Duration;

use futures_util::future::join_all;
use harness::{
    Behaviour, Dialect, Gateway, PolicyText, Provider, Recorder, Upstream, chat_body, folder_size,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Chain;

const EVIL: &str = "gpt-4o\r\nset-cookie: evil=1";
/// Its end, its length, and another answer behind it.
const SECOND_ANSWER: &str =
    "gpt-4o\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";

async fn connect(gateway: &Gateway) -> TcpStream {
    let address = gateway.url().replace("http://", "");
    TcpStream::connect(address).await.unwrap()
}

fn post(path: &str, body: &Value, more: &str) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n{body}"
    )
}

/// All that comes until the gateway closes.
async fn to_the_end(mut connection: TcpStream, request: &[u8]) -> Vec<u8> {
    connection.write_all(request).await.unwrap();
    let mut came = Vec::new();
    let all = connection.read_to_end(&mut came);
    tokio::time::timeout(harness::PATIENCE, all)
        .await
        .expect("the gateway closes")
        .unwrap();
    came
}

#[tokio::test]
async fn a_model_cannot_split_an_answer() {
    // Without groups any model goes to the target, and into a header of the answer.
    let provider = Provider::start("p", Dialect::OpenAi).await.unwrap();
    let upstream = [Upstream::at("p", &provider, Dialect::OpenAi)];
    let gateway = Gateway::serving(&PolicyText::over(&upstream, "")).await;
    assert_eq!(gateway.client().chat("any-model").await.status, 200);
    let mut cases = Vec::new();
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/responses",
        "/v1/embeddings",
    ] {
        for model in [
            EVIL,
            SECOND_ANSWER,
            "gpt\u{0}",
            "gpt\u{7f}",
            "gpt\u{85}",
            "gpt\t4",
        ] {
            cases.extend([(path, model, false), (path, model, true)]);
        }
    }
    // At once: Envoy takes its time to close.
    join_all(
        cases
            .into_iter()
            .map(|(path, model, stream)| assert_is_one_refusal(&gateway, path, model, stream)),
    )
    .await;
}

async fn assert_is_one_refusal(gateway: &Gateway, path: &str, model: &str, stream: bool) {
    let evil = json!({"model": model, "stream": stream, "max_tokens": 5, "input": "x",
        "messages": [{"role": "user", "content": "x"}]});
    let request = post(path, &evil, "connection: close\r\n");
    let came = to_the_end(connect(gateway).await, request.as_bytes()).await;
    let came = String::from_utf8_lossy(&came).to_lowercase();
    let case = format!("{path} {model:?} {stream}: {came}");
    assert!(came.starts_with("http/1.1 400 "), "{case}");
    assert!(!came.contains("\nset-cookie"), "{case}");
    assert_eq!(came.matches("http/1.1 ").count(), 1, "{case}");
    assert!(came.contains("invalid_request_error"), "{case}");
}

/// A HEADERS frame whose fields are literals, and a DATA frame that ends the stream.
fn http2_post(path: &str, body: &str) -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags, 0, 0, 0, stream]);
        frame.extend(payload);
        frame
    };
    let mut fields = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "g"),
        ("content-type", "application/json"),
    ] {
        fields.push(0);
        for text in [name, value] {
            fields.push(u8::try_from(text.len()).unwrap());
            fields.extend(text.as_bytes());
        }
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    bytes.extend(frame(1, 4, 1, &fields));
    bytes.extend(frame(0, 1, 1, body.as_bytes()));
    bytes
}

#[tokio::test]
async fn nor_over_http_2() {
    const STATUS_400: u8 = 0x80 | 12;
    const END_STREAM: u8 = 1;
    let chain = Chain::of(1).await;
    let body = json!({"model": EVIL, "messages": []}).to_string();
    let mut connection = connect(&chain.gateway).await;
    let request = http2_post("/v1/chat/completions", &body);
    connection.write_all(&request).await.unwrap();
    let (mut head, mut body) = (Vec::<u8>::new(), Vec::<u8>::new());
    let whole = async {
        loop {
            let mut frame = [0; 9];
            connection.read_exact(&mut frame).await.unwrap();
            let mut payload = vec![0; usize::from(frame[1]) << 8 | usize::from(frame[2])];
            connection.read_exact(&mut payload).await.unwrap();
            match frame[3] {
                0 => body.extend(payload),
                1 => head.extend(payload),
                _ => continue,
            }
            if frame[4] & END_STREAM != 0 {
                break;
            }
        }
    };
    tokio::time::timeout(harness::PATIENCE, whole)
        .await
        .expect("an answer comes");
    assert!(
        head.iter().take(3).any(|byte| *byte == STATUS_400),
        "{head:?}"
    );
    let error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(error["error"]["param"], "model");
    assert!(chain.providers[0].received().is_empty());
}

#[tokio::test]
async fn a_providers_strings_stay_in_their_places() {
    let chain = Chain::of(1).await;
    let message = format!("no \"{EVIL}\"");
    let refused = Behaviour::error(400, EVIL, EVIL, &message)
        .with_header("x-request-id", "a\tb")
        .with_header("retry-after", "\t1\t2");
    let served = Behaviour::json(
        200,
        &json!({"id": EVIL, "model": EVIL, "choices": [{"message": {"role": "assistant", "content": EVIL}}]}),
    )
    .with_header("x-request-id", "a\tb");
    for (behaviour, status) in [(refused, 400), (served, 200)] {
        chain.providers[0].next([behaviour]);
        let request = post(
            "/v1/chat/completions",
            &chat_body("chain"),
            "connection: close\r\n",
        );
        let came = to_the_end(connect(&chain.gateway).await, request.as_bytes()).await;
        let came = String::from_utf8_lossy(&came);
        let (head, _) = came.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{came}");
        assert!(!head.contains("set-cookie"), "{came}");
        let control = |line: &str| line.bytes().any(|byte| byte.is_ascii_control());
        assert!(!head.split("\r\n").any(control), "{head:?}");
    }
}

#[tokio::test]
async fn a_name_of_a_quarter_of_a_megabyte_has_an_event_and_little_of_the_store() {
    const REQUESTS: u64 = 60;
    let recorder = Recorder::start().await;
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let upstream = [Upstream::at("p0", &provider, Dialect::OpenAi)];
    let filter = "policies:\n  - {name: words, type: content-filter, action: block, config: {categories: [pii]}}\n";
    let policy = PolicyText::over(&upstream, filter);
    let huge = "x".repeat(256 * 1024);
    let requests = [
        (json!({"model": huge, "messages": []}), 400),
        (
            json!({"model": huge, "messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]}),
            409,
        ),
        (
            json!({"model": "m", "prompt_cache_key": huge, "messages": []}),
            400,
        ),
    ];
    let gateway = Gateway::start_with(&policy, &recorder.options()).await;
    for (body, status) in &requests {
        let answer = gateway.client().post("/v1/chat/completions", body).await;
        assert_eq!(answer.status, *status);
        assert_eq!(
            answer.error().1,
            if *status == 400 {
                "invalid_request_error"
            } else {
                "policy_violation"
            }
        );
    }
    let statuses: Vec<Value> = (recorder.wait_for(requests.len()).await.iter())
        .map(|event| event["status_code"].clone())
        .collect();
    assert_eq!(statuses, [400, 409, 400]);

    // With a store of its own, and all that bodies may take.
    let logging = PolicyText {
        text: format!("{}log_bodies: true\n", policy.text),
        keys: policy.keys.clone(),
    };
    let gateway = Gateway::start(&logging).await;
    for _ in 0..REQUESTS {
        gateway
            .client()
            .post("/v1/chat/completions", &requests[0].0)
            .await;
    }
    let stored = || async {
        let url = gateway.ports()["collector"].as_str().unwrap().to_owned();
        let token = std::fs::read_to_string(gateway.data_folder().join("api-token")).unwrap();
        let client = harness::Client::new(format!("http://{url}"));
        let header = [("authorization", &*format!("Bearer {}", token.trim()))];
        let path = "/v1/events?since=1h&metrics=request_count";
        let answer = client.send(Method::GET, path, &header, Vec::new()).await;
        answer.json()["data"][0]["request_count"].as_u64()
    };
    let all = async {
        while stored().await != Some(REQUESTS) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(harness::PATIENCE, all)
        .await
        .expect("all events are stored");
    let size = folder_size(&gateway.data_folder());
    // 32 KiB of body each, once in the store and once in its log, and what a store has anyway.
    assert!(
        size < REQUESTS * 2 * 40 * 1024 + 1024 * 1024,
        "{size} bytes"
    );
}

#[tokio::test]
async fn targets_whose_ids_differ_in_a_dot_have_metrics_of_their_own() {
    const IDS: [&str; 5] = ["a.b", "a_b", "a-b", "a.to.open.reason.x", "a.target.b"];
    let mut policy = PolicyText::default();
    policy.text.push_str("providers:\n  targets:\n");
    let mut providers = Vec::new();
    for (index, id) in IDS.into_iter().enumerate() {
        let provider = Provider::start(id, Dialect::OpenAi).await.unwrap();
        let base_url = provider.base_url();
        policy.text.push_str(&format!(
            "    - {{id: {id}, base_url: '{base_url}', secret_key_ref: {{env: K{index}}}, health_check: {{enabled: false}}}}\n"
        ));
        policy
            .keys
            .push((format!("K{index}"), format!("key-{index}")));
        providers.push(provider);
    }
    policy
        .text
        .push_str("circuit_breaker: {failure_threshold: 1}\nmodel_groups:\n");
    for (index, id) in IDS.into_iter().enumerate() {
        let group = format!("  - {{name: g{index}, models: [{{provider: {id}, model: m}}]}}\n");
        policy.text.push_str(&group);
    }
    let gateway = Gateway::start(&policy).await;
    let metrics = || async {
        let answer = gateway.client().get("/metrics").await;
        String::from_utf8(answer.body).unwrap()
    };
    let up = |id: &str, up: u8| format!("keeptrusts_target_up{{target=\"{id}\"}} {up}\n");
    let shown = metrics().await;
    for id in IDS {
        assert!(shown.contains(&up(id, 1)), "{id}:\n{shown}");
    }

    providers[0].behave(Behaviour::status(500));
    gateway.client().chat("g0").await;
    let down = async {
        while !metrics().await.contains(&up("a.b", 0)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(harness::PATIENCE, down)
        .await
        .expect("a.b is down");
    for index in 1..IDS.len() {
        assert_eq!(
            gateway.client().chat(&format!("g{index}")).await.status,
            200
        );
    }
    let shown = metrics().await;
    for id in &IDS[1..] {
        assert!(shown.contains(&up(id, 1)), "{id}:\n{shown}");
    }
    let transitions: Vec<&str> = (shown.lines())
        .filter(|line| line.starts_with("keeptrusts_health_transitions{"))
        .collect();
    let only =
        "keeptrusts_health_transitions{target=\"a.b\",to=\"open\",reason=\"upstream_5xx\"} 1";
    assert_eq!(transitions, [only]);
    // Envoy's own statistics of their clusters.
    // The only target of a plan that fails is asked twice.
    for (id, shown_as, asked) in [("a.b", "a%2Eb", 2), ("a_b", "a_b", 1), ("a-b", "a-b", 1)] {
        let line = format!(
            "envoy_cluster_upstream_rq_total{{envoy_cluster_name=\"kt/{shown_as}/120000ms\"}} {asked}\n"
        );
        assert!(shown.contains(&line), "{id}: {line}\n{shown}");
    }
}

#[tokio::test]
async fn a_models_name_may_be_percent_encoded_in_a_path() {
    let chain = Chain::with(
        &[5_000],
        "  - {name: org/model, models: [{provider: p0, model: m0}]}\n",
    )
    .await;
    let client = chain.gateway.client();
    for path in [
        "/v1/models/org%2Fmodel",
        "/v1/models/org/model",
        "/v1/models/org%2fmodel/",
    ] {
        let answer = client.get(path).await;
        assert_eq!(
            (answer.status, &answer.json()["id"]),
            (200, &json!("org/model")),
            "{path}"
        );
    }
    for (path, status) in [
        ("/v1/models/org%252Fmodel", 404),
        ("/v1/models/org%zz", 400),
        ("/v1/models/%ff", 400),
        ("/v1/models/a%0D%0Aset-cookie:%20evil=1", 400),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.error().1, "invalid_request_error", "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }
}
