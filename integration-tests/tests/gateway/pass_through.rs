//! Answers pass as they arrive.

use std::time::Duration;

use harness::{Behaviour, Step};
use serde_json::json;

use crate::support::Chain;

#[tokio::test]
async fn stream_bytes_are_the_providers() {
    let chain = Chain::of(1).await;
    let pieces = [
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m0\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Gr\u{fc}\u{df}e\"}}]}\r\n\r\n",
        ": a comment\n\n",
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m0\",\"unknown\":{\"kept\":[1,2]},\"choices\":[]}\n\n",
        "data: [DONE]\n\n",
    ];
    let steps = pieces.iter().flat_map(|piece| {
        [
            Step::Send((*piece).into()),
            Step::Wait(Duration::from_millis(30)),
        ]
    });
    chain.providers[0].behave(Behaviour::Stream(steps.collect()));
    let answer = chain.gateway.client().chat_stream("chain").await;
    assert_eq!(answer.text(), pieces.concat());
    assert!(
        answer
            .header("content-type")
            .starts_with("text/event-stream")
    );
}

#[tokio::test]
async fn chunks_leave_when_they_come() {
    let chain = Chain::of(1).await;
    let chunk = |text: &str| {
        Step::data(&format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m0","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#
        ))
    };
    let pause = Duration::from_millis(250);
    let steps = vec![
        chunk("a"),
        Step::Wait(pause),
        chunk("b"),
        Step::Wait(pause),
        Step::data("[DONE]"),
    ];
    chain.providers[0].behave(Behaviour::Stream(steps));
    let answer = chain.gateway.client().chat_stream("chain").await;
    assert_eq!(answer.chunks.len(), 3);
    let gaps = [
        answer.chunks[1].0 - answer.chunks[0].0,
        answer.chunks[2].0 - answer.chunks[1].0,
    ];
    assert!(gaps.iter().all(|gap| *gap > pause / 2), "{gaps:?}");
}

#[tokio::test]
async fn a_stream_cut_off_after_content_never_looks_complete() {
    let chain = Chain::of(2).await;
    let content = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m0","choices":[{"index":0,"delta":{"content":"half"}}]}"#;
    // Ends cleanly on the wire, but without [DONE].
    chain.providers[0].next([Behaviour::Stream(vec![
        Step::data(content),
        Step::Wait(Duration::from_millis(50)),
    ])]);
    let answer = chain.gateway.client().chat_stream("chain").await;
    assert_eq!(answer.content(), "half");
    assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
    let last: serde_json::Value = serde_json::from_str(answer.data().last().unwrap()).unwrap();
    assert!(last["error"]["message"].is_string(), "{last}");
    // Breaks on the wire: Envoy ends the client's connection too.
    chain.providers[0].next([Behaviour::Stream(vec![
        Step::data(content),
        Step::Wait(Duration::from_millis(50)),
        Step::Break,
    ])]);
    let answer = chain.gateway.client().chat_stream("chain").await;
    assert!(
        answer.broken || answer.text().contains("\"error\""),
        "{}",
        answer.text()
    );
    assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
    assert_eq!(
        chain.counts(),
        [2, 0],
        "content was out: nothing may be retried"
    );
}

#[tokio::test]
async fn other_endpoints_pass_too() {
    let chain = Chain::of(1).await;
    let client = chain.gateway.client();
    let embeddings = client
        .post(
            "/v1/embeddings",
            &json!({"model": "chain", "input": ["a", "b"]}),
        )
        .await;
    assert_eq!(embeddings.status, 200);
    assert_eq!(embeddings.json()["data"].as_array().unwrap().len(), 2);
    let completion = client
        .post(
            "/v1/completions",
            &json!({"model": "chain", "prompt": "say"}),
        )
        .await;
    assert_eq!(completion.status, 200);
    assert!(
        completion.json()["choices"][0]["text"]
            .as_str()
            .unwrap()
            .contains("[simulated]")
    );
    let paths: Vec<String> = chain.providers[0]
        .received()
        .iter()
        .map(|request| request.path.clone())
        .collect();
    assert_eq!(paths, ["/v1/embeddings", "/v1/completions"]);
}

#[tokio::test]
async fn models_and_health_are_answered_by_the_gateway() {
    let chain = Chain::of(1).await;
    let client = chain.gateway.client();
    let models = client.get("/v1/models").await;
    assert_eq!(models.status, 200);
    assert_eq!(models.json()["object"], "list");
    assert_eq!(models.json()["data"][0]["id"], "chain");
    assert_eq!(client.get("/v1/models/chain").await.json()["id"], "chain");
    assert_eq!(client.get("/v1/models/other").await.status, 404);
    let health = client.get("/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["status"], "healthy");
    assert_eq!(health.json()["providers"]["p0"]["status"], "healthy");
    let metrics = client.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(String::from_utf8_lossy(&metrics.body).contains("envoy_"));
}
