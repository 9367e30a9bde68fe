//! How fast events come in over HTTP, how long reports over all of them take, and how much memory that needs.
//!
//! `cargo bench -p keeptrusts-collector [-- EVENTS]`, a million unless said otherwise. The collector is a process of its
//! own, so that its memory is its own; senders and collector share the machine.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use collector::{
    AggregateQuery, Api, Collector, Condition, Dimension, EventFilter, EventQuery, MAX_BATCH_BYTES,
    Metric, Remote, Rules, Settings, StoreLocation, Tokens,
};
use events::{EventId, Timestamp};

/// Set in the collector's process: the folder of its store.
const CHILD: &str = "COLLECTOR_BENCH_CHILD";
const SENDERS: u64 = 4;
const BATCH: u64 = 500;
/// 2026-11-01, Unix milliseconds; the events are spread over the three weeks after.
const FIRST_MS: u64 = 1_793_491_200_000;
const SPREAD_MS: u64 = 21 * 86_400_000;

fn main() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return serve(dir.as_ref());
    }
    let events = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .env(CHILD, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the collector starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("its address");
    let url = line.trim().to_owned();

    println!(
        "{events} events of {} bytes, {SENDERS} senders, batches of {BATCH}",
        event(0, events).len()
    );
    let took = deliver(&url, events);
    println!(
        "ingest: {:.0} events/s ({:.1} s)",
        events as f64 / took.as_secs_f64(),
        took.as_secs_f64()
    );
    println!("memory after: {}", memory(child.id()));
    let size: u64 = std::fs::read_dir(dir.path())
        .expect("the folder")
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|file| file.len())
        .sum();
    println!("on disk: {} MB", size >> 20);
    ask(&Remote::new(&url, "api"), child.id());
    println!("memory at the end: {}", memory(child.id()));
    child.kill().expect("it ends");
    child.wait().expect("it has ended");
}

fn serve(dir: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let settings = Settings {
        store: StoreLocation::below(dir),
        data_dir: dir.to_owned(),
        tokens: Tokens {
            ingest: "ingest".to_owned(),
            api: "api".to_owned(),
        },
        rules: Rules::default(),
        max_batch_bytes: MAX_BATCH_BYTES,
        telemetry: collector::OtlpSettings::default(),
        max_connections: collector::default_max_connections(),
    };
    let running = Collector::open(settings)
        .expect("the store opens")
        .start(listener)
        .expect("it serves");
    println!("http://{}", running.address());
    loop {
        std::thread::park();
    }
}

fn deliver(url: &str, events: u64) -> Duration {
    let next = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let agent = ureq::Agent::new_with_defaults();
                loop {
                    let from = next.fetch_add(BATCH, Ordering::Relaxed);
                    if from >= events {
                        return;
                    }
                    let batch: String = (from..events.min(from + BATCH))
                        .map(|number| event(number, events))
                        .collect();
                    agent
                        .post(format!("{url}/v1/events"))
                        .header("authorization", "Bearer ingest")
                        .send(batch.as_bytes())
                        .expect("an acknowledgement")
                        .body_mut()
                        .read_to_vec()
                        .expect("its body");
                }
            });
        }
    });
    start.elapsed()
}

/// As a gateway writes it.
fn event(number: u64, of: u64) -> String {
    let ms = FIRST_MS + SPREAD_MS * number / of;
    let (id, at) = (EventId::new(ms, number.into()), Timestamp::from_millis(ms));
    let provider = ["openai", "anthropic", "azure-openai", "bedrock"][(number % 4) as usize];
    let tag = ["\"control\"", "\"experiment\"", "null"][(number % 3) as usize];
    let status = if number.is_multiple_of(50) { 503 } else { 200 };
    // Spread like latencies are: many short, few long.
    let latency = 200
        + (number * 7_919 % 1_000)
        + if number.is_multiple_of(20) {
            number * 31 % 9_000
        } else {
            0
        };
    let prompt = 500 + number * 13 % 3_000;
    let completion = number * 17 % 800;
    let total = prompt + completion;
    let cost = (prompt * 2_500 + completion * 10_000) as f64 / 1e9;
    let key = number % 40;
    format!(
        r#"{{"event_type":"decision","id":"{id}","timestamp":"{at}","request_id":"5f0c2a6e-0000-4000-8000-{number:012}","decision":"allowed","model":"production-llm","model_group":"production-llm","resolved_model":"gpt-4o","provider":"{provider}","vendor":"{provider}","tag":{tag},"region":null,"strategy":"failover","stream":false,"status_code":{status},"latency_ms":{latency},"upstream_latency_ms":{latency},"time_to_first_token_ms":null,"tokens":{{"prompt":{prompt},"completion":{completion},"cached":0,"total":{total}}},"estimated_cost_usd":0.0125,"actual_cost_usd":{cost},"fallback_count":0,"failover":{{"triggered":false,"original_provider":null,"reason":null}},"attempts":[{{"provider":"{provider}","model":"gpt-4o","status_code":{status},"reason":null,"latency_ms":{latency}}}],"policies_evaluated":[{{"name":"audit-logger","result":"logged"}}],"key_name":"team-{key}","conversation_id":"00ff00ff00ff00ff","config_version":"4f1c5a0e","gateway_id":"gateway-1","instance_id":"instance-1"}}
"#
    )
}

fn ask(api: &dyn Api, process: u32) {
    let filter = |conditions: &[(&str, &str)], from: u64| EventFilter {
        since: Some(Timestamp::from_millis(FIRST_MS + SPREAD_MS / 100 * from)),
        conditions: conditions
            .iter()
            .map(|(name, value)| Condition::try_new(name, value).expect("a field"))
            .collect(),
        ..EventFilter::default()
    };
    let usual = Metric::USUAL.to_vec();
    let everything = Metric::ALL.to_vec();
    for (what, filter, group_by, metrics) in [
        (
            "by provider, all",
            filter(&[], 0),
            vec![Dimension::Provider],
            usual.clone(),
        ),
        (
            "by provider, every metric",
            filter(&[], 0),
            vec![Dimension::Provider],
            everything,
        ),
        (
            "by key, all",
            filter(&[], 0),
            vec![Dimension::KeyName],
            usual.clone(),
        ),
        (
            "by hour and provider, all",
            filter(&[], 0),
            vec![Dimension::Hour, Dimension::Provider],
            usual.clone(),
        ),
        (
            "by provider, one tag",
            filter(&[("tag", "control")], 0),
            vec![Dimension::Provider],
            usual.clone(),
        ),
        (
            "by provider, the last third",
            filter(&[], 67),
            vec![Dimension::Provider],
            usual.clone(),
        ),
        (
            "by provider, the last hundredth",
            filter(&[], 99),
            vec![Dimension::Provider],
            usual,
        ),
    ] {
        let query = AggregateQuery {
            filter,
            group_by,
            metrics,
            limit: None,
        };
        report(what, process, || {
            api.aggregate(&query).expect("a report").rows.len()
        });
    }
    let latest = EventQuery::default();
    report("the latest 100 events", process, || {
        api.events(&latest).expect("a page").data.len()
    });
    let failed = EventQuery {
        filter: filter(&[("error_code", "none")], 0),
        ..EventQuery::default()
    };
    report("search in the text, nothing found", process, || {
        api.events(&failed).expect("a page").data.len()
    });
}

fn report(what: &str, process: u32, mut question: impl FnMut() -> usize) {
    let mut rows = 0;
    let mut times = Vec::new();
    let before = processor_time(process);
    for _ in 0..3 {
        let start = Instant::now();
        rows = question();
        times.push(start.elapsed());
    }
    let processor = (processor_time(process) - before) / 3.0;
    let millis = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let (best, worst) = (millis(times.iter().min()), millis(times.iter().max()));
    println!(
        "{what}: {rows} rows, {best:.0} to {worst:.0} ms, of these {processor:.0} ms of processor time"
    );
}

/// Milliseconds of processor time, as Linux tells it: in hundredths of a second.
fn processor_time(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks * 10.0
}

/// Resident now and at most, as Linux tells it.
fn memory(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or("unknown");
        let kib: Option<u64> = line.trim().trim_end_matches(" kB").parse().ok();
        kib.map_or("unknown".to_owned(), |kib| format!("{} MB", kib >> 10))
    };
    format!("{} resident, {} at most", field("VmRSS:"), field("VmHWM:"))
}
