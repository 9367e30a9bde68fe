//! The hand-written encoding equals Serde's, byte for byte.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::borrow::Cow;

use events::{
    AttemptRecord, Decision, DecisionEvent, Event, EventId, FailoverSummary, HealthChangedEvent,
    PolicyResult, PolicyVerdict, SkippedTarget, SpanId, Timestamp, Tokens, TraceContext, TraceId,
    WriteNdjson,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

type Text = Cow<'static, str>;

/// With characters that JSON escapes, and without.
fn text() -> impl Strategy<Value = Text> {
    prop_oneof!["[a-z0-9_.-]{0,40}", "[\\x00-\\x7f]{0,24}", any::<String>()].prop_map(Cow::Owned)
}

fn amount() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1_000.0, any::<f64>(), Just(f64::NAN), Just(0.1 + 0.2)]
}

fn decided() -> impl Strategy<Value = Decision> {
    prop::sample::select(&[Decision::Allowed, Decision::Blocked, Decision::Flagged][..])
}

fn verdict() -> impl Strategy<Value = PolicyVerdict> {
    use PolicyVerdict::{Blocked, Flagged, Logged, Passed, Redacted, Skipped};
    prop::sample::select(&[Passed, Flagged, Redacted, Blocked, Skipped, Logged][..])
}

fn maybe_nothing() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), any::<u64>()]
}

fn span_id() -> impl Strategy<Value = SpanId> {
    any::<u64>().prop_map(SpanId::new)
}

prop_compose! {
    fn trace()(trace_id: u128, span_id in span_id(), parent_span_id in option::of(span_id()), sampled: bool) -> TraceContext {
        TraceContext { trace_id: TraceId::new(trace_id), span_id, parent_span_id, sampled }
    }
}

prop_compose! {
    fn tokens()(
        (prompt, completion, cached, total) in any::<(u64, u64, u64, u64)>(),
        (cache_written, reasoning) in (maybe_nothing(), maybe_nothing()),
        estimated: bool,
    ) -> Tokens {
        Tokens { prompt, completion, cached, cache_written, reasoning, total, estimated }
    }
}

prop_compose! {
    fn attempt()(
        (provider, model, reason) in (text(), text(), option::of(text())),
        status_code: Option<u16>,
        (latency_ms, started_after_ms) in any::<(u64, Option<u64>)>(),
        span_id in option::of(span_id()),
    ) -> AttemptRecord<'static> {
        AttemptRecord { provider, model, status_code, reason, latency_ms, started_after_ms, span_id }
    }
}

prop_compose! {
    fn failover()(triggered: bool, original_provider in option::of(text()), reason in option::of(text()))
        -> FailoverSummary<'static> {
        FailoverSummary { triggered, original_provider, reason }
    }
}

prop_compose! {
    fn decision()(
        (unix_us, random, decision) in (any::<u64>(), any::<u128>(), decided()),
        words in vec(text(), 5),
        mut maybe in vec(option::of(text()), 15),
        numbers in any::<(u16, u64, Option<u64>, Option<u64>, u32)>(),
        flags in any::<(bool, bool, bool)>(),
        (similarity, tokens) in (any::<Option<f32>>(), option::of(tokens())),
        costs in (option::of(amount()), option::of(amount())),
        failover in failover(),
        attempts in vec(attempt(), 0..4),
        passed_over in vec((text(), text()), 0..4),
        policies in vec((text(), verdict()), 0..4),
        (truncated, trace) in (vec(text(), 0..3), option::of(trace())),
    ) -> DecisionEvent<'static> {
        let [request_id, model, config_version, gateway_id, instance_id] = words.try_into().unwrap();
        let mut next = || maybe.pop().unwrap();
        DecisionEvent {
            id: EventId::new(unix_us / 1_000, random),
            timestamp: Timestamp::from_micros(unix_us),
            request_id,
            decision,
            model,
            model_group: next(),
            resolved_model: next(),
            provider: next(),
            vendor: next(),
            tag: next(),
            region: next(),
            strategy: next(),
            similarity,
            endpoint: next(),
            stream: flags.0,
            status_code: numbers.0,
            error_code: next(),
            client_gone: flags.1,
            latency_ms: numbers.1,
            upstream_latency_ms: numbers.2,
            time_to_first_token_ms: numbers.3,
            finish_reason: next(),
            tokens,
            estimated_cost_usd: costs.0,
            actual_cost_usd: costs.1,
            fallback_count: numbers.4,
            failover,
            attempts: attempts.into(),
            passed_over: passed_over
                .into_iter()
                .map(|(provider, reason)| SkippedTarget { provider, reason })
                .collect(),
            policies_evaluated: policies
                .into_iter()
                .map(|(name, result)| PolicyResult { name, result })
                .collect(),
            key_name: next(),
            team: next(),
            simulated: flags.2,
            conversation_id: next(),
            trace,
            config_version,
            gateway_id,
            instance_id,
            request_body: next(),
            response_body: next(),
            truncated,
        }
    }
}

fn line(event: &impl WriteNdjson) -> String {
    let mut bytes = Vec::new();
    event.write_ndjson(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn a_decision_is_written_as_serde_writes_it(decision in decision()) {
        let by_hand = line(&decision);
        let event = Event::Decision(Box::new(decision));
        prop_assert_eq!(&by_hand, &serde_json::to_string(&event).unwrap());
        prop_assert_eq!(by_hand, line(&event));
    }
}

#[test]
fn a_change_of_health_too() {
    let event = Event::HealthChanged(HealthChangedEvent {
        id: EventId::new(1, 2),
        timestamp: Timestamp::from_millis(3),
        provider: "p".into(),
        from: "healthy".into(),
        to: "unhealthy".into(),
        reason: "\"".into(),
        consecutive_failures: 3,
        gateway_id: "gw".into(),
        instance_id: "i".into(),
        config_version: "v1".into(),
        truncated: vec!["provider".into()],
    });
    assert_eq!(line(&event), serde_json::to_string(&event).unwrap());
}
