//! Spans: one server span for a request, below it one client span for each attempt.
//!
//! The server span is HTTP's, with what the gateway decided. The client spans are those of the GenAI conventions: only the
//! one that served has tokens and cost, so that adding up spans gives what was spent.

use events::{AttemptRecord, DecisionEvent, Event, SpanId, TraceContext};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use semconv::fields::EventField;
use semconv::{operation_name, provider_name};

use super::attributes::{
    SCHEMA_URL, arrived_ns, attribute, by_process, integer, of_event, resource, scope, seconds,
    text,
};
use super::messages;

const NS_PER_MS: u64 = 1_000_000;
/// `SpanFlags`: the caller was elsewhere, and that is known.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
const SAMPLED: u32 = 1;

/// The spans of all sampled requests among `events`; `None` where there are none.
pub(super) fn request(
    service_name: &str,
    events: &[Event<'_>],
) -> Option<ExportTraceServiceRequest> {
    let mut resource_spans = Vec::new();
    for ((gateway_id, instance_id), events) in by_process(events) {
        let spans: Vec<Span> = events.into_iter().flat_map(spans).collect();
        if !spans.is_empty() {
            resource_spans.push(ResourceSpans {
                resource: Some(resource(service_name, gateway_id, instance_id)),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope()),
                    spans,
                    schema_url: SCHEMA_URL.to_owned(),
                }],
                schema_url: SCHEMA_URL.to_owned(),
            });
        }
    }
    (!resource_spans.is_empty()).then_some(ExportTraceServiceRequest { resource_spans })
}

fn spans(event: &Event<'_>) -> Vec<Span> {
    let Event::Decision(decision) = event else {
        return Vec::new();
    };
    let Some(trace) = decision.trace.filter(|trace| trace.sampled) else {
        return Vec::new();
    };
    let attempts = decision.attempts.iter().enumerate();
    let clients = attempts.filter_map(|(index, attempt)| client(decision, &trace, index, attempt));
    let clients: Vec<Span> = clients.collect();
    std::iter::once(server(event, decision, &trace))
        .chain(clients)
        .collect()
}

/// What the server span says in its own words, and what belongs to the span of the attempt that served.
fn is_of_server_span(field: &EventField) -> bool {
    let is_genai = field
        .attribute
        .is_some_and(|name| name.starts_with("gen_ai."));
    let is_cost = field.path.ends_with("cost_usd");
    (!is_genai || field.path == "conversation_id") && !is_cost && field.path != "error_code"
}

fn server(event: &Event<'_>, decision: &DecisionEvent<'_>, trace: &TraceContext) -> Span {
    let path = decision.endpoint.as_deref().unwrap_or_default();
    let start = arrived_ns(decision);
    let error = error_type(decision);
    let mut attributes = of_event(event, is_of_server_span);
    attributes.push(text("http.request.method", "POST"));
    attributes.push(text("keeptrusts.requested_model", &decision.model));
    attributes.extend(error.as_deref().map(|error| text("error.type", error)));
    let is_failed =
        decision.status_code >= 500 || decision.status_code == 0 || decision.is_broken();
    let parent = trace.parent_span_id;
    Span {
        trace_id: trace.trace_id.to_bytes().to_vec(),
        span_id: bytes(trace.span_id),
        parent_span_id: parent.map(bytes).unwrap_or_default(),
        flags: SAMPLED | HAS_IS_REMOTE | if parent.is_some() { IS_REMOTE } else { 0 },
        name: format!("POST {path}"),
        kind: SpanKind::Server as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(decision.latency_ms.saturating_mul(NS_PER_MS)),
        attributes,
        status: Some(status(is_failed.then_some(error).flatten().as_deref())),
        ..Span::default()
    }
}

/// Fields that describe the answer of the attempt that served.
fn is_of_answer(field: &EventField) -> bool {
    field.path.starts_with("tokens.")
        || field.path.ends_with("cost_usd")
        || matches!(field.path, "resolved_model" | "vendor" | "finish_reason")
}

fn client(
    decision: &DecisionEvent<'_>,
    trace: &TraceContext,
    index: usize,
    attempt: &AttemptRecord<'_>,
) -> Option<Span> {
    let span_id = attempt.span_id?;
    let after_ms = attempt.started_after_ms.unwrap_or(0);
    let start = arrived_ns(decision).saturating_add(after_ms.saturating_mul(NS_PER_MS));
    let operation = operation_name(decision.endpoint.as_deref());
    let error = attempt_error(decision, attempt);
    let mut attributes = vec![
        text("gen_ai.operation.name", operation),
        text("gen_ai.request.model", &attempt.model),
        text("keeptrusts.provider", &attempt.provider),
        attribute("gen_ai.request.stream", Any::BoolValue(decision.stream)),
    ];
    let status_code = attempt.status_code.map(u64::from);
    attributes.extend(status_code.map(|status| integer("http.response.status_code", status)));
    if index > 0 {
        attributes.push(integer("http.request.resend_count", index as u64));
    }
    attributes.extend(error.as_deref().map(|error| text("error.type", error)));
    for (name, value) in [
        ("keeptrusts.model_group", &decision.model_group),
        ("keeptrusts.tag", &decision.tag),
        ("keeptrusts.strategy", &decision.strategy),
        ("gen_ai.conversation.id", &decision.conversation_id),
    ] {
        attributes.extend(value.as_deref().map(|value| text(name, value)));
    }
    if served(decision, index) {
        attributes.extend(of_answer(decision, after_ms));
    } else if decision.provider.as_deref() == Some(&*attempt.provider) {
        let vendor = decision.vendor.as_deref();
        attributes
            .extend(vendor.map(|vendor| text("gen_ai.provider.name", &provider_name(vendor))));
    }
    Some(Span {
        trace_id: trace.trace_id.to_bytes().to_vec(),
        span_id: bytes(span_id),
        parent_span_id: bytes(trace.span_id),
        flags: SAMPLED | HAS_IS_REMOTE,
        name: format!("{operation} {}", attempt.model),
        kind: SpanKind::Client as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(attempt.latency_ms.saturating_mul(NS_PER_MS)),
        attributes,
        status: Some(status(error.as_deref())),
        ..Span::default()
    })
}

/// The last attempt at the target whose answer the client got; tokens and cost are its own.
fn served(decision: &DecisionEvent<'_>, index: usize) -> bool {
    let is_it = |attempt: &AttemptRecord<'_>| {
        let has_begun = attempt.status_code.is_some_and(|status| status < 400);
        decision.provider.as_deref() == Some(&*attempt.provider)
            && (attempt.reason.is_none() || (decision.is_broken() && has_begun))
    };
    let attempts: Vec<&AttemptRecord<'_>> = decision.attempts.iter().collect();
    let last = attempts.iter().rposition(|attempt| is_it(attempt));
    // Tokens that were billed for an attempt that failed belong to the last one.
    let last = last.or_else(|| decision.tokens.and(attempts.len().checked_sub(1)));
    last == Some(index)
}

fn of_answer(decision: &DecisionEvent<'_>, after_ms: u64) -> Vec<KeyValue> {
    let whole = Event::Decision(Box::new(decision.clone()));
    let mut attributes = of_event(&whole, is_of_answer);
    if let Some(first_ms) = decision.time_to_first_token_ms {
        let waited = Any::DoubleValue(seconds(first_ms.saturating_sub(after_ms)));
        attributes.push(attribute("gen_ai.response.time_to_first_chunk", waited));
    }
    attributes.extend(messages::attributes(decision));
    attributes
}

pub(super) fn error_type(decision: &DecisionEvent<'_>) -> Option<String> {
    if let Some(code) = decision.error_code.as_deref() {
        return Some(code.to_owned());
    }
    if decision.client_gone {
        return Some("client_gone".to_owned());
    }
    (decision.status_code >= 400).then(|| decision.status_code.to_string())
}

fn attempt_error(decision: &DecisionEvent<'_>, attempt: &AttemptRecord<'_>) -> Option<String> {
    if let Some(reason) = attempt.reason.as_deref() {
        return Some(reason.to_owned());
    }
    if let Some(status @ 400..) = attempt.status_code {
        return Some(status.to_string());
    }
    let is_it = decision.provider.as_deref() == Some(&*attempt.provider);
    (decision.is_broken() && is_it).then(|| {
        decision
            .error_code
            .as_deref()
            .unwrap_or_default()
            .to_owned()
    })
}

fn status(error: Option<&str>) -> Status {
    match error {
        Some(error) => Status {
            message: error.to_owned(),
            code: StatusCode::Error as i32,
        },
        None => Status::default(),
    }
}

fn bytes(id: SpanId) -> Vec<u8> {
    id.to_bytes().to_vec()
}
