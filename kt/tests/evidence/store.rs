//! A store with known events, and the commands that look at it.

use std::borrow::Cow;
use std::path::Path;
use std::process::{Command, Stdio};

use collector::{NewEvent, StoreLocation};
use events::{
    AttemptRecord, Decision, DecisionEvent, Event, EventId, FailoverSummary, Few,
    HealthChangedEvent, Timestamp, Tokens,
};
use serde_json::Value;

use crate::common::{Scratch, kt, output, text};

/// A folder whose store holds the events of one test.
pub(crate) struct Seeded {
    pub(crate) scratch: Scratch,
}

/// What differs between events.
pub(crate) struct Sample {
    pub(crate) minutes_ago: u64,
    pub(crate) model: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) resolved_model: &'static str,
    pub(crate) tag: Option<&'static str>,
    pub(crate) latency_ms: u64,
    pub(crate) tokens: (u64, u64),
    pub(crate) cost_usd: f64,
    pub(crate) decision: Decision,
    /// First choice, and why it did not serve.
    pub(crate) failover: Option<(&'static str, &'static str)>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            minutes_ago: 1,
            model: "reliable-chat",
            provider: "openai",
            resolved_model: "gpt-4o",
            tag: None,
            latency_ms: 800,
            tokens: (100, 20),
            cost_usd: 0.01,
            decision: Decision::Allowed,
            failover: None,
        }
    }
}

impl Seeded {
    /// Of a data folder that is not there yet.
    pub(crate) fn to_come() -> Self {
        Self {
            scratch: Scratch::new(),
        }
    }

    pub(crate) fn with(samples: impl IntoIterator<Item = Sample>) -> Self {
        let seeded = Self {
            scratch: Scratch::new(),
        };
        std::fs::create_dir(seeded.data_dir()).unwrap();
        let events = samples
            .into_iter()
            .enumerate()
            .map(|(number, sample)| sample.event(number));
        seeded.insert(events.collect());
        seeded
    }

    pub(crate) fn data_dir(&self) -> std::path::PathBuf {
        self.scratch.path("data")
    }

    pub(crate) fn insert(&self, events: Vec<Event<'static>>) {
        let store = collector::open(&StoreLocation::below(&self.data_dir())).unwrap();
        let batch: Vec<NewEvent> = events
            .iter()
            .map(|event| NewEvent::read(&serde_json::to_vec(event).unwrap()).unwrap())
            .collect();
        store.insert(batch).unwrap();
    }

    /// stdout of a `kt` that succeeds on this folder.
    pub(crate) fn kt(&self, arguments: &[&str]) -> String {
        let done = output(kt().args(arguments).arg("--data-dir").arg(self.data_dir()));
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            text(&done.stderr)
        );
        text(&done.stdout)
    }

    /// The one line of stderr of a `kt` that fails.
    pub(crate) fn error(&self, arguments: &[&str]) -> String {
        let done = output(kt().args(arguments).arg("--data-dir").arg(self.data_dir()));
        assert_eq!(done.status.code(), Some(1), "{arguments:?}");
        let stderr = text(&done.stderr);
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.starts_with("error: "), "{stderr}");
        stderr
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.kt(arguments)).unwrap()
    }

    /// What a shell line prints that finds `kt`, and this store, as on the user's machine.
    pub(crate) fn shell(&self, line: &str) -> String {
        let home = self.scratch.path("home");
        let store = home.join(".local/share");
        std::fs::create_dir_all(&store).unwrap();
        if !store.join("keeptrusts").exists() {
            std::os::unix::fs::symlink(self.data_dir(), store.join("keeptrusts")).unwrap();
        }
        let binary = Path::new(env!("CARGO_BIN_EXE_kt")).parent().unwrap();
        let path = std::env::join_paths(
            std::iter::once(binary.to_owned())
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let done = Command::new("bash")
            .args(["-euo", "pipefail", "-c", line])
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", &home)
            .current_dir(&home)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{line}: {}", text(&done.stderr));
        text(&done.stdout)
    }
}

impl Sample {
    pub(crate) fn event(self, number: usize) -> Event<'static> {
        let (prompt, completion) = self.tokens;
        let at = now().millis() - self.minutes_ago * 60_000;
        let name = |text: &'static str| Some(Cow::Borrowed(text));
        let mut attempts = Few::new();
        if let Some((provider, reason)) = self.failover {
            attempts.push(AttemptRecord {
                provider: provider.into(),
                model: "gpt-4o".into(),
                status_code: None,
                reason: name(reason),
                latency_ms: 100,
                started_after_ms: None,
                span_id: None,
            });
        }
        attempts.push(AttemptRecord {
            provider: self.provider.into(),
            model: self.resolved_model.into(),
            status_code: Some(200),
            reason: None,
            latency_ms: self.latency_ms,
            started_after_ms: None,
            span_id: None,
        });
        Event::Decision(Box::new(DecisionEvent {
            id: EventId::new(at, number as u128),
            timestamp: Timestamp::from_millis(at),
            request_id: format!("r-{number}").into(),
            decision: self.decision,
            model: self.model.into(),
            model_group: name(self.model),
            resolved_model: name(self.resolved_model),
            provider: name(self.provider),
            vendor: name("openai"),
            tag: self.tag.map(Cow::Borrowed),
            region: None,
            strategy: name("failover"),
            similarity: None,
            endpoint: None,
            stream: false,
            status_code: if self.decision == Decision::Blocked {
                409
            } else {
                200
            },
            error_code: None,
            client_gone: false,
            latency_ms: self.latency_ms,
            upstream_latency_ms: Some(self.latency_ms),
            time_to_first_token_ms: None,
            finish_reason: None,
            tokens: Some(Tokens {
                prompt,
                completion,
                cached: 0,
                cache_written: 0,
                reasoning: 0,
                total: prompt + completion,
                estimated: false,
            }),
            estimated_cost_usd: Some(self.cost_usd * 2.0),
            actual_cost_usd: Some(self.cost_usd),
            fallback_count: u32::from(self.failover.is_some()),
            failover: FailoverSummary {
                triggered: self.failover.is_some(),
                original_provider: self.failover.map(|(provider, _)| provider.into()),
                reason: self.failover.map(|(_, reason)| reason.into()),
            },
            attempts,
            passed_over: Vec::new(),
            policies_evaluated: Cow::default(),
            key_name: None,
            team: None,
            simulated: false,
            conversation_id: None,
            trace: None,
            config_version: "v1".into(),
            gateway_id: "gw".into(),
            instance_id: "in".into(),
            request_body: None,
            response_body: None,
            truncated: Vec::new(),
        }))
    }
}

pub(crate) fn health_changed(provider: &'static str) -> Event<'static> {
    Event::HealthChanged(HealthChangedEvent {
        id: EventId::new(now().millis(), 999),
        timestamp: now(),
        provider: provider.into(),
        from: "healthy".into(),
        to: "unhealthy".into(),
        reason: "upstream_timeout".into(),
        consecutive_failures: 3,
        gateway_id: "gw".into(),
        instance_id: "in".into(),
        config_version: "v1".into(),
        truncated: Vec::new(),
    })
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap())
}
