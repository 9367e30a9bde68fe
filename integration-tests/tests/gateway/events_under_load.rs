//! No event is lost without being counted, and the totals are the providers' own.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use harness::{
    Collector, Dialect, Gateway, PATIENCE, PolicyText, Provider, Recorder, Upstream, chat_body,
};
use serde_json::json;

/// Requests under way at a time.
const CONCURRENCY: usize = 32;
/// Events that fit into the workers' memory while the collector is away, with room to spare.
const OUTAGE: usize = 4_000;

/// More events than a batch holds.
const BATCH: usize = 400;

/// Tokens and nano US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Books {
    prompt: u64,
    completion: u64,
    nano_usd: u64,
}

/// What became of the events of many requests.
struct Outcome {
    /// Requests that were served.
    served: HashSet<String>,
    /// Requests of which the collector has events, one for each of them.
    told: HashSet<String>,
    /// Events that the gateway has given up, by its own count.
    dropped: usize,
    /// By the collector's API.
    totals: Books,
    /// By the provider's answers.
    billed: Books,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_has_one_event_though_the_collector_dies_twice() {
    every_request_has_one_event(10_000).await;
}

/// The same for ten times as many: `make soak`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "100,000 requests"]
async fn every_one_of_100_000_requests_has_one_event_though_the_collector_dies_twice() {
    every_request_has_one_event(100_000).await;
}

async fn every_request_has_one_event(count: usize) {
    let outcome = run(count, (count / 4).min(OUTAGE)).await;
    assert_eq!((outcome.served.len(), outcome.dropped), (count, 0));
    assert!(outcome.told == outcome.served);
    assert_eq!(outcome.totals, outcome.billed);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "80,000 requests"]
async fn events_that_do_not_fit_are_counted_to_the_last_one() {
    // Some 16 MB of events fit into two workers.
    let outcome = run(80_000, 20_000).await;
    assert!(outcome.told.is_subset(&outcome.served));
    let missing = outcome.served.len() - outcome.told.len();
    assert!(missing > 0);
    // Of each worker, a batch that was stored when the collector was killed may not have been acknowledged any more, and
    // was given up as the oldest.
    let unacknowledged = 2 * 2 * BATCH;
    assert!((missing..=missing + unacknowledged).contains(&outcome.dropped));
}

/// Two workers serve `count` requests; the collector is killed twice, and is away for `outage` of them each time.
async fn run(count: usize, outage: usize) -> Outcome {
    let mut collector = Collector::start().await;
    let provider = Provider::start("p0", Dialect::OpenAi).await.unwrap();
    let upstream = Upstream::at("p0", &provider, Dialect::OpenAi);
    let group = "model_groups:
  - name: paid
    models: [{provider: p0, model: m0, cost_per_1k_input: 0.0025, cost_per_1k_output: 0.01}]
";
    let policy = PolicyText::over(&[upstream], group);
    let mut options = collector.options();
    options.concurrency = Some(2);
    let gateway = Gateway::start_with(&policy, &options).await;
    provider.forget_requests();
    let client = gateway.client();

    let ask = |number: usize| {
        let client = client.clone();
        let mut body = chat_body("paid");
        body["messages"][0]["content"] = json!(format!("Hello {}", "again ".repeat(number % 7)));
        async move {
            let answer = client.post("/v1/chat/completions", &body).await;
            assert_eq!(answer.status, 200);
            let usage = &answer.json()["usage"];
            let tokens = |name: &str| usage[name].as_u64().unwrap();
            let (prompt, completion) = (tokens("prompt_tokens"), tokens("completion_tokens"));
            let books = Books {
                prompt,
                completion,
                // In nano dollars: 0.0025 for a thousand are 2,500 for one.
                nano_usd: prompt * 2_500 + completion * 10_000,
            };
            (answer.header("x-keeptrusts-request-id").to_owned(), books)
        }
    };
    let mut served = HashSet::new();
    let mut billed = Books::default();
    let mut answers = stream::iter((0..count).map(ask)).buffer_unordered(CONCURRENCY);
    while let Some((id, books)) = answers.next().await {
        assert!(served.insert(id), "a request id came twice");
        billed.prompt += books.prompt;
        billed.completion += books.completion;
        billed.nano_usd += books.nano_usd;
        let (first, second) = (count / 4, count * 3 / 4);
        if [first, second].contains(&served.len()) {
            collector.kill().await;
        }
        if [first + outage, second + outage].contains(&served.len()) {
            collector.start_again().await;
        }
    }

    let dropped = all_delivered(&gateway, &collector, count).await;
    let told = requests_told(&collector).await;
    let metrics = "total_input_tokens,total_output_tokens,total_cost";
    let report = collector
        .get(&format!("/v1/events?metrics={metrics}"))
        .await;
    let totals = &report["data"][0];
    let totals = Books {
        prompt: totals["total_input_tokens"].as_u64().unwrap(),
        completion: totals["total_output_tokens"].as_u64().unwrap(),
        nano_usd: (totals["total_cost"].as_f64().unwrap() * 1e9).round() as u64,
    };
    println!(
        "{count} requests: {} have events, {dropped} were dropped; {totals:?}",
        told.len()
    );
    Outcome {
        served,
        told,
        dropped,
        totals,
        billed,
    }
}

/// Waits until every event has come or was given up; how many were given up.
async fn all_delivered(gateway: &Gateway, collector: &Collector, count: usize) -> usize {
    let started = std::time::Instant::now();
    loop {
        let report = collector.get("/v1/events?metrics=request_count").await;
        let came = report["data"][0]["request_count"].as_u64().unwrap() as usize;
        let dropped = metric(gateway, "kt_events_dropped").await;
        // A batch whose acknowledgement was lost comes once more.
        if came + dropped >= count && metric(gateway, "kt_events_pending").await == 0 {
            return dropped;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{came} of {count} events came, {dropped} were dropped"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The requests of all events that the collector has.
async fn requests_told(collector: &Collector) -> HashSet<String> {
    let mut told = HashSet::new();
    let mut cursor = String::new();
    loop {
        let page = collector
            .get(&format!("/v1/events?limit=1000{cursor}"))
            .await;
        for event in page["data"].as_array().unwrap() {
            let id = event["request_id"].as_str().unwrap().to_owned();
            assert!(told.insert(id), "a request has two events");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return told,
        }
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

/// CPU time of Envoy's workers in microseconds.
fn worker_cpu_us(gateway: &Gateway) -> u64 {
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
        .filter(|thread| {
            let name = std::fs::read_to_string(thread.path().join("comm"));
            name.is_ok_and(|name| name.starts_with("wrk:"))
        })
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok())
        .map(on_cpu_ns)
        .sum();
    nanoseconds / 1_000
}

/// Two gateways, one without a collector, in turns; the difference of their workers' CPU time for each request is what its
/// event costs, delivery included. Of all rounds the median of the differences counts. With `--ignored --nocapture`, a module
/// that was built for speed, and an idle machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn what_an_event_costs() {
    const ROUNDS: usize = 24;
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
            let before = worker_cpu_us(gateway);
            let asked = (0..REQUESTS).map(|_| client.chat("paid"));
            let served = stream::iter(asked)
                .buffer_unordered(8)
                .filter(|answer| std::future::ready(answer.status == 200))
                .count()
                .await;
            assert_eq!(served, REQUESTS);
            // The last batch leaves after a second.
            tokio::time::sleep(Duration::from_millis(1_300)).await;
            costs.push((worker_cpu_us(gateway) - before) as f64 / REQUESTS as f64);
        }
    }
    let [without, with] = &costs;
    let mut differences: Vec<f64> = with
        .iter()
        .zip(without)
        .map(|(with, without)| with - without)
        .collect();
    let quartiles = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        [1, 2, 3].map(|quarter| values[values.len() * quarter / 4])
    };
    println!("CPU of the workers for a request, quartiles of {ROUNDS} rounds, in us:");
    println!("  an event adds  {:.1?}", quartiles(&mut differences));
    for (costs, what) in costs.iter_mut().zip(["without events", "with events"]) {
        println!("  {what:14} {:.1?}", quartiles(costs));
    }
}
