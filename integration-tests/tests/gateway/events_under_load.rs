//! No event is lost without being counted, and the totals are the providers' own.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use harness::{Dialect, Gateway, PolicyText, Provider, Recorder, Upstream, chat_body};
use serde_json::json;

/// Requests under way at a time.
const CONCURRENCY: usize = 32;

/// `KEEPTRUSTS_EVENT_REQUESTS` for a longer run.
fn requests() -> usize {
    std::env::var("KEEPTRUSTS_EVENT_REQUESTS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(4_000)
}

/// What became of the events of many requests.
struct Outcome {
    came: usize,
    dropped: usize,
    /// Prompt and completion tokens and nano dollars, by the events.
    told: (u64, u64, f64),
    /// The same, by the provider's answers.
    billed: (u64, u64, f64),
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_has_one_event_though_the_collector_dies_twice() {
    let count = requests();
    // As many as fit into the workers' memory.
    let outcome = run(count, (count / 4).min(4_000)).await;
    assert_eq!((outcome.came, outcome.dropped), (count, 0));
    let (told, billed) = (outcome.told, outcome.billed);
    assert_eq!((told.0, told.1), (billed.0, billed.1));
    assert!(
        (told.2 - billed.2).abs() < 1.0 + billed.2 * 1e-9,
        "{told:?} {billed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "80,000 requests"]
async fn events_that_do_not_fit_are_counted_to_the_last_one() {
    // Some 16 MB of events fit into two workers.
    let outcome = run(80_000, 20_000).await;
    assert!(outcome.dropped > 0);
    assert_eq!(outcome.came + outcome.dropped, 80_000);
}

/// Two workers serve `count` requests; the collector is away for `outage` of them, twice.
async fn run(count: usize, outage: usize) -> Outcome {
    let recorder = Recorder::start().await;
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("p0", &provider, Dialect::OpenAi);
    let group = "model_groups:
  - name: paid
    models: [{provider: p0, model: m0, cost_per_1k_input: 0.0025, cost_per_1k_output: 0.01}]
";
    let policy = PolicyText::over(&[upstream], group);
    let mut options = recorder.options();
    options.concurrency = Some(2);
    let gateway = Gateway::start_with(&policy, &options).await;
    provider.forget_requests();
    let client = gateway.client();

    // What the provider has billed, by its answers.
    let ask = |number: usize| {
        let client = client.clone();
        let mut body = chat_body("paid");
        body["messages"][0]["content"] = json!(format!("Hello {}", "again ".repeat(number % 7)));
        async move {
            let answer = client.post("/v1/chat/completions", &body).await;
            assert_eq!(answer.status, 200);
            let usage = &answer.json()["usage"];
            let tokens = |name: &str| usage[name].as_u64().unwrap();
            (tokens("prompt_tokens"), tokens("completion_tokens"))
        }
    };
    let mut books = (0_u64, 0_u64);
    let mut answers = stream::iter((0..count).map(ask)).buffer_unordered(CONCURRENCY);
    let mut done = 0;
    while let Some((prompt, completion)) = answers.next().await {
        books = (books.0 + prompt, books.1 + completion);
        done += 1;
        let (first, second) = (count / 4, count * 3 / 4);
        if done == first || done == second {
            recorder.go_down();
        }
        if done == first + outage || done == second + outage {
            recorder.come_back().await;
        }
    }

    let mut seen = HashSet::new();
    let (mut prompt, mut completion, mut nano_usd) = (0, 0, 0.0);
    let mut batches = 0;
    let started = std::time::Instant::now();
    let dropped = loop {
        let all = recorder.batches();
        for batch in all.iter().skip(batches) {
            for line in batch
                .body
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
            {
                let event: serde_json::Value = serde_json::from_slice(line).unwrap();
                if event["event_type"] == "decision" && seen.insert(event["id"].to_string()) {
                    prompt += event["tokens"]["prompt"].as_u64().unwrap();
                    completion += event["tokens"]["completion"].as_u64().unwrap();
                    nano_usd += event["actual_cost_usd"].as_f64().unwrap() * 1e9;
                }
            }
        }
        batches = all.len();
        let dropped = metric(&gateway, "kt_events_dropped").await;
        if seen.len() + dropped >= count && metric(&gateway, "kt_events_pending").await == 0 {
            break dropped;
        }
        assert!(
            started.elapsed() < Duration::from_secs(90),
            "{} of {count} events, {dropped} dropped",
            seen.len()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    println!(
        "{count} requests: {} events in {batches} batches, {dropped} dropped",
        seen.len()
    );
    // In nano dollars: 0.0025 for a thousand are 2,500 for one.
    let billed_nano_usd = (books.0 * 2_500 + books.1 * 10_000) as f64;
    Outcome {
        came: seen.len(),
        dropped,
        told: (prompt, completion, nano_usd),
        billed: (books.0, books.1, billed_nano_usd),
    }
}

/// A metric's value in `/metrics`, where each is shown from the first tick on.
async fn metric(gateway: &Gateway, name: &str) -> usize {
    let metrics = gateway.client().get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let mut values = text
        .lines()
        .filter(|line| line.contains(name) && !line.starts_with('#'))
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok());
    values
        .next()
        .unwrap_or_else(|| panic!("{name} is not in /metrics"))
}

/// CPU time of the whole Envoy process in microseconds.
fn cpu_us(gateway: &Gateway) -> u64 {
    let kt = gateway.pid();
    let children = std::fs::read_to_string(format!("/proc/{kt}/task/{kt}/children")).unwrap();
    let threads = std::fs::read_dir(format!("/proc/{kt}/task")).unwrap();
    let of_threads = threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let pids: HashSet<String> = of_threads
        .chain([children])
        .flat_map(|list| {
            list.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    let on_cpu_ns = |schedstat: String| -> u64 {
        let first = schedstat.split_whitespace().next();
        first.and_then(|ns| ns.parse().ok()).unwrap_or(0)
    };
    let nanoseconds: u64 = pids
        .iter()
        .flat_map(|pid| std::fs::read_dir(format!("/proc/{pid}/task")).unwrap())
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok())
        .map(on_cpu_ns)
        .sum();
    nanoseconds / 1_000
}

/// Two gateways, one without a collector, in turns; the difference of their CPU time for each request is what its event
/// costs, delivery included. Of all rounds the lower quartile counts: busy neighbours only make rounds dearer. With
/// `--ignored --nocapture`, and a module that was built for speed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn what_an_event_costs() {
    const ROUNDS: usize = 16;
    const REQUESTS: usize = 2_000;
    let recorder = Recorder::start().await;
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    provider.forget_requests();
    let upstream = Upstream::at("p0", &provider, Dialect::OpenAi);
    let group = "model_groups:
  - name: paid
    models: [{provider: p0, model: m0, cost_per_1k_input: 0.0025, cost_per_1k_output: 0.01}]
";
    let policy = PolicyText::over(&[upstream], group);
    let silent = harness::GatewayOptions {
        arguments: vec!["--collector-listen".into(), "off".into()],
        ..harness::GatewayOptions::default()
    };
    let gateways = [
        Gateway::start_with(&policy, &silent).await,
        Gateway::start_with(&policy, &recorder.options()).await,
    ];
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (gateway, costs) in gateways.iter().zip(&mut costs) {
            let client = gateway.client();
            let before = cpu_us(gateway);
            let asked = (0..REQUESTS).map(|_| client.chat("paid"));
            let served = stream::iter(asked)
                .buffer_unordered(8)
                .filter(|answer| std::future::ready(answer.status == 200))
                .count()
                .await;
            assert_eq!(served, REQUESTS);
            // The last batch leaves after a second.
            tokio::time::sleep(Duration::from_millis(1_300)).await;
            costs.push((cpu_us(gateway) - before) as f64 / REQUESTS as f64);
        }
    }
    let [without, with] = costs.map(|mut costs| {
        costs.sort_by(f64::total_cmp);
        println!("{costs:.1?}");
        costs[costs.len() / 4]
    });
    let difference = with - without;
    println!(
        "CPU for a request: {without:.1} us without events, {with:.1} us with: {difference:.1} us more"
    );
}
