//! Whatever a client sends, it gets an error it can read, and the next request works.

use harness::Client;
use reqwest::Method;
use serde_json::json;

use crate::support::Chain;

async fn assert_still_works(client: &Client, after: &str) {
    assert_eq!(client.chat("chain").await.status, 200, "after {after}");
}

#[tokio::test]
async fn bodies_that_are_no_request_are_400() {
    let chain = Chain::of(1).await;
    let client = chain.gateway.client();
    let deep = format!(
        "{{\"model\":\"chain\",\"messages\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("not JSON", b"hello".to_vec()),
        ("array", b"[1, 2]".to_vec()),
        ("no model", b"{\"messages\": []}".to_vec()),
        ("model is a number", b"{\"model\": 7, \"messages\": []}".to_vec()),
        ("model is null", b"{\"model\": null, \"messages\": []}".to_vec()),
        ("model is empty", b"{\"model\": \"\", \"messages\": []}".to_vec()),
        ("nested too deeply", deep.into_bytes()),
        ("invalid UTF-8", b"{\"model\": \"chain\", \"messages\": [{\"role\": \"user\", \"content\": \"\xff\xfe\"}]}".to_vec()),
        ("model twice", b"{\"model\": \"chain\", \"model\": \"other\", \"messages\": []}".to_vec()),
        ("empty body", Vec::new()),
        ("cut off", b"{\"model\": \"chain\", \"messages\": [".to_vec()),
        ("trailing garbage", b"{\"model\": \"chain\", \"messages\": []} x".to_vec()),
        ("stream is a string", b"{\"model\": \"chain\", \"stream\": \"yes\", \"messages\": []}".to_vec()),
    ];
    for (name, body) in cases {
        let answer = client
            .send(Method::POST, "/v1/chat/completions", &[], body)
            .await;
        assert_eq!(
            (answer.status, answer.error().1.as_str()),
            (400, "invalid_request_error"),
            "{name}"
        );
        assert!(
            !answer.json()["error"]["message"]
                .as_str()
                .unwrap()
                .is_empty(),
            "{name}"
        );
        assert_still_works(&client, name).await;
    }
}

#[tokio::test]
async fn unknown_models_are_404_and_name_the_groups() {
    let chain = Chain::of(1).await;
    let answer = chain
        .gateway
        .client()
        .post(
            "/v1/chat/completions",
            &json!({"model": "nobody", "messages": []}),
        )
        .await;
    assert_eq!(
        answer.error(),
        (
            404,
            "invalid_request_error".into(),
            "model_not_found".into()
        )
    );
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("chain")
    );
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_say_so() {
    let chain = Chain::of(1).await;
    let client = chain.gateway.client();
    let wrong_method = client.get("/v1/chat/completions").await;
    assert_eq!(
        (wrong_method.status, wrong_method.header("allow")),
        (405, "POST")
    );
    assert_eq!(wrong_method.error().1, "invalid_request_error");
    let unknown = client.get("/nothing/here").await;
    assert_eq!(
        (unknown.status, unknown.error().1.as_str()),
        (404, "invalid_request_error")
    );
    assert_still_works(&client, "unknown paths").await;
}

#[tokio::test]
async fn headers_that_are_not_utf8_do_not_harm() {
    let chain = Chain::of(1).await;
    let client = chain.gateway.client();
    let strange = reqwest::header::HeaderValue::from_bytes(b"caf\xe9\xff").unwrap();
    let body = harness::chat_body("chain").to_string().into_bytes();
    let request = client
        .request(Method::POST, "/v1/chat/completions", &[], body)
        .header("x-strange", strange);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_still_works(&client, "strange headers").await;
}

#[tokio::test]
async fn clients_cannot_steer_envoy_or_the_filter() {
    let chain = Chain::of(2).await;
    let headers = [
        ("x-kt-token", "1"),
        ("x-kt-cluster", "kt/p1/5000ms"),
        ("x-kt-inner-cluster", "kt/p1/5000ms"),
        ("x-kt-probe", "1"),
        ("x-envoy-max-retries", "0"),
        ("x-envoy-retry-on", "never"),
        ("x-envoy-upstream-rq-per-try-timeout-ms", "1"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-envoy-upstream-stream-duration-ms", "1"),
        ("x-envoy-upstream-alt-stat-name", "x"),
    ];
    chain.providers[0].next([harness::Behaviour::status(500)]);
    let body = harness::chat_body("chain").to_string().into_bytes();
    let answer = chain
        .gateway
        .client()
        .send(Method::POST, "/v1/chat/completions", &headers, body)
        .await;
    assert_eq!((answer.status, answer.provider()), (200, "p1"));
    chain.assert_nothing_leaked();
}
