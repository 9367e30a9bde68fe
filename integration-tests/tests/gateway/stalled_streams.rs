//! Streams that fall silent, and what client, events and health are told.

use std::time::Duration;

use harness::{Behaviour, Step};
use serde_json::{Value, json};

use crate::support::Chain;

const IDLE: &str = "stream_idle_timeout_ms: 700";

fn chunk(text: &str) -> Step {
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m0",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
    Step::data(&chunk.to_string())
}

fn ping() -> Step {
    Step::Send(": ping\n\n".into())
}

fn wait(milliseconds: u64) -> Step {
    Step::Wait(Duration::from_millis(milliseconds))
}

/// The last event of a stream, as JSON.
fn last(events: &[String]) -> Value {
    serde_json::from_str(events.last().unwrap()).unwrap()
}

#[tokio::test]
async fn a_stream_that_stalls_after_content_ends_with_an_error_event() {
    let chain = Chain::with_targets(&[5_000, 5_000], IDLE, "").await;
    let client = chain.gateway.client();
    for steps in [
        // All at once; one by one; with pings, which are life, up to the silence.
        vec![chunk("a"), Step::Stall],
        vec![
            chunk("a"),
            wait(50),
            chunk("b"),
            wait(50),
            chunk("c"),
            Step::Stall,
        ],
        vec![
            ping(),
            wait(50),
            chunk("a"),
            wait(500),
            ping(),
            wait(500),
            ping(),
            Step::Stall,
        ],
    ] {
        let texts = steps
            .iter()
            .filter(|step| matches!(step, Step::Send(bytes) if bytes.starts_with(b"data")))
            .count();
        chain.providers[0].behave(Behaviour::Stream(steps));
        let answer = client.chat_stream("chain").await;
        assert_eq!((answer.status, answer.provider()), (200, "p0"));
        let events = answer.data();
        assert_eq!(events.len(), texts + 1, "{}", answer.text());
        let error = &last(&events)["error"];
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("no further event"),
            "{error}"
        );
        assert!(answer.broken, "no proper end: {}", answer.text());
        let since_last =
            answer.chunks[answer.chunks.len() - 1].0 - answer.chunks[answer.chunks.len() - 2].0;
        assert!(since_last >= Duration::from_millis(650), "{since_last:?}");
        assert!(since_last < Duration::from_millis(1_800), "{since_last:?}");
    }
    let health = chain.gateway.client().get("/health").await.json();
    let first = &health["providers"]["p0"];
    assert_eq!(
        (first["status"].as_str(), first["reason"].as_str()),
        (Some("unhealthy"), Some("stream_broken")),
        "{first}"
    );
    chain.assert_nothing_leaked();
}

#[tokio::test]
async fn pieces_of_every_size_and_pace_arrive_as_they_were_sent() {
    let chain = Chain::with_targets(&[5_000, 5_000], IDLE, "").await;
    let client = chain.gateway.client();
    let long = "x".repeat(3 * 1024 * 1024);
    for steps in [
        (0..300)
            .map(|index| chunk(&index.to_string()))
            .collect::<Vec<_>>(),
        (0..30)
            .flat_map(|index| [chunk(&index.to_string()), wait(10)])
            .collect(),
        // Longer than any buffer between.
        vec![
            chunk("a"),
            chunk(&long),
            wait(300),
            chunk(&long),
            chunk("z"),
        ],
        vec![chunk(&long)],
    ] {
        let wanted: Vec<Vec<u8>> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Send(bytes) => Some(bytes.to_vec()),
                Step::Wait(_) | Step::Stall | Step::Break => None,
            })
            .collect();
        let steps = [steps, vec![Step::data("[DONE]")]].concat();
        chain.providers[0].behave(Behaviour::Stream(steps));
        let answer = client.chat_stream("chain").await;
        assert!(!answer.broken, "{} bytes came", answer.text().len());
        let wanted = [wanted.concat(), b"data: [DONE]\n\n".to_vec()].concat();
        assert!(
            answer.text().as_bytes() == wanted,
            "{} of {} bytes",
            answer.text().len(),
            wanted.len()
        );
    }
}

#[tokio::test]
async fn a_live_provider_without_content_is_let_through_in_time_and_its_timeout_holds() {
    let chain = Chain::with_targets(&[2_000, 2_000], "", "commit_after_ms: 500\n").await;
    let client = chain.gateway.client();
    let pings = |count: usize| {
        (0..count)
            .flat_map(|_| [ping(), wait(200)])
            .collect::<Vec<_>>()
    };
    // Content comes in the end.
    let steps = [pings(6), vec![chunk("a"), Step::data("[DONE]")]].concat();
    chain.providers[0].behave(Behaviour::Stream(steps));
    let answer = client.chat_stream("chain").await;
    assert_eq!(
        (answer.provider(), answer.content().as_str(), answer.broken),
        ("p0", "a", false)
    );
    let first = answer.chunks[0].0;
    assert!(
        first >= Duration::from_millis(450) && first < Duration::from_millis(1_100),
        "{first:?}"
    );
    // It never does: what goes on is an error in time, and nobody else is asked.
    chain.providers[0].behave(Behaviour::Stream(pings(40)));
    let answer = client.chat_stream("chain").await;
    let error = &last(&answer.data())["error"];
    assert!(
        error["message"].as_str().unwrap().contains("no content"),
        "{error}"
    );
    let end = answer.chunks.last().unwrap().0;
    assert!(
        end >= Duration::from_millis(1_900) && end < Duration::from_millis(3_000),
        "{end:?}"
    );
    assert_eq!(chain.counts(), [2, 0]);
}

#[tokio::test]
async fn the_timeout_of_an_only_target_holds_until_content() {
    let chain = Chain::with_targets(&[800], "", "").await;
    let pings = (0..40).flat_map(|_| [ping(), wait(100)]).collect();
    chain.providers[0].behave(Behaviour::Stream(pings));
    let answer = chain.gateway.client().chat_stream("chain").await;
    let error = &last(&answer.data())["error"];
    assert!(
        error["message"].as_str().unwrap().contains("no content"),
        "{error}"
    );
    let end = answer.chunks.last().unwrap().0;
    assert!(end < Duration::from_millis(1_800), "{end:?}");
}
