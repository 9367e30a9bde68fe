//! A collector of one's own, and events to give it.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use collector::{
    Collector, Local, MAX_BATCH_BYTES, Remote, Rules, Running, Settings, Store, StoreLocation,
    Tokens, default_max_connections, open,
};
use events::{Acknowledgement, EventId, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const INGEST: &str = "ingest-token";
pub(crate) const API: &str = "api-token";

/// A running collector on a free port, in a folder of its own.
pub(crate) struct Service {
    pub(crate) running: Running,
    pub(crate) dir: TempDir,
    pub(crate) clock: Arc<AtomicU64>,
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::with(Rules::default())
    }

    pub(crate) fn with(rules: Rules) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), rules)
    }

    /// A further life of a collector.
    pub(crate) fn in_folder(dir: tempfile::TempDir, rules: Rules) -> Self {
        let clock = Arc::new(AtomicU64::new(moment("2026-11-21T12:00:00Z")));
        let ticking = Arc::clone(&clock);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let running = Collector::open(settings(dir.path(), rules))
            .unwrap()
            .with_clock(Arc::new(move || ticking.load(Ordering::Relaxed)))
            .start(listener)
            .unwrap();
        Self {
            running,
            dir,
            clock,
        }
    }

    pub(crate) fn set_clock(&self, text: &str) {
        self.clock.store(moment(text), Ordering::Relaxed);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address())
    }

    pub(crate) fn remote(&self) -> Remote {
        Remote::new(&self.url("/"), API)
    }

    pub(crate) fn deliver(&self, events: &[Value]) -> Acknowledgement {
        let (status, answer) = self.post("/v1/events", INGEST, batch(events).as_bytes());
        assert_eq!(status, 200, "{answer}");
        serde_json::from_value(answer).unwrap()
    }

    pub(crate) fn post(&self, path: &str, token: &str, body: &[u8]) -> (u16, Value) {
        answer(
            agent()
                .post(self.url(path))
                .header("authorization", format!("Bearer {token}"))
                .send(body),
        )
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> (u16, Value) {
        answer(
            agent()
                .get(self.url(path))
                .header("authorization", format!("Bearer {token}"))
                .call(),
        )
    }

    pub(crate) fn delete(&self, path: &str, token: &str) -> (u16, Value) {
        answer(
            agent()
                .delete(self.url(path))
                .header("authorization", format!("Bearer {token}"))
                .call(),
        )
    }
}

pub(crate) fn settings(dir: &Path, rules: Rules) -> Settings {
    Settings {
        store: StoreLocation::below(dir),
        data_dir: dir.to_owned(),
        tokens: Tokens {
            ingest: INGEST.to_owned(),
            api: API.to_owned(),
        },
        rules,
        max_batch_bytes: MAX_BATCH_BYTES,
        telemetry: collector::OtlpSettings::default(),
        max_connections: default_max_connections(),
    }
}

pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(std::time::Duration::from_secs(60)))
        .build()
        .into()
}

fn answer(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut answer = answer.unwrap();
    let status = answer.status().as_u16();
    let body = answer.body_mut().read_to_string().unwrap();
    let value = serde_json::from_str(&body).unwrap_or(Value::String(body));
    (status, value)
}

/// A store in a folder, without service.
pub(crate) fn store(dir: &Path) -> Arc<dyn Store> {
    open(&StoreLocation::below(dir)).unwrap()
}

pub(crate) fn local(dir: &Path) -> Local {
    Local::with_clock(store(dir), Arc::new(|| moment("2026-11-21T12:00:00Z")))
}

pub(crate) fn moment(text: &str) -> u64 {
    Timestamp::parse(text).unwrap().millis()
}

/// NDJSON.
pub(crate) fn batch(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// A decision event with this number in its id, at this time, changed as `changes` says.
pub(crate) fn decision(number: u64, at: &str, changes: Value) -> Value {
    let at = Timestamp::parse(at).unwrap();
    let mut event = json!({
        "event_type": "decision",
        "id": EventId::new(at.millis(), number.into()).to_string(),
        "timestamp": at.to_string(),
        "request_id": format!("r-{number}"),
        "decision": "allowed",
        "model": "reliable-chat",
        "model_group": "reliable-chat",
        "resolved_model": "gpt-4o",
        "provider": "openai",
        "vendor": "openai",
        "tag": null,
        "region": null,
        "strategy": "failover",
        "stream": false,
        "status_code": 200,
        "latency_ms": 800,
        "upstream_latency_ms": 790,
        "time_to_first_token_ms": null,
        "tokens": {"prompt": 100, "completion": 20, "cached": 0, "total": 120},
        "estimated_cost_usd": 0.002,
        "actual_cost_usd": 0.001,
        "fallback_count": 0,
        "failover": {"triggered": false, "original_provider": null, "reason": null},
        "attempts": [{"provider": "openai", "model": "gpt-4o", "status_code": 200, "reason": null, "latency_ms": 790}],
        "policies_evaluated": [],
        "key_name": null,
        "conversation_id": null,
        "config_version": "v1",
        "gateway_id": "gw",
        "instance_id": "i-1",
    });
    for (name, value) in changes.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

/// A change of health.
pub(crate) fn health(number: u64, at: &str, provider: &str, to: &str) -> Value {
    let at = Timestamp::parse(at).unwrap();
    json!({
        "event_type": "gateway.health_changed",
        "id": EventId::new(at.millis(), number.into()).to_string(),
        "timestamp": at.to_string(),
        "provider": provider,
        "from": "healthy",
        "to": to,
        "reason": "upstream_timeout",
        "consecutive_failures": 3,
        "gateway_id": "gw",
        "instance_id": "i-1",
        "config_version": "v1",
    })
}
