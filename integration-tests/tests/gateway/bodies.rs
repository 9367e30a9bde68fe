//! Bodies arrive as they were sent.

use harness::Behaviour;
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
async fn twenty_megabytes_fail_over_intact() {
    let chain = Chain::of(2).await;
    chain.providers[0].behave(Behaviour::status(500));
    let model_last = String::from_utf8(request_with_image(20 * 1024 * 1024)).unwrap();
    let without = model_last.replace(",   \"model\":\"chain\" }", "}");
    let model_first = without.replacen('{', "{ \"model\":\"chain\",", 1);
    for (turn, sent) in [model_last, model_first].into_iter().enumerate() {
        let answer = chain
            .gateway
            .client()
            .send(
                Method::POST,
                "/v1/chat/completions",
                &[],
                sent.clone().into(),
            )
            .await;
        assert_eq!((answer.status, answer.provider()), (200, "p1"));
        for (provider, model) in chain.providers.iter().zip(["\"m0\"", "\"m1\""]) {
            let expected = sent.replace("\"chain\"", model);
            assert!(
                provider.received()[turn].body == expected.as_bytes(),
                "the body changed on the way"
            );
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
