//! Events as log records, with every field but bodies as an attribute.

use events::{Decision, Event};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use semconv::operation_name;

use super::attributes::{SCHEMA_URL, by_process, of_event, resource, scope, text, texts};
use super::spans::error_type;

/// All `events` as one request; `None` where there are none.
pub(super) fn request(
    service_name: &str,
    events: &[Event<'_>],
) -> Option<ExportLogsServiceRequest> {
    let mut resource_logs = Vec::new();
    for ((gateway_id, instance_id), events) in by_process(events) {
        resource_logs.push(ResourceLogs {
            resource: Some(resource(service_name, gateway_id, instance_id)),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope()),
                log_records: events.into_iter().map(record).collect(),
                schema_url: SCHEMA_URL.to_owned(),
            }],
            schema_url: SCHEMA_URL.to_owned(),
        });
    }
    (!resource_logs.is_empty()).then_some(ExportLogsServiceRequest { resource_logs })
}

fn record(event: &Event<'_>) -> LogRecord {
    // Bodies are long, and on the span of the attempt that served.
    let mut attributes = of_event(event, |field| {
        !matches!(field.path, "request_body" | "response_body" | "error_code")
    });
    let mut record = LogRecord {
        time_unix_nano: event.timestamp().micros().saturating_mul(1_000),
        observed_time_unix_nano: event.timestamp().micros().saturating_mul(1_000),
        event_name: format!("keeptrusts.{}", event.event_type()),
        ..LogRecord::default()
    };
    let (severity, body) = match event {
        Event::Decision(decision) => {
            let operation = operation_name(decision.endpoint.as_deref());
            attributes.push(text("gen_ai.operation.name", operation));
            attributes.extend(error_type(decision).map(|error| text("error.type", &error)));
            attributes.push(texts("keeptrusts.attempts", attempts(decision)));
            if let Some(trace) = decision.trace {
                record.trace_id = trace.trace_id.to_bytes().to_vec();
                record.span_id = trace.span_id.to_bytes().to_vec();
                record.flags = u32::from(trace.sampled);
            }
            let severity = match decision.status_code {
                0 | 500.. => SeverityNumber::Error,
                400.. => SeverityNumber::Warn,
                _ if decision.is_broken() => SeverityNumber::Error,
                _ if decision.decision != Decision::Allowed => SeverityNumber::Warn,
                _ => SeverityNumber::Info,
            };
            let by = decision.provider.as_deref().unwrap_or("nobody");
            let body = format!(
                "{operation} {}: {} by {by} in {} ms",
                decision.model, decision.status_code, decision.latency_ms
            );
            (severity, body)
        }
        Event::HealthChanged(change) => (
            SeverityNumber::Warn,
            format!(
                "{}: {} -> {} ({})",
                change.provider, change.from, change.to, change.reason
            ),
        ),
    };
    record.severity_number = severity as i32;
    record.severity_text = match severity {
        SeverityNumber::Error => "ERROR",
        SeverityNumber::Warn => "WARN",
        _ => "INFO",
    }
    .to_owned();
    record.body = Some(AnyValue {
        value: Some(Any::StringValue(body)),
    });
    record.attributes = attributes;
    record
}

fn attempts(decision: &events::DecisionEvent<'_>) -> Vec<String> {
    let line = |attempt: &events::AttemptRecord<'_>| {
        let status = attempt
            .status_code
            .map_or("-".to_owned(), |status| status.to_string());
        let reason = attempt.reason.as_deref().unwrap_or("ok");
        format!(
            "{}/{} {status} {reason} {} ms",
            attempt.provider, attempt.model, attempt.latency_ms
        )
    };
    decision.attempts.iter().map(line).collect()
}
