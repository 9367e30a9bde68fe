//! Streams that break in many ways: what the client sees, what events say, what health counts and what is billed agree.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use harness::{
    Behaviour, Collector, Dialect, Gateway, PATIENCE, PolicyText, Provider, Step, StreamAnswer,
    Upstream,
};
use serde_json::{Value, json};

/// Streams under way at a time.
const CONCURRENCY: usize = 16;
const INPUT_PER_1K: f64 = 0.0025;
const OUTPUT_PER_1K: f64 = 0.01;

/// How a stream goes wrong, and what is to be told of it.
struct Way {
    name: &'static str,
    behaviour: fn() -> Behaviour,
    /// What the client sees.
    client: Seen,
    /// `error_code` of the event.
    error_code: Option<&'static str>,
    /// Reasons of the attempts, in order; `None` for the one that served.
    attempts: &'static [Option<&'static str>],
    /// Each counts as a failure of its target.
    is_failure: bool,
}

/// What a client sees of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Whole,
    /// An error event as the last one, and no `[DONE]`.
    Error,
    /// The transfer breaks off.
    Broken,
}

impl Seen {
    fn of(answer: &StreamAnswer) -> Self {
        let events = answer.data();
        let last = events.last().map_or("", String::as_str);
        if last == "[DONE]" {
            assert!(!answer.broken && !answer.text().contains("\"error\":{"));
            return Self::Whole;
        }
        assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
        if last.starts_with("{\"error\":{") {
            Self::Error
        } else {
            assert!(answer.broken, "it looks complete: {}", answer.text());
            Self::Broken
        }
    }
}

fn chunk() -> Step {
    Step::data(
        r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"half an answer "},"finish_reason":null}]}"#,
    )
}

fn wait() -> Step {
    Step::Wait(Duration::from_millis(30))
}

fn error() -> Step {
    Step::data(r#"{"error":{"message":"boom","type":"server_error","code":null}}"#)
}

const WAYS: [Way; 8] = [
    Way {
        name: "stalls after content",
        behaviour: || Behaviour::Stream(vec![chunk(), wait(), chunk(), Step::Stall]),
        client: Seen::Error,
        error_code: Some("stream_idle"),
        attempts: &[Some("stream_idle")],
        is_failure: true,
    },
    Way {
        name: "reset after content",
        behaviour: || Behaviour::Stream(vec![chunk(), wait(), Step::Break]),
        client: Seen::Broken,
        error_code: Some("stream_broken"),
        attempts: &[Some("stream_broken")],
        is_failure: true,
    },
    Way {
        name: "ends before its end",
        behaviour: || Behaviour::Stream(vec![chunk(), wait(), chunk()]),
        client: Seen::Error,
        error_code: Some("stream_broken"),
        attempts: &[Some("stream_broken")],
        is_failure: true,
    },
    Way {
        name: "error in the stream",
        behaviour: || Behaviour::Stream(vec![chunk(), wait(), error()]),
        client: Seen::Error,
        error_code: Some("error_in_stream"),
        attempts: &[Some("error_in_stream")],
        is_failure: true,
    },
    Way {
        name: "an event that is no JSON",
        behaviour: || {
            let garbage = Step::Send("data: <html>\n\n".into());
            Behaviour::Stream(vec![
                chunk(),
                wait(),
                garbage,
                chunk(),
                Step::data("[DONE]"),
            ])
        },
        client: Seen::Whole,
        error_code: None,
        attempts: &[None],
        is_failure: false,
    },
    Way {
        name: "silence before content",
        behaviour: || Behaviour::Stream(vec![Step::Send(": ping\n\n".into()), Step::Stall]),
        client: Seen::Whole,
        error_code: None,
        attempts: &[Some("upstream_timeout"), None],
        is_failure: true,
    },
    Way {
        name: "error before content",
        behaviour: || Behaviour::Stream(vec![error()]),
        client: Seen::Whole,
        error_code: None,
        attempts: &[Some("error_in_stream"), None],
        is_failure: true,
    },
    Way {
        name: "reset before an answer",
        behaviour: || Behaviour::Reset,
        client: Seen::Whole,
        error_code: None,
        // The first one is nobody's failure: the connection may have been an old one.
        attempts: &[Some("upstream_reset"), Some("upstream_reset"), None],
        is_failure: true,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn what_client_events_health_and_spend_say_of_broken_streams_agrees() {
    agree(320).await;
}

/// The same for many more: `make soak`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "10,000 streams"]
async fn what_is_said_of_10_000_streams_agrees() {
    agree(10_000).await;
}

/// `count` streams, of which a tenth breaks.
async fn agree(count: usize) {
    let collector = Collector::start().await;
    let spare = Provider::start("spare", Dialect::OpenAi).await.unwrap();
    let mut providers = Vec::new();
    let mut upstreams = vec![Upstream::at("spare", &spare, Dialect::OpenAi)];
    let price = format!("cost_per_1k_input: {INPUT_PER_1K}, cost_per_1k_output: {OUTPUT_PER_1K}");
    let member = |target: &str, timeout_ms: u64| {
        format!("{{provider: {target}, model: m, timeout_ms: {timeout_ms}, {price}}}")
    };
    let mut groups = format!(
        "model_groups:\n  - {{name: whole, models: [{}]}}\n",
        member("spare", 20_000)
    );
    for (index, way) in WAYS.iter().enumerate() {
        let id = format!("w{index}");
        let provider = Provider::start(&id, Dialect::OpenAi).await.unwrap();
        provider.behave((way.behaviour)());
        upstreams.push(
            Upstream::at(&id, &provider, Dialect::OpenAi)
                .with("stream_idle_timeout_ms: 600")
                .with("health_check: {enabled: false}"),
        );
        groups.push_str(&format!(
            "  - {{name: {id}, strategy: failover, models: [{}, {}]}}\n",
            member(&id, 800),
            member("spare", 20_000)
        ));
        providers.push(provider);
    }
    let mut policy = PolicyText::over(&upstreams, &groups);
    policy
        .text
        .push_str("circuit_breaker: {failure_threshold: 1000}\n");
    let gateway = Gateway::start_with(&policy, &collector.options()).await;
    let client = gateway.client();
    // So many streams go each way.
    let of_each = count / 10 / WAYS.len();
    let asked = (0..count).map(|number| {
        let client = client.clone();
        let way = (number % 10 == 0)
            .then_some(number / 10)
            .filter(|way| *way < of_each * WAYS.len())
            .map(|way| way % WAYS.len());
        async move {
            let group = way.map_or("whole".to_owned(), |way| format!("w{way}"));
            let answer = client.chat_stream(&group).await;
            assert_eq!(answer.status, 200, "{group}");
            (
                answer.header("x-keeptrusts-request-id").to_owned(),
                way,
                Seen::of(&answer),
            )
        }
    });
    let answers: Vec<_> = stream::iter(asked)
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    let events = events_of(&collector, count).await;
    assert_eq!(events.len(), count, "one event for each");

    let mut table: BTreeMap<Option<usize>, (usize, f64)> = BTreeMap::new();
    for (id, way, seen) in &answers {
        let event = &events[id];
        let (client, error_code, attempts) = match way.map(|way| &WAYS[way]) {
            None => (Seen::Whole, None, &[None][..]),
            Some(way) => (way.client, way.error_code, way.attempts),
        };
        let name = way.map_or("whole", |way| WAYS[way].name);
        assert_eq!(*seen, client, "{name}");
        assert_eq!(event["error_code"].as_str(), error_code, "{name}: {event}");
        let reasons: Vec<_> = (event["attempts"].as_array().unwrap().iter())
            .map(|attempt| attempt["reason"].as_str())
            .collect();
        assert_eq!(reasons, attempts, "{name}: {event}");
        let passed_over = usize::from(attempts.len() > 1);
        assert_eq!(event["fallback_count"], passed_over, "{name}: {event}");
        assert_eq!(
            event["failover"]["triggered"],
            passed_over == 1,
            "{name}: {event}"
        );
        assert!(event["client_gone"].is_null(), "{name}: {event}");
        // What came is billed, whole or not.
        let tokens = |name: &str| event["tokens"][name].as_f64().unwrap();
        let cost =
            (tokens("prompt") * INPUT_PER_1K + tokens("completion") * OUTPUT_PER_1K) / 1000.0;
        let billed = event["actual_cost_usd"].as_f64().unwrap();
        assert!(
            tokens("completion") > 0.0 && (billed - cost).abs() < 1e-9,
            "{name}: {event}"
        );
        let (streams, spent) = table.entry(*way).or_default();
        *streams += 1;
        *spent += billed;
    }

    let health = client.get("/health").await.json();
    for (index, way) in WAYS.iter().enumerate() {
        let failures = health["providers"][format!("w{index}")]["consecutive_failures"].clone();
        let expected = if way.is_failure { of_each } else { 0 };
        assert_eq!(failures, expected, "{}", way.name);
    }
    let metrics = "error_count,total_cost,request_count";
    let totals = &collector
        .get(&format!("/v1/events?metrics={metrics}"))
        .await["data"][0];
    let broken = WAYS.iter().filter(|way| way.error_code.is_some()).count() * of_each;
    assert_eq!(totals["error_count"], broken);
    let spent: f64 = table.values().map(|(_, spent)| spent).sum();
    assert!((totals["total_cost"].as_f64().unwrap() - spent).abs() < 1e-6);
    println!("| stream | count | client | event | billed |");
    for (way, (streams, spent)) in &table {
        let (name, client, code) = way.map_or(("whole", Seen::Whole, None), |way| {
            (WAYS[way].name, WAYS[way].client, WAYS[way].error_code)
        });
        println!(
            "| {name} | {streams} | {client:?} | {} | {spent:.6} |",
            code.unwrap_or("-")
        );
    }
}

/// All events, by request.
async fn events_of(collector: &Collector, count: usize) -> BTreeMap<String, Value> {
    let begin = Instant::now();
    loop {
        let report = collector.get("/v1/events?metrics=request_count").await;
        if report["data"][0]["request_count"] == json!(count) {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{report} of {count}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut events = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = collector
            .get(&format!("/v1/events?limit=1000{cursor}"))
            .await;
        for event in page["data"].as_array().unwrap() {
            let id = event["request_id"].as_str().unwrap().to_owned();
            events.insert(id, event.clone());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return events,
        }
    }
}
