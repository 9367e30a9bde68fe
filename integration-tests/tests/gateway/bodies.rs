//! Bodies arrive as they were sent.

use harness::{Behaviour, Dialect, Gateway, PolicyText, Provider, Upstream};
use reqwest::Method;
use serde_json::json;

use crate::support::Chain;

/// Bytes of a request with an image of `size` bytes, spelled as no serializer of ours would.
fn request_with_image(size: usize) -> Vec<u8> {
    let image: String = (0..size)
        .map(|index| char::from(b'A' + u8::try_from(index * 7 % 26).unwrap()))
        .collect();
    format!(
        "{{ \"messages\" : [ {{\"role\":\"user\",\"content\":[{{\"type\":\"image_url\",\"image_url\":{{\"url\":\"data:image\\/png;base64,{image}\"}}}}]}}],\n\t\"temperature\": 1.0e-1,   \"model\":\"chain\" }}\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn only_the_model_name_changes() {
    let chain = Chain::of(1).await;
    let sent = request_with_image(64);
    assert_eq!(
        chain
            .gateway
            .client()
            .send(Method::POST, "/v1/chat/completions", &[], sent.clone())
            .await
            .status,
        200
    );
    let expected = String::from_utf8(sent)
        .unwrap()
        .replace("\"chain\"", "\"m0\"");
    assert_eq!(
        String::from_utf8_lossy(&chain.providers[0].received()[0].body),
        expected
    );
}

#[tokio::test]
async fn thirty_megabytes_fail_over_intact() {
    let [first, second] = ["p0", "p1"].map(|name| Provider::start(name, Dialect::OpenAi));
    let providers = [first.await.unwrap(), second.await.unwrap()];
    // One that counts the tokens of a stream when it is asked to.
    let upstreams: Vec<Upstream> = (providers.iter().enumerate())
        .map(|(index, at)| {
            Upstream::at(&format!("p{index}"), at, Dialect::OpenAi)
                .vendor("vllm")
                .with("circuit_breaker: {failure_threshold: 100}")
        })
        .collect();
    let members = [("p0", "m0", 20_000), ("p1", "m1", 20_000)];
    let gateway = Gateway::serving(&PolicyText::failover(&upstreams, "chain", &members)).await;
    providers[0].behave(Behaviour::status(500));

    let model_last = String::from_utf8(request_with_image(30 * 1024 * 1024)).unwrap();
    let without = model_last.replace(",   \"model\":\"chain\" }", "}");
    let model_first = without.replacen('{', "{ \"model\":\"chain\",", 1);
    let mut turn = 0;
    for sent in [model_last, model_first] {
        for asked in ["", "\"stream_options\":{\"include_usage\":true},"] {
            let sent = if asked.is_empty() {
                sent.clone()
            } else {
                sent.replace("\"temperature\"", "\"stream\":true,\"temperature\"")
            };
            let client = gateway.client();
            let body = sent.clone().into();
            let answer = client
                .send(Method::POST, "/v1/chat/completions", &[], body)
                .await;
            assert_eq!(answer.status, 200);
            for (provider, model) in providers.iter().zip(["\"m0\"", "\"m1\""]) {
                let expected = sent.replace("\"chain\"", model);
                let expected = expected.replacen('{', &format!("{{{asked}"), 1);
                assert!(
                    provider.received()[turn].body == expected.as_bytes(),
                    "the body changed on the way"
                );
            }
            turn += 1;
        }
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_413() {
    let chain = Chain::with(&[5_000], "max_request_bytes: 100000\n").await;
    let client = chain.gateway.client();
    let answer = client
        .send(
            Method::POST,
            "/v1/chat/completions",
            &[],
            request_with_image(100_000),
        )
        .await;
    assert_eq!(
        (answer.status, answer.error().1.as_str()),
        (413, "invalid_request_error")
    );
    let fits = client
        .send(
            Method::POST,
            "/v1/chat/completions",
            &[],
            request_with_image(90_000),
        )
        .await;
    assert_eq!(fits.status, 200);
    assert_eq!(chain.counts(), [1]);
}

#[tokio::test]
async fn an_answer_of_any_size_passes() {
    let chain = Chain::of(1).await;
    let long = "word ".repeat(1_000_000);
    let body = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m0",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": long}, "finish_reason": "stop"}]});
    chain.providers[0].behave(Behaviour::json(200, &body));
    let answer = chain.gateway.client().chat("chain").await;
    assert_eq!(answer.json()["choices"], body["choices"]);
    assert_eq!(answer.json()["keeptrusts_metadata"]["provider"], "p0");
}
