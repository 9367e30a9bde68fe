//! What makes the gateway try the next target, and what does not.

use std::time::Duration;

use harness::{Behaviour, Step};
use serde_json::json;

use crate::support::Chain;

/// What an Envoy in front of a provider may say; ours would try nobody else then.
const NOBODY_ELSE: [&str; 2] = ["x-envoy-overloaded", "x-envoy-ratelimited"];

/// Behaviours of the first provider after which the second serves a JSON request, with the reason that is given.
fn json_failures() -> Vec<(&'static str, Behaviour, &'static str)> {
    let mut cases = vec![
        ("stall", Behaviour::Stall, "upstream_timeout"),
        ("reset", Behaviour::Reset, "upstream_reset"),
        ("hang-up", Behaviour::Hangup, "upstream_reset"),
        ("401", Behaviour::status(401), "upstream_auth"),
        (
            "403 of the key",
            Behaviour::error(403, "permission_error", "permission_error", "no permission"),
            "upstream_auth",
        ),
        ("403", Behaviour::status(403), "upstream_refused"),
        (
            "403 of a firewall",
            Behaviour::Respond {
                status: 403,
                headers: vec![(String::from("content-type"), String::from("text/html"))],
                body: "<html><title>Attention Required! | Cloudflare</title></html>".into(),
            },
            "upstream_refused",
        ),
        (
            "404 of a proxy",
            Behaviour::Respond {
                status: 404,
                headers: vec![(String::from("content-type"), String::from("text/plain"))],
                body: "404 page not found".into(),
            },
            "upstream_refused",
        ),
        (
            "400 of a key that is no more",
            Behaviour::error(
                400,
                "invalid_request_error",
                "invalid_request_error",
                "This organization has been disabled.",
            ),
            "upstream_auth",
        ),
        (
            "400 of a model that is no more",
            Behaviour::error(
                400,
                "invalid_request_error",
                "model_decommissioned",
                "The model `m0` has been decommissioned",
            ),
            "model_not_found",
        ),
        (
            "404 unknown model",
            Behaviour::error(
                404,
                "invalid_request_error",
                "model_not_found",
                "The model `m0` does not exist",
            ),
            "model_not_found",
        ),
        (
            "200 with an error body",
            Behaviour::json(
                200,
                &json!({"error": {"message": "overloaded", "type": "overloaded_error"}}),
            ),
            "upstream_5xx",
        ),
    ];
    for status in [500, 502, 503, 504, 529] {
        cases.push(("5xx", Behaviour::status(status), "upstream_5xx"));
    }
    cases.push(("408", Behaviour::status(408), "upstream_timeout"));
    for mark in NOBODY_ELSE {
        let behaviour = Behaviour::status(503).with_header(mark, "true");
        cases.push((mark, behaviour, "upstream_5xx"));
    }
    cases
}

/// The first provider's next answer. A connection that breaks before one is tried once more.
fn next(chain: &Chain, behaviour: Behaviour) {
    let breaks = matches!(behaviour, Behaviour::Reset | Behaviour::Hangup);
    chain.providers[0].next(vec![behaviour; if breaks { 2 } else { 1 }]);
}

#[tokio::test]
async fn json_requests_fail_over() {
    let chain = Chain::with_timeouts(&[400, 5_000]).await;
    for (name, behaviour, reason) in json_failures() {
        next(&chain, behaviour);
        let answer = chain.gateway.client().chat("chain").await;
        assert_eq!(
            (answer.status, answer.provider()),
            (200, "p1"),
            "{name}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        let failover = answer.json()["keeptrusts_metadata"]["failover"].clone();
        assert_eq!(failover["reason"], reason, "{name}");
        // Successes in between keep the target healthy, so that each case meets it.
        assert_eq!(
            chain.gateway.client().chat("chain").await.provider(),
            "p0",
            "after {name}"
        );
    }
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn streams_fail_over_before_the_first_content() {
    let chain = Chain::with_timeouts(&[400, 5_000]).await;
    let role = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m0","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
    let pings = |count: usize| {
        (0..count).flat_map(|_| {
            [
                Step::Send(": ping\n\n".into()),
                Step::Wait(Duration::from_millis(60)),
            ]
        })
    };
    let mut cases = vec![
        (
            "error first",
            Behaviour::Stream(vec![Step::data(
                r#"{"error":{"message":"overloaded","type":"server_error","code":null}}"#,
            )]),
        ),
        (
            "error event first",
            Behaviour::Stream(vec![Step::event(
                "error",
                r#"{"error":{"message":"overloaded"}}"#,
            )]),
        ),
        ("empty", Behaviour::Stream(vec![])),
        (
            "done without content",
            Behaviour::Stream(vec![Step::data(role), Step::data("[DONE]")]),
        ),
        ("role only", Behaviour::Stream(vec![Step::data(role)])),
        (
            "broken after the role",
            // Not before the head has been read: a reset takes what was not.
            Behaviour::Stream(vec![
                Step::data(role),
                Step::Wait(Duration::from_millis(50)),
                Step::Break,
            ]),
        ),
        (
            "pings but no content in time",
            Behaviour::Stream(pings(40).collect()),
        ),
        (
            "role, then silence",
            Behaviour::Stream(vec![Step::data(role), Step::Stall]),
        ),
    ];
    for status in [500, 503, 401] {
        cases.push(("status", Behaviour::status(status)));
    }
    for mark in NOBODY_ELSE {
        cases.push((mark, Behaviour::status(503).with_header(mark, "true")));
    }
    cases.push(("stall", Behaviour::Stall));
    cases.push(("reset", Behaviour::Reset));
    for (name, behaviour) in cases {
        next(&chain, behaviour);
        let answer = chain.gateway.client().chat_stream("chain").await;
        assert_eq!(
            (answer.status, answer.provider()),
            (200, "p1"),
            "{name}: {}",
            answer.text()
        );
        assert!(
            answer.content().contains("[simulated] p1"),
            "{name}: {}",
            answer.text()
        );
        assert_eq!(
            answer.data().last().map(String::as_str),
            Some("[DONE]"),
            "{name}"
        );
        assert!(!answer.broken, "{name}");
        assert_eq!(
            chain.gateway.client().chat_stream("chain").await.provider(),
            "p0",
            "after {name}"
        );
    }
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn the_clients_own_fault_is_the_clients_answer() {
    let chain = Chain::of(2).await;
    for (status, code) in [
        (400, "invalid_value"),
        (422, "unprocessable"),
        (404, "not_found"),
        (413, "too_large"),
    ] {
        chain.providers[0].next([Behaviour::error(
            status,
            "invalid_request_error",
            code,
            "look at your request",
        )]);
        let answer = chain.gateway.client().chat("chain").await;
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.json()["error"]["message"],
            "look at your request",
            "{status}"
        );
        assert_eq!(
            answer.json()["error"]["type"],
            "invalid_request_error",
            "{status}"
        );
    }
    assert_eq!(chain.counts(), [4, 0]);
}

#[tokio::test]
async fn a_provider_that_asks_for_patience_is_passed_over_at_once() {
    let cases = [
        (
            "429",
            Behaviour::status(429).with_header("retry-after", "60"),
        ),
        (
            "400 that says quota",
            Behaviour::error(
                400,
                "insufficient_quota",
                "insufficient_quota",
                "You exceeded your current quota",
            ),
        ),
    ];
    for (name, behaviour) in cases {
        for stream in [false, true] {
            let chain = Chain::of(2).await;
            chain.providers[0].behave(behaviour.clone());
            let client = chain.gateway.client();
            let (status, provider) = if stream {
                let answer = client.chat_stream("chain").await;
                (answer.status, answer.provider().to_owned())
            } else {
                let answer = client.chat("chain").await;
                (answer.status, answer.provider().to_owned())
            };
            assert_eq!(
                (status, provider.as_str()),
                (200, "p1"),
                "{name}, stream: {stream}"
            );
        }
    }
}
