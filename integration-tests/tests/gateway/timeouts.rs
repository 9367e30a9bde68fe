//! Each target has its own patience.

use std::time::{Duration, Instant};

use harness::{Behaviour, Step};

use crate::support::Chain;

#[tokio::test]
async fn every_target_of_a_chain_is_given_its_own_time() {
    for stream in [false, true] {
        let chain = Chain::with_timeouts(&[200, 500, 5_000]).await;
        chain.providers[0].behave(Behaviour::Stall);
        chain.providers[1].behave(Behaviour::Stall);
        let started = Instant::now();
        let provider = if stream {
            chain
                .gateway
                .client()
                .chat_stream("chain")
                .await
                .provider()
                .to_owned()
        } else {
            chain
                .gateway
                .client()
                .chat("chain")
                .await
                .provider()
                .to_owned()
        };
        assert_eq!(provider, "p2", "stream: {stream}");
        assert_eq!(chain.counts(), [1, 1, 1], "stream: {stream}");
        let arrivals: Vec<Instant> = chain
            .providers
            .iter()
            .map(|provider| provider.received()[0].at)
            .collect();
        let waits = [arrivals[1] - arrivals[0], arrivals[2] - arrivals[1]];
        for (wait, expected) in waits.iter().zip([200, 500]) {
            let expected = Duration::from_millis(expected);
            assert!(
                *wait >= expected - Duration::from_millis(20),
                "stream {stream}: waited {wait:?} of {expected:?}"
            );
            assert!(
                *wait < expected + Duration::from_millis(400),
                "stream {stream}: waited {wait:?} of {expected:?}"
            );
        }
        assert!(started.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn a_slow_stream_that_began_in_time_is_not_cut() {
    // Ten minutes of talk against a timeout of seconds, compressed in time: 40 timeouts long.
    for timeouts in [&[150_u64, 150][..], &[150, 5_000][..], &[5_000, 150][..]] {
        let chain = Chain::with_timeouts(timeouts).await;
        let chunk = |text: &str| {
            Step::data(&format!(
                r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m0","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
            ))
        };
        let mut steps = Vec::new();
        for index in 0..40 {
            steps.push(chunk(&format!("{index} ")));
            steps.push(Step::Wait(Duration::from_millis(40)));
        }
        steps.push(Step::data("[DONE]"));
        chain.providers[0].behave(Behaviour::Stream(steps));
        let answer = chain.gateway.client().chat_stream("chain").await;
        assert_eq!((answer.status, answer.provider()), (200, "p0"));
        assert!(!answer.broken);
        assert_eq!(answer.data().len(), 41, "{}", answer.text());
        let (first, last) = (answer.chunks[0].0, answer.chunks[answer.chunks.len() - 1].0);
        assert!(
            last - first > Duration::from_millis(1_200),
            "the stream was buffered: {first:?} to {last:?}"
        );
    }
}

#[tokio::test]
async fn a_whole_answer_has_to_come_in_time() {
    let chain = Chain::with_timeouts(&[300, 5_000]).await;
    let half = Behaviour::Body(
        "application/json".into(),
        vec![Step::Send(r#"{"id":"#.into()), Step::Stall],
    );
    chain.providers[0].behave(half);
    let answer = tokio::time::timeout(Duration::from_secs(5), async {
        let request = chain.gateway.client().request(
            reqwest::Method::POST,
            "/v1/chat/completions",
            &[],
            harness::chat_body("chain").to_string().into_bytes(),
        );
        request.send().await.unwrap().bytes().await
    });
    // The head was already with the client: the answer may break, but nobody waits for ever.
    let outcome = answer.await.expect("ends with the timeout");
    assert!(outcome.is_err() || !outcome.unwrap().is_empty());
}

#[tokio::test]
async fn a_client_that_hangs_up_frees_the_upstream() {
    let chain = Chain::with_timeouts(&[60_000, 60_000]).await;
    chain.providers[0].behave(Behaviour::Stall);
    let client = chain.gateway.client();
    let asking = tokio::spawn(async move { client.chat("chain").await });
    chain.providers[0]
        .wait_until(|received| received.len() == 1)
        .await;
    asking.abort();
    let abandoned = chain.providers[0]
        .wait_until(|received| received.iter().all(harness::Received::was_abandoned));
    tokio::time::timeout(Duration::from_secs(10), abandoned)
        .await
        .expect("the upstream connection is closed");
    assert_eq!(chain.counts(), [1, 0]);
}
