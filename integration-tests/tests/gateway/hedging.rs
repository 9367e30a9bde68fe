//! A second target is asked when the first one is slow, and the first answer wins.

use std::time::Duration;

use harness::{Behaviour, Dialect, Gateway, PolicyText, Provider, Received, Recorder, Upstream};
use serde_json::Value;

use crate::support::Chain;

const HEDGE_AFTER: Duration = Duration::from_millis(200);
/// Envoy's timers count whole milliseconds from when its loop last looked at the clock.
const EARLY: Duration = Duration::from_millis(5);
/// What a gateway on a busy machine may add.
const SLACK: Duration = Duration::from_millis(600);

async fn chain(timeouts_ms: &[u64]) -> Chain {
    Chain::with(timeouts_ms, "    hedge_after_ms: 200\n").await
}

#[tokio::test]
async fn a_fast_answer_needs_no_second_opinion() {
    let chain = chain(&[5_000, 5_000]).await;
    for stream in [false, true] {
        let served = ask(&chain, stream).await;
        assert_eq!((served.provider.as_str(), served.fallbacks), ("p0", 0));
    }
    assert_eq!(chain.counts(), [2, 0]);
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn the_second_one_answers_for_a_slow_first_one_which_is_cancelled() {
    let chain = chain(&[5_000, 5_000]).await;
    chain.providers[0].behave(Behaviour::Stall);
    for stream in [false, true] {
        let served = ask(&chain, stream).await;
        assert_eq!((served.provider.as_str(), served.fallbacks), ("p1", 1));
        assert!(
            (HEDGE_AFTER - EARLY..HEDGE_AFTER + SLACK).contains(&served.took),
            "stream {stream}: took {:?}",
            served.took
        );
        if let Some(failover) = served.failover {
            assert_eq!(failover["reason"], "hedged");
            assert_eq!(failover["original_provider"], "p0");
        }
        wait_until_abandoned(&chain.providers[0]).await;
    }
    assert_eq!(chain.counts(), [2, 2]);
    assert_none_is_blamed(&chain).await;
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn the_first_one_may_still_win() {
    let chain = chain(&[5_000, 5_000]).await;
    chain.providers[0].behave(Behaviour::AnswerAfter(HEDGE_AFTER * 2));
    chain.providers[1].behave(Behaviour::Stall);
    for stream in [false, true] {
        let served = ask(&chain, stream).await;
        assert_eq!((served.provider.as_str(), served.fallbacks), ("p0", 0));
        assert!(
            served.took < HEDGE_AFTER * 2 + SLACK,
            "took {:?}",
            served.took
        );
        wait_until_abandoned(&chain.providers[1]).await;
    }
    assert_none_is_blamed(&chain).await;
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn a_failure_beside_an_attempt_under_way_does_not_end_the_request() {
    // The first one's time is over while the second one is at work.
    let timed_out = chain(&[400, 5_000]).await;
    timed_out.providers[0].behave(Behaviour::Stall);
    timed_out.providers[1].behave(Behaviour::AnswerAfter(HEDGE_AFTER * 3));
    for stream in [false, true] {
        let served = ask(&timed_out, stream).await;
        assert_eq!((served.status, served.provider.as_str()), (200, "p1"));
    }
    assert_eq!(timed_out.counts(), [2, 2]);

    let broken = chain(&[5_000, 5_000]).await;
    broken.providers[0].behave(Behaviour::Stall);
    broken.providers[1].behave(Behaviour::AnswerAfter(HEDGE_AFTER * 2));
    for (asked, stream) in [(1, false), (2, true)] {
        let (served, ()) = tokio::join!(ask(&broken, stream), async {
            broken.providers[1]
                .wait_until(|received| received.len() == asked)
                .await;
            broken.providers[0].go_down();
        });
        assert_eq!((served.status, served.provider.as_str()), (200, "p1"));
        assert_eq!(broken.counts(), [asked, asked]);
        broken.providers[0].come_back().await.unwrap();
    }
}

#[tokio::test]
async fn hedged_requests_fail_over_as_others_do() {
    let chain = chain(&[5_000, 5_000, 5_000]).await;
    chain.providers[0].behave(Behaviour::status(500));
    chain.providers[1].go_down();
    for stream in [false, true] {
        let served = ask(&chain, stream).await;
        assert_eq!((served.provider.as_str(), served.fallbacks), ("p2", 2));
        assert!(served.took < HEDGE_AFTER + SLACK);
    }
    chain.providers[2].behave(Behaviour::status(500));
    assert_eq!(ask(&chain, false).await.status, 502);
}

#[tokio::test]
async fn the_event_names_both_and_bills_the_one_that_answered() {
    let recorder = Recorder::start().await;
    let provider = async |name| Provider::start(name, Dialect::OpenAi).await.unwrap();
    let providers = [provider("p0").await, provider("p1").await];
    let upstreams = [0, 1].map(|index| {
        let id = format!("p{index}");
        Upstream::at(&id, &providers[index], Dialect::OpenAi)
    });
    let members = [("p0", "m0", 5_000), ("p1", "m1", 5_000)];
    let mut policy = PolicyText::failover(&upstreams, "chain", &members);
    policy
        .text
        .push_str("        cost_per_1k_input: 1\n        cost_per_1k_output: 1\n");
    policy.text.push_str("    hedge_after_ms: 200\n");
    let gateway = Gateway::start_with(&policy, &recorder.options()).await;
    providers[0].behave(Behaviour::Stall);
    let answer = gateway.client().chat("chain").await;
    assert_eq!(answer.provider(), "p1");

    let event = recorder.wait_for(1).await.remove(0);
    let reasons = event["attempts"].as_array().unwrap().iter();
    let reasons: Vec<(&str, Option<&str>)> = reasons
        .map(|attempt| {
            (
                attempt["provider"].as_str().unwrap(),
                attempt["reason"].as_str(),
            )
        })
        .collect();
    assert_eq!(reasons, [("p0", Some("hedged")), ("p1", None)]);
    assert_eq!(event["provider"], "p1");
    assert_eq!(event["failover"]["reason"], "hedged");
    assert_ne!(event["client_gone"], true, "{event}");
    let usage = &answer.json()["usage"];
    assert_eq!(event["tokens"]["total"], usage["total_tokens"]);
    let cost = usage["total_tokens"].as_f64().unwrap() / 1_000.0;
    assert!(
        (event["actual_cost_usd"].as_f64().unwrap() - cost).abs() < 1e-9,
        "{event}"
    );
}

struct Served {
    status: u16,
    provider: String,
    fallbacks: usize,
    failover: Option<Value>,
    took: Duration,
}

async fn ask(chain: &Chain, stream: bool) -> Served {
    let client = chain.gateway.client();
    if stream {
        let answer = client.chat_stream("chain").await;
        let complete = answer.data().last().is_some_and(|data| data == "[DONE]");
        assert!(answer.status != 200 || complete, "{}", answer.text());
        Served {
            status: answer.status,
            provider: answer.provider().to_owned(),
            fallbacks: answer
                .header("x-keeptrusts-fallback-count")
                .parse()
                .unwrap_or(0),
            failover: None,
            took: answer.chunks.first().map(|(at, _)| *at).unwrap_or_default(),
        }
    } else {
        let answer = client.chat("chain").await;
        Served {
            status: answer.status,
            provider: answer.provider().to_owned(),
            fallbacks: answer
                .header("x-keeptrusts-fallback-count")
                .parse()
                .unwrap_or(0),
            failover: Some(answer.json()["keeptrusts_metadata"]["failover"].clone()),
            took: answer.took,
        }
    }
}

async fn wait_until_abandoned(provider: &Provider) {
    let cancelled = provider.wait_until(|received| received.iter().all(Received::was_abandoned));
    tokio::time::timeout(Duration::from_secs(5), cancelled)
        .await
        .expect("the slower attempt is cancelled");
}

async fn assert_none_is_blamed(chain: &Chain) {
    let health = chain.gateway.client().get("/health").await.json();
    for id in ["p0", "p1"] {
        let failures = &health["providers"][id]["consecutive_failures"];
        assert_eq!(failures, 0, "{id}: {health}");
    }
}
