//! `weighted`, `weighted_round_robin`, `round_robin`, `random`, `single`: how much each member serves.

use harness::{Behaviour, Provider, chat_body};

use super::{Bench, Counts, served};

/// The circuits of `p3` and `p4` open at the first failure and stay open.
const TARGET: &str = "circuit_breaker: {failure_threshold: 1, cooldown_seconds: 300}";

const GROUPS: &str = "
  - name: weighted
    strategy: weighted
    models:
      - {provider: p0, model: m0, weight: 80, tag: control}
      - {provider: p1, model: m1, weight: 15, tag: new}
      - {provider: p2, model: m2, weight: 5, tag: newest}
  - name: in-cycles
    strategy: weighted_round_robin
    models:
      - {provider: p0, model: m0, weight: 7}
      - {provider: p1, model: m1, weight: 2}
      - {provider: p2, model: m2, weight: 1}
  - name: in-turn
    strategy: round_robin
    models: [{provider: p0, model: m0}, {provider: p1, model: m1}]
  - name: any
    strategy: random
    models: [{provider: p0, model: m0}, {provider: p1, model: m1}]
  - name: alone
    strategy: single
    models: [{provider: p3, model: m3}, {provider: p0, model: m0}]
  - name: closed
    models: [{provider: p3, model: m3}, {provider: p4, model: m4}]
  - name: open
    fail_open: true
    models: [{provider: p3, model: m3}, {provider: p4, model: m4}]
";

fn counted<const N: usize>(counts: &Counts) -> [usize; N] {
    std::array::from_fn(|index| counts.get(&format!("p{index}")).copied().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_are_percentages_over_twenty_thousand_requests_of_two_workers() {
    let bench = Bench::start_alone(5, 2, TARGET, GROUPS).await;
    bench.providers.iter().for_each(Provider::forget_requests);
    // By chance one run in a hundred is outside; two in a row are not chance.
    if let Err(first) = draw_twenty_thousand(&bench).await {
        let second = draw_twenty_thousand(&bench).await;
        assert!(second.is_ok(), "{first:?}, then {second:?}");
    }
    // Both workers had a part in it.
    let stats = bench
        .gateway
        .admin("/stats?filter=listener.gateway.worker")
        .await;
    for worker in ["worker_0", "worker_1"] {
        let connections = format!("listener.gateway.{worker}.downstream_cx_total: ");
        let busy = stats
            .lines()
            .filter_map(|line| line.strip_prefix(&connections))
            .any(|count| count != "0");
        assert!(busy, "{worker} was idle:\n{stats}");
    }

    // Weighted round robin is exact for each worker: each of the two may be one off.
    let counts: [usize; 3] = counted(&bench.counts("in-cycles", 1_000, 16).await);
    for (count, weight) in counts.iter().zip([7, 2, 1]) {
        assert!(count.abs_diff(weight * 100) <= 2, "{counts:?}");
    }
}

/// The counts, as an error if one of them is more than three standard deviations off.
async fn draw_twenty_thousand(bench: &Bench) -> Result<(), [usize; 3]> {
    const REQUESTS: usize = 20_000;
    let counts: [usize; 3] = counted(&bench.counts("weighted", REQUESTS, 24).await);
    assert_eq!(counts.iter().sum::<usize>(), REQUESTS);
    let fits = |(count, share): (&usize, f64)| {
        let expected = REQUESTS as f64 * share;
        let deviation = (expected * (1.0 - share)).sqrt();
        (*count as f64 - expected).abs() <= 3.0 * deviation
    };
    if counts.iter().zip([0.80, 0.15, 0.05]).all(fits) {
        Ok(())
    } else {
        Err(counts)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weighted_round_robin_is_exact_over_each_cycle_of_a_worker_and_even_within() {
    let bench = Bench::start(5, 1, TARGET, GROUPS).await;
    for _ in 0..5 {
        let counts: [usize; 3] = counted(&bench.counts("in-cycles", 10, 1).await);
        assert_eq!(counts, [7, 2, 1]);
    }
    let client = bench.gateway.client();
    let mut so_far = [0_u32; 3];
    for turn in 1..=20 {
        let who = served(&client, &chat_body("in-cycles")).await;
        so_far[usize::from(who.as_bytes()[1] - b'0')] += 1;
        for (count, weight) in so_far.iter().zip([7, 2, 1]) {
            let fair = f64::from(turn * weight) / 10.0;
            assert!(
                (f64::from(*count) - fair).abs() <= 1.0,
                "{turn}: {so_far:?}"
            );
        }
    }

    // The same gateway: round robin takes turns, random is even within four standard deviations of 400 tosses.
    let turns: [usize; 2] = counted(&bench.counts("in-turn", 20, 1).await);
    assert_eq!(turns, [10, 10]);
    let tosses: [usize; 2] = counted(&bench.counts("any", 400, 4).await);
    assert!(tosses[0].abs_diff(200) <= 40, "{tosses:?}");

    single_has_no_spare_and_fail_open_tries_who_is_out(&bench).await;
}

async fn single_has_no_spare_and_fail_open_tries_who_is_out(bench: &Bench) {
    let client = bench.gateway.client();
    let (third, fourth) = (&bench.providers[3], &bench.providers[4]);
    let tried = || third.received().len() + fourth.received().len();
    assert_eq!(client.chat("alone").await.provider(), "p3");
    // Both fail once, which opens both circuits.
    third.next([Behaviour::status(500)]);
    fourth.next([Behaviour::status(500)]);
    assert_eq!(client.chat("closed").await.status, 502);
    let before = tried();
    for group in ["alone", "closed"] {
        let answer = client.chat(group).await;
        assert_eq!(answer.status, 503, "{group}");
        assert_eq!(answer.json()["error"]["code"], "all_providers_unavailable");
    }
    assert_eq!(tried(), before);
    assert_eq!(client.chat("open").await.status, 200);
    assert_eq!(tried(), before + 1, "one of them");
}
