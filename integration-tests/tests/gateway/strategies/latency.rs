//! `latency` over real time, with windows of two seconds.

use std::time::{Duration, Instant};

use harness::{Behaviour, PATIENCE};

use super::Bench;

const WINDOW: Duration = Duration::from_secs(2);
/// Of every member.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Workers put their measurements together five times a second.
const TICK: Duration = Duration::from_millis(200);
/// What a busy machine may take longer.
const SLACK: Duration = Duration::from_secs(3);

/// Only latency is to take a target out.
const TARGET: &str = "circuit_breaker: {enabled: false}";

/// `g` over all `count` targets.
async fn bench(count: usize, settings: &str) -> Bench {
    let members: String = (0..count)
        .map(|index| format!("      - {{provider: p{index}, model: m{index}, timeout_ms: 1000}}\n"))
        .collect();
    let group = format!(
        "  - name: g
    strategy: latency
    min_sample_count: 3
    {settings}
    models:
{members}"
    );
    // What is measured of a target is kept under its id.
    Bench::start_alone(count, 2, TARGET, &group).await
}

fn answers_after(milliseconds: u64) -> Behaviour {
    Behaviour::AnswerAfter(Duration::from_millis(milliseconds))
}

/// Sends requests until `who` serves nine of ten.
async fn until_preferred(bench: &Bench, who: &str, patience: Duration) {
    let start = Instant::now();
    loop {
        let counts = bench.counts("g", 20, 4).await;
        if counts.get(who).is_some_and(|&count| count >= 18) {
            return;
        }
        assert!(
            start.elapsed() <= patience,
            "{who} is not preferred after {patience:?}: {counts:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_slows_down_or_hangs_is_left_and_who_recovers_is_regained() {
    let bench = bench(2, "latency_window: 2s").await;
    bench.providers[0].behave(answers_after(20));
    bench.providers[1].behave(answers_after(120));
    until_preferred(&bench, "p0", PATIENCE).await;

    bench.providers[0].behave(answers_after(500));
    until_preferred(&bench, "p1", WINDOW + TICK + SLACK).await;
    bench.providers[0].behave(answers_after(20));
    until_preferred(&bench, "p0", 2 * WINDOW + TICK + SLACK).await;

    // Requests that hang are over, and go elsewhere, when the timeout is; the next tick tells.
    bench.providers[0].behave(Behaviour::Stall);
    until_preferred(&bench, "p1", TIMEOUT + TICK + SLACK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_equals_none_gets_more_than_half_and_who_is_above_the_limit_is_out() {
    let bench = bench(4, "latency_window: 10s\n    max_latency_ms: 500").await;
    let (slow, equals) = bench.providers.split_first().unwrap();
    slow.behave(answers_after(700));
    for provider in equals {
        provider.behave(answers_after(100));
    }
    let measured = async { while bench.counts("g", 40, 6).await.contains_key("p0") {} };
    tokio::time::timeout(PATIENCE, measured).await.unwrap();
    // Slow is out, not last: when all the others fail it is not tried.
    let before = slow.received().len();
    for provider in equals {
        provider.next([Behaviour::status(500)]);
    }
    assert_eq!(bench.gateway.client().chat("g").await.status, 502);
    assert_eq!(slow.received().len(), before);

    // A busy machine may make equals look unequal at first; the window forgets it.
    let even = async {
        loop {
            let counts = bench.counts("g", 200, 12).await;
            if counts.values().all(|&count| count <= 100) {
                return;
            }
        }
    };
    tokio::time::timeout(2 * PATIENCE, even)
        .await
        .expect("none gets more than half");
}
