//! A collector that remembers what it was sent, for tests of what leaves the gateway.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use simulator::{Behaviour, Dialect, Provider};

use crate::gateway::GatewayOptions;
use crate::patience::PATIENCE;

/// What the collector wants to be shown. Envoy adds it.
pub const COLLECTOR_TOKEN: &str = "kt_collector-secret";

/// Takes every batch, and answers every question with its control state.
#[derive(Debug)]
pub struct Recorder {
    server: Provider,
    /// Batches that are forgotten.
    forgotten: AtomicUsize,
}

impl Recorder {
    /// Lets everybody in and limits nobody.
    ///
    /// # Panics
    /// No port is free.
    pub async fn start() -> Self {
        let server = Provider::start("collector", Dialect::OpenAi)
            .await
            .expect("a free port");
        server.accept_keys(&[COLLECTOR_TOKEN]);
        let recorder = Self {
            server,
            forgotten: AtomicUsize::new(0),
        };
        recorder.control(&json!({"version": "1", "keys_required": false}));
        recorder
    }

    /// Options of a gateway that delivers here.
    pub fn options(&self) -> GatewayOptions {
        let url = format!("http://{}", self.server.address());
        let token = COLLECTOR_TOKEN.to_owned();
        GatewayOptions {
            arguments: vec![String::from("--collector-url"), url],
            variables: vec![(String::from("KEEPTRUSTS_COLLECTOR_TOKEN"), token)],
            ..GatewayOptions::default()
        }
    }

    /// What is in force from now on. An acknowledgement may be anything, this too.
    pub fn control(&self, state: &Value) {
        self.server.behave(Behaviour::json(200, state));
    }

    /// Answers every batch and question with this status.
    pub fn refuse(&self, status: u16) {
        self.server.behave(Behaviour::json(status, &json!({})));
    }

    /// The collector process dies.
    pub fn go_down(&self) {
        self.server.go_down();
    }

    /// And is started again.
    ///
    /// # Panics
    /// Somebody else took its port.
    pub async fn come_back(&self) {
        self.server.come_back().await.expect("the port is free");
    }

    /// What came so far has not come.
    pub fn forget(&self) {
        let came = self.server.received().len();
        self.forgotten.store(came, Ordering::Relaxed);
    }

    /// Requests that brought events.
    pub fn batches(&self) -> Vec<simulator::Received> {
        let forgotten = self.forgotten.load(Ordering::Relaxed);
        let mut batches = self.server.received().split_off(forgotten);
        // Questions for what is in force carry a report on the gateway, which is no event.
        batches.retain(|request| request.path == "/v1/events");
        batches
    }

    /// Every event that came, once, by its id. Repeats must be the same to the byte.
    ///
    /// # Panics
    /// A line is no JSON, or a repeat differs.
    pub fn events(&self) -> HashMap<String, Value> {
        let mut events: HashMap<String, Value> = HashMap::new();
        for batch in self.batches() {
            for line in batch.body.split(|byte| *byte == b'\n') {
                if line.is_empty() {
                    continue;
                }
                let event: Value = serde_json::from_slice(line).expect("an event on each line");
                let id = event["id"].as_str().expect("an id").to_owned();
                if let Some(known) = events.insert(id, event.clone()) {
                    assert_eq!(known, event, "an event was repeated with other words");
                }
            }
        }
        events
    }

    /// Decision events in the order of their requests.
    pub fn decisions(&self) -> Vec<Value> {
        let mut events: Vec<Value> = self
            .events()
            .into_values()
            .filter(|event| event["event_type"] == "decision")
            .collect();
        events.sort_by_key(|event| event["timestamp"].to_string());
        events
    }

    /// Waits until there are `count` decision events; then there must not be more.
    ///
    /// # Panics
    /// They do not come.
    pub async fn wait_for(&self, count: usize) -> Vec<Value> {
        let enough = self.server.wait_until(|_| self.decisions().len() >= count);
        let came = tokio::time::timeout(PATIENCE, enough).await;
        let decisions = self.decisions();
        assert!(came.is_ok(), "{} of {count} events came", decisions.len());
        assert_eq!(decisions.len(), count, "{decisions:#?}");
        decisions
    }
}
