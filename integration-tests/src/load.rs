//! Load at a fixed rate: requests are sent when they are due, whether or not earlier ones were answered.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::client::Client;

/// Load that is running.
#[derive(Debug)]
pub struct Load {
    stop: watch::Sender<bool>,
    sender: JoinHandle<Vec<Exchange>>,
    started: Instant,
}

/// One request and what came of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Since the load began.
    pub sent: Duration,
    /// Until the answer was complete.
    pub took: Duration,
    /// HTTP status; `None` when the connection broke.
    pub status: Option<u16>,
    /// The target that served; empty when none did.
    pub provider: String,
    /// `failover.reason` of the answer's metadata; empty when the first choice served.
    pub reason: String,
    /// The body, where the status is not 200; why the connection broke, where there is no status.
    pub problem: String,
}

impl Load {
    /// Sends `rate` chat requests for `model` a second until it is stopped. Each is a conversation of its own.
    pub fn start(client: Client, model: &str, rate: u32) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let model = model.to_owned();
        let started = Instant::now();
        let sender = tokio::spawn(async move {
            let mut due = tokio::time::interval(Duration::from_secs(1) / rate);
            let mut exchanges = JoinSet::new();
            let mut number = 0_u64;
            loop {
                tokio::select! {
                    _ = due.tick() => {}
                    _ = stopped.changed() => break,
                }
                number += 1;
                exchanges.spawn(exchange(client.clone(), model.clone(), number, started));
            }
            let mut done = exchanges.join_all().await;
            done.sort_by_key(|exchange| exchange.sent);
            done
        });
        Self {
            stop,
            sender,
            started,
        }
    }

    /// Since it began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Sends no more, and waits for the answers that are still out.
    ///
    /// # Panics
    /// A request panicked.
    pub async fn stop(self) -> Vec<Exchange> {
        let _ = self.stop.send(true);
        self.sender.await.expect("the load runs to its end")
    }
}

impl Exchange {
    /// Answered with 200.
    pub fn is_served(&self) -> bool {
        self.status == Some(200)
    }

    /// Another target was asked first, in vain. Not one that the plan left out.
    pub fn failed_over(&self) -> bool {
        !self.reason.is_empty() && self.reason != "unhealthy"
    }
}

/// Counts by the second in which requests were sent: one column for each provider, then what failed over and what failed.
pub fn table_by_second(exchanges: &[Exchange]) -> String {
    #[derive(Default)]
    struct Row<'a> {
        served_by: BTreeMap<&'a str, usize>,
        failed_over: usize,
        errors: usize,
        slowest: Duration,
    }
    let mut rows: BTreeMap<u64, Row> = BTreeMap::new();
    let mut providers: Vec<&str> = Vec::new();
    for exchange in exchanges {
        let row = rows.entry(exchange.sent.as_secs()).or_default();
        if exchange.is_served() {
            *row.served_by.entry(&exchange.provider).or_default() += 1;
            providers.push(&exchange.provider);
        } else {
            row.errors += 1;
        }
        row.failed_over += usize::from(exchange.failed_over());
        row.slowest = row.slowest.max(exchange.took);
    }
    providers.sort_unstable();
    providers.dedup();
    let mut table = String::from("second");
    for provider in &providers {
        let _ = write!(table, " {provider:>8}");
    }
    table.push_str(" failover   errors  slowest\n");
    for (second, row) in rows {
        let _ = write!(table, "{second:>6}");
        for provider in &providers {
            let count = row.served_by.get(provider).unwrap_or(&0);
            let _ = write!(table, " {count:>8}");
        }
        let _ = writeln!(
            table,
            " {:>8} {:>8} {:>5} ms",
            row.failed_over,
            row.errors,
            row.slowest.as_millis()
        );
    }
    table
}

async fn exchange(client: Client, model: String, number: u64, started: Instant) -> Exchange {
    let body = json!({"model": model, "messages": [{"role": "user", "content": format!("question {number}")}]});
    let sent = started.elapsed();
    let request = client.request(
        reqwest::Method::POST,
        "/v1/chat/completions",
        &[],
        body.to_string().into_bytes(),
    );
    let mut exchange = Exchange {
        sent,
        took: Duration::ZERO,
        status: None,
        provider: String::new(),
        reason: String::new(),
        problem: String::new(),
    };
    match request.send().await {
        Err(error) => exchange.problem = format!("{error:?}"),
        Ok(response) => {
            exchange.status = Some(response.status().as_u16());
            exchange.provider = response
                .headers()
                .get("x-keeptrusts-provider")
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned();
            match response.bytes().await {
                Ok(body) if exchange.is_served() => {
                    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                    let reason = &body["keeptrusts_metadata"]["failover"]["reason"];
                    exchange.reason = reason.as_str().unwrap_or_default().to_owned();
                }
                Ok(body) => exchange.problem = String::from_utf8_lossy(&body).into_owned(),
                Err(error) => {
                    exchange.status = None;
                    exchange.problem = format!("{error:?}");
                }
            }
        }
    }
    exchange.took = started.elapsed().saturating_sub(sent);
    exchange
}
