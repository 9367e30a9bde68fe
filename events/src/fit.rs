//! Bounds the size of events: an event that is too long is truncated, and says what was truncated. No event is dropped
//! for its size.

use std::borrow::Cow;

use crate::decision::{AttemptRecord, DecisionEvent, FailoverSummary, PolicyResult, SkippedTarget};
use crate::event::Event;
use crate::few::Few;
use crate::health_changed::HealthChangedEvent;
use crate::ndjson::WriteNdjson;

/// Longest event that a gateway writes and a collector stores, in bytes of JSON.
pub const MAX_EVENT_BYTES: usize = 128 * 1024;
/// Longest text of an event except bodies, in bytes.
pub const MAX_TEXT_BYTES: usize = 512;
/// Longest body in an event (`log_bodies`), in bytes.
pub const MAX_BODY_BYTES: usize = 32 * 1024;
/// Listed in `truncated` for members known only to a newer version.
pub const UNKNOWN_MEMBERS: &str = "unknown_members";

/// Bounds of an event.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Bytes per text.
    text: usize,
    /// Bytes per body.
    body: usize,
    /// Items per list.
    items: usize,
}

/// The bounds that always apply, then those tried while an event is still too long: bodies are cut first, the serving
/// target last. The last bounds reduce any event to a few kilobytes.
const BOUNDS: [Bounds; 6] = [
    Bounds::of(MAX_TEXT_BYTES, MAX_BODY_BYTES, 1_000),
    Bounds::of(MAX_TEXT_BYTES, MAX_BODY_BYTES / 4, 1_000),
    Bounds::of(MAX_TEXT_BYTES, 1_024, 100),
    Bounds::of(256, 0, 20),
    Bounds::of(64, 0, 4),
    Bounds::of(16, 0, 0),
];

impl Bounds {
    const fn of(text: usize, body: usize, items: usize) -> Self {
        Self { text, body, items }
    }
}

impl Event<'_> {
    /// The event within its bounds and `max_bytes` of JSON; `None` if it already is, with its `line_bytes` of JSON.
    /// Truncated fields are named in `truncated`.
    pub fn fitted(&self, line_bytes: usize, max_bytes: usize) -> Option<Event<'_>> {
        match self {
            Self::Decision(event) => event
                .fitted(line_bytes, max_bytes)
                .map(|event| Event::Decision(Box::new(event))),
            Self::HealthChanged(event) => event
                .fitted(line_bytes, max_bytes)
                .map(Event::HealthChanged),
        }
    }
}

impl DecisionEvent<'_> {
    /// See [`Event::fitted`].
    pub fn fitted(&self, line_bytes: usize, max_bytes: usize) -> Option<DecisionEvent<'_>> {
        let within = |bounds| self.within(bounds);
        fit(line_bytes, max_bytes, within, |event, names| {
            DecisionEvent {
                truncated: named(&self.truncated, names),
                ..event
            }
        })
    }

    fn within(&self, bounds: Bounds) -> (DecisionEvent<'_>, Vec<&'static str>) {
        let mut cut = Cutter::new(bounds);
        let event = DecisionEvent {
            id: self.id,
            timestamp: self.timestamp,
            request_id: cut.text("request_id", &self.request_id),
            decision: self.decision,
            model: cut.text("model", &self.model),
            model_group: cut.optional("model_group", &self.model_group),
            resolved_model: cut.optional("resolved_model", &self.resolved_model),
            provider: cut.optional("provider", &self.provider),
            vendor: cut.optional("vendor", &self.vendor),
            tag: cut.optional("tag", &self.tag),
            region: cut.optional("region", &self.region),
            strategy: cut.optional("strategy", &self.strategy),
            similarity: self.similarity,
            endpoint: cut.optional("endpoint", &self.endpoint),
            stream: self.stream,
            status_code: self.status_code,
            error_code: cut.optional("error_code", &self.error_code),
            client_gone: self.client_gone,
            latency_ms: self.latency_ms,
            upstream_latency_ms: self.upstream_latency_ms,
            time_to_first_token_ms: self.time_to_first_token_ms,
            finish_reason: cut.optional("finish_reason", &self.finish_reason),
            tokens: self.tokens,
            estimated_cost_usd: self.estimated_cost_usd,
            actual_cost_usd: self.actual_cost_usd,
            fallback_count: self.fallback_count,
            failover: FailoverSummary {
                triggered: self.failover.triggered,
                original_provider: cut.optional("failover", &self.failover.original_provider),
                reason: cut.optional("failover", &self.failover.reason),
            },
            attempts: cut.attempts(&self.attempts),
            passed_over: cut.list("passed_over", &self.passed_over, |cut, item| {
                SkippedTarget {
                    provider: cut.text("passed_over", &item.provider),
                    reason: cut.text("passed_over", &item.reason),
                }
            }),
            policies_evaluated: Cow::Owned(cut.list(
                "policies_evaluated",
                &*self.policies_evaluated,
                |cut, item| PolicyResult {
                    name: cut.text("policies_evaluated", &item.name),
                    result: item.result,
                },
            )),
            key_name: cut.optional("key_name", &self.key_name),
            team: cut.optional("team", &self.team),
            simulated: self.simulated,
            conversation_id: cut.optional("conversation_id", &self.conversation_id),
            trace: self.trace,
            config_version: cut.text("config_version", &self.config_version),
            gateway_id: cut.text("gateway_id", &self.gateway_id),
            instance_id: cut.text("instance_id", &self.instance_id),
            request_body: cut.body("request_body", &self.request_body),
            response_body: cut.body("response_body", &self.response_body),
            truncated: Vec::new(),
        };
        (event, cut.names)
    }
}

impl HealthChangedEvent<'_> {
    /// See [`Event::fitted`].
    pub fn fitted(&self, line_bytes: usize, max_bytes: usize) -> Option<HealthChangedEvent<'_>> {
        let within = |bounds| self.within(bounds);
        fit(line_bytes, max_bytes, within, |event, names| {
            HealthChangedEvent {
                truncated: named(&self.truncated, names),
                ..event
            }
        })
    }

    fn within(&self, bounds: Bounds) -> (HealthChangedEvent<'_>, Vec<&'static str>) {
        let mut cut = Cutter::new(bounds);
        let event = HealthChangedEvent {
            id: self.id,
            timestamp: self.timestamp,
            provider: cut.text("provider", &self.provider),
            from: cut.text("from", &self.from),
            to: cut.text("to", &self.to),
            reason: cut.text("reason", &self.reason),
            consecutive_failures: self.consecutive_failures,
            gateway_id: cut.text("gateway_id", &self.gateway_id),
            instance_id: cut.text("instance_id", &self.instance_id),
            config_version: cut.text("config_version", &self.config_version),
            truncated: Vec::new(),
        };
        (event, cut.names)
    }
}

/// Applies the widest bounds that reduce the event to `max_bytes`, and names what they truncated; `None` if nothing is
/// truncated and its `line_bytes` are within `max_bytes`. `within` applies bounds, `mark` writes the names into the
/// event.
fn fit<T: WriteNdjson>(
    line_bytes: usize,
    max_bytes: usize,
    within: impl Fn(Bounds) -> (T, Vec<&'static str>),
    mark: impl Fn(T, Vec<&'static str>) -> T,
) -> Option<T> {
    let mut line = Vec::new();
    let mut shortest = None;
    for bounds in BOUNDS {
        let (event, mut names) = within(bounds);
        if names.is_empty() {
            if line_bytes <= max_bytes {
                return None;
            }
            names.push(UNKNOWN_MEMBERS);
        }
        let event = mark(event, names);
        line.clear();
        event.write_ndjson(&mut line);
        let is_short = line.len() <= max_bytes;
        shortest = Some(event);
        if is_short {
            break;
        }
    }
    shortest
}

/// `before`, and the `names` that it does not contain.
fn named<'a>(before: &'a [Cow<'a, str>], names: Vec<&'static str>) -> Vec<Cow<'a, str>> {
    let before = before.iter().map(|name| &**name);
    let before = before.filter(|name| name.len() <= MAX_NAME_BYTES);
    let mut all: Vec<Cow<'a, str>> = before.take(MAX_NAMES).map(Cow::Borrowed).collect();
    for name in names {
        if !all.iter().any(|known| known == name) {
            all.push(Cow::Borrowed(name));
        }
    }
    all
}

/// Most names that an event may bring in `truncated`; there are fewer fields, and their names are shorter.
const MAX_NAMES: usize = 64;
const MAX_NAME_BYTES: usize = 64;

/// Truncates an event's fields and records their names.
struct Cutter {
    bounds: Bounds,
    names: Vec<&'static str>,
}

impl Cutter {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            names: Vec::new(),
        }
    }

    fn note(&mut self, name: &'static str) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    fn text<'a>(&mut self, name: &'static str, text: &'a str) -> Cow<'a, str> {
        self.shortened(name, text, self.bounds.text)
    }

    fn optional<'a>(
        &mut self,
        name: &'static str,
        text: &'a Option<Cow<'a, str>>,
    ) -> Option<Cow<'a, str>> {
        text.as_deref().map(|text| self.text(name, text))
    }

    fn body<'a>(
        &mut self,
        name: &'static str,
        body: &'a Option<Cow<'a, str>>,
    ) -> Option<Cow<'a, str>> {
        let limit = self.bounds.body;
        body.as_deref()
            .map(|body| self.shortened(name, body, limit))
    }

    /// Keeps whole characters.
    fn shortened<'a>(&mut self, name: &'static str, text: &'a str, limit: usize) -> Cow<'a, str> {
        if text.len() <= limit {
            return Cow::Borrowed(text);
        }
        self.note(name);
        let kept = (0..=limit).rev().find_map(|end| text.get(..end));
        Cow::Borrowed(kept.unwrap_or_default())
    }

    fn list<'a, T: 'a, S>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = &'a T>,
        item: impl Fn(&mut Self, &'a T) -> S,
    ) -> Vec<S> {
        let mut kept = Vec::new();
        for one in items {
            if kept.len() == self.bounds.items {
                self.note(name);
                break;
            }
            kept.push(item(self, one));
        }
        kept
    }

    fn attempts<'a>(&mut self, attempts: &'a Few<AttemptRecord<'a>>) -> Few<AttemptRecord<'a>> {
        let name = "attempts";
        self.list(name, attempts.iter(), |cut, attempt| AttemptRecord {
            provider: cut.text(name, &attempt.provider),
            model: cut.text(name, &attempt.model),
            status_code: attempt.status_code,
            reason: (attempt.reason.as_deref()).map(|reason| cut.text(name, reason)),
            latency_ms: attempt.latency_ms,
            started_after_ms: attempt.started_after_ms,
            span_id: attempt.span_id,
        })
        .into()
    }
}

#[cfg(test)]
mod tests;
