//! An event on its way into a store: its text, and what stores filter and sum by.

use std::borrow::Cow;

use events::{
    DecisionEvent, Event, EventId, HealthChangedEvent, MAX_EVENT_BYTES, Timestamp, WriteNdjson as _,
};

/// An event that was read, with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The idempotency key.
    pub id: EventId,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What is filtered and summed by.
    pub columns: Columns,
    /// The line of the batch, as its gateway wrote it; or what is left of it.
    pub json: String,
}

/// What reports filter, group and sum by. Empty texts are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// A decision; else a change of health.
    pub is_decision: bool,
    /// Target.
    pub provider: Option<String>,
    /// Its vendor.
    pub vendor: Option<String>,
    /// As asked for.
    pub model: Option<String>,
    /// That served.
    pub resolved_model: Option<String>,
    /// As asked for.
    pub model_group: Option<String>,
    /// Arm of an experiment.
    pub tag: Option<String>,
    /// Where the target is.
    pub region: Option<String>,
    /// What picked the head.
    pub strategy: Option<String>,
    /// allowed, blocked, flagged.
    pub decision: Option<String>,
    /// Gateway key.
    pub key_name: Option<String>,
    /// Its team.
    pub team: Option<String>,
    /// Simulated providers answered: nothing was spent.
    pub is_simulated: bool,
    /// The gateway.
    pub gateway_id: Option<String>,
    /// The Envoy process.
    pub instance_id: Option<String>,
    /// What the client got.
    pub status_code: Option<u16>,
    /// Its answer began well and failed on its way to the client.
    pub is_broken: bool,
    /// Another than the first choice served.
    pub failover: bool,
    /// Milliseconds.
    pub latency_ms: Option<u64>,
    /// Milliseconds.
    pub ttft_ms: Option<u64>,
    /// Tokens, input.
    pub prompt_tokens: u64,
    /// Tokens, output.
    pub completion_tokens: u64,
    /// Tokens, input from the cache.
    pub cached_tokens: u64,
    /// Tokens, all.
    pub total_tokens: u64,
    /// Nano US dollars, at most [`MAX_COST_NANOS`]; `None` where the cost is not known: no price, or no tokens.
    pub cost_nanos: Option<u64>,
    /// In order.
    pub attempts: Vec<AttemptColumns>,
}

/// What reports sum up of an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptColumns {
    /// Target.
    pub provider: Option<String>,
    /// As the target knows it.
    pub model: Option<String>,
    /// What the target answered; `None` without an answer.
    pub status_code: Option<u16>,
    /// It has a reason: another was asked instead, or nobody.
    pub is_failed: bool,
    /// Its answer went to the client, whole or broken: tokens and cost of the request are its own.
    pub has_served: bool,
    /// Milliseconds.
    pub latency_ms: Option<u64>,
}

/// Why a line is refused.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// JSON is UTF-8.
    #[error("expected UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    /// JSON, but no event.
    #[error("{0}")]
    Event(#[from] events::EventError),
}

impl NewEvent {
    /// Reads a line of a batch. An event that is longer than one should be is cut, and says so: its cost is counted, and what a
    /// store keeps of it is bounded, whoever wrote it.
    ///
    /// # Errors
    /// It is no event.
    pub fn read(line: &[u8]) -> Result<Self, LineError> {
        let text = std::str::from_utf8(line)?;
        let event = events::read_event(line)?;
        Ok(match event.fitted(line.len(), MAX_EVENT_BYTES) {
            None => Self::of(&event, text.to_owned()),
            Some(short) => {
                let mut json = Vec::new();
                short.write_ndjson(&mut json);
                Self::of(&short, String::from_utf8_lossy(&json).into_owned())
            }
        })
    }

    fn of(event: &Event<'_>, json: String) -> Self {
        let columns = match event {
            Event::Decision(event) => Columns::of_decision(event),
            Event::HealthChanged(event) => Columns::of_health(event),
        };
        Self {
            id: event.id(),
            timestamp: event.timestamp(),
            columns,
            json,
        }
    }
}

impl Columns {
    /// Nano US dollars that count as spent; nothing is, where simulated providers answered.
    pub(crate) fn spent_nanos(&self) -> Option<u64> {
        self.cost_nanos
            .filter(|&nanos| nanos > 0 && !self.is_simulated)
    }

    fn of_decision(event: &DecisionEvent<'_>) -> Self {
        let tokens = event.tokens.unwrap_or_default();
        Self {
            is_decision: true,
            provider: optional(&event.provider),
            vendor: optional(&event.vendor),
            model: text(&event.model),
            resolved_model: optional(&event.resolved_model),
            model_group: optional(&event.model_group),
            tag: optional(&event.tag),
            region: optional(&event.region),
            strategy: optional(&event.strategy),
            decision: Some(event.decision.name().to_owned()),
            key_name: optional(&event.key_name),
            team: optional(&event.team),
            is_simulated: event.simulated,
            gateway_id: text(&event.gateway_id),
            instance_id: text(&event.instance_id),
            status_code: Some(event.status_code),
            is_broken: event.is_broken(),
            failover: event.failover.triggered,
            latency_ms: Some(bounded(event.latency_ms)),
            ttft_ms: event.time_to_first_token_ms.map(bounded),
            prompt_tokens: bounded(tokens.prompt),
            completion_tokens: bounded(tokens.completion),
            cached_tokens: bounded(tokens.cached),
            total_tokens: bounded(tokens.total),
            cost_nanos: event
                .actual_cost_usd
                .map(|cost| events::nanos(cost).min(MAX_COST_NANOS)),
            attempts: (event.attempts.iter())
                .map(|attempt| AttemptColumns::of(attempt, event))
                .collect(),
        }
    }

    fn of_health(event: &HealthChangedEvent<'_>) -> Self {
        Self {
            provider: text(&event.provider),
            gateway_id: text(&event.gateway_id),
            instance_id: text(&event.instance_id),
            ..Self::default()
        }
    }
}

impl AttemptColumns {
    fn of(attempt: &events::AttemptRecord<'_>, event: &DecisionEvent<'_>) -> Self {
        let is_failed = attempt.reason.is_some();
        let has_begun = (attempt.status_code).is_some_and(|status| (200..400).contains(&status));
        let is_the_broken_one =
            event.is_broken() && has_begun && event.provider.as_deref() == Some(&*attempt.provider);
        Self {
            provider: text(&attempt.provider),
            model: text(&attempt.model),
            status_code: attempt.status_code,
            is_failed,
            has_served: !is_failed || is_the_broken_one,
            latency_ms: Some(bounded(attempt.latency_ms)),
        }
    }
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn optional(value: &Option<Cow<'_, str>>) -> Option<String> {
    value.as_deref().and_then(text)
}

/// The most that one event may cost, in nano US dollars: up to nine million dollars, floating point numbers hold them
/// exactly.
pub const MAX_COST_NANOS: u64 = 1 << 53;

/// More than any real event has; a million of these still add up in 64 bits, and so in the sums of a store.
const LARGEST: u64 = 1 << 40;

fn bounded(value: u64) -> u64 {
    value.min(LARGEST)
}
