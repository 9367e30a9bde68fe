//! What tables of events show, and what exports hold.

use collector::EventKind;
use serde_json::Value;

use super::lookup::{cell, lookup};
use crate::commands::Failure;
use crate::output::amount;
use crate::output::table::Column;

/// Columns of an export, by the names that `--filter` and `--fields` take.
pub(crate) const EXPORTED: [&str; 38] = [
    "id",
    "event_type",
    "timestamp",
    "request_id",
    "decision",
    "model",
    "model_group",
    "resolved_model",
    "provider",
    "vendor",
    "tag",
    "region",
    "strategy",
    "stream",
    "status_code",
    "error_code",
    "client_gone",
    "latency_ms",
    "upstream_latency_ms",
    "time_to_first_token_ms",
    "tokens.prompt",
    "tokens.completion",
    "tokens.cached",
    "tokens.total",
    "tokens.estimated",
    "estimated_cost_usd",
    "actual_cost_usd",
    "fallback_count",
    "failover.triggered",
    "failover.original_provider",
    "failover.reason",
    "attempts.provider",
    "attempts.reason",
    "policies_evaluated.name",
    "policies_evaluated.result",
    "key_name",
    "conversation_id",
    "gateway_id",
];

/// Fields that events have besides the exported ones.
const OTHER_FIELDS: [&str; 12] = [
    "attempts",
    "attempts.model",
    "attempts.status_code",
    "attempts.latency_ms",
    "config_version",
    "failover",
    "instance_id",
    "passed_over",
    "passed_over.provider",
    "passed_over.reason",
    "policies_evaluated",
    "tokens",
];

/// # Errors
/// One of `fields` is no field of events: neither a known one nor one that `events` have.
pub(crate) fn check(fields: &[&str], events: &[Value]) -> Result<(), Failure> {
    let known = || EXPORTED.into_iter().chain(OTHER_FIELDS);
    let is_there = |field: &str| events.iter().any(|event| !lookup(event, field).is_null());
    match fields
        .iter()
        .find(|field| !known().any(|name| name == **field) && !is_there(field))
    {
        None => Ok(()),
        Some(field) => Err(format!(
            "--fields: events have no field {field:?}, expected some of {}",
            known().collect::<Vec<_>>().join(", ")
        )
        .into()),
    }
}

/// Columns of a table of events, for people.
pub(crate) fn headings(kind: EventKind) -> Vec<Column> {
    match kind {
        EventKind::Decision => vec![
            Column::text("TIME"),
            Column::text("MODEL"),
            Column::text("PROVIDER"),
            Column::text("SERVED BY"),
            Column::number("STATUS"),
            Column::number("LATENCY"),
            Column::number("TOKENS"),
            Column::number("COST"),
            Column::text("FAILOVER"),
        ],
        EventKind::HealthChanged | EventKind::Any => vec![
            Column::text("TIME"),
            Column::text("EVENT"),
            Column::text("PROVIDER"),
            Column::text("WHAT"),
        ],
    }
}

/// The cells of one event under [`headings`].
pub(crate) fn row(kind: EventKind, event: &Value) -> Vec<String> {
    let text = |path: &str| cell(&lookup(event, path));
    match kind {
        EventKind::Decision => vec![
            seconds(&text("timestamp")),
            text("model"),
            or_dash(text("provider")),
            or_dash(text("resolved_model")),
            status(event),
            number(event, "latency_ms", amount::milliseconds),
            number(event, "tokens.total", amount::count),
            number(event, "actual_cost_usd", amount::usd),
            failover(event),
        ],
        EventKind::HealthChanged | EventKind::Any => vec![
            seconds(&text("timestamp")),
            text("event_type"),
            or_dash(text("provider")),
            match text("event_type").as_str() {
                "decision" => format!("{} {} {}", text("model"), status(event), failover(event)),
                _ => format!("{} -> {}: {}", text("from"), text("to"), text("reason")),
            },
        ],
    }
}

/// The column of the event's field of this name, for people.
pub(crate) fn column(field: &str) -> Column {
    match form(field) {
        Some(_) => Column::number(field),
        None => Column::text(field),
    }
}

/// A field's value under [`column`].
pub(crate) fn shown(field: &str, value: &Value) -> String {
    match (form(field), value.as_f64()) {
        (Some(form), Some(amount)) => form(amount),
        _ if field == "timestamp" => seconds(&cell(value)),
        _ => or_dash(cell(value)),
    }
}

/// How people read the amount in this field, if it is one.
fn form(field: &str) -> Option<fn(f64) -> String> {
    if field.ends_with("_usd") {
        Some(amount::usd)
    } else if field.ends_with("_ms") {
        Some(amount::milliseconds)
    } else if field.starts_with("tokens.") {
        Some(amount::count)
    } else {
        None
    }
}

/// The amount at `path` in its `form`; a dash where there is none.
pub(crate) fn number(event: &Value, path: &str, form: fn(f64) -> String) -> String {
    lookup(event, path)
        .as_f64()
        .map_or_else(|| "-".to_owned(), form)
}

/// The client's status, or that a policy blocked, or that the client did not wait.
fn status(event: &Value) -> String {
    let status = lookup(event, "status_code").as_u64().unwrap_or(0);
    if status == 0 {
        "left".to_owned()
    } else {
        status.to_string()
    }
}

/// Who was to serve, and why not.
fn failover(event: &Value) -> String {
    let text = |path: &str| cell(&lookup(event, path));
    if lookup(event, "failover.triggered") == Value::Bool(true) {
        format!(
            "{}: {}",
            text("failover.original_provider"),
            text("failover.reason")
        )
    } else {
        text("error_code")
    }
}

/// RFC 3339 without what is below seconds.
fn seconds(timestamp: &str) -> String {
    match timestamp.split_once('.') {
        Some((until_seconds, _)) => format!("{until_seconds}Z"),
        None => timestamp.to_owned(),
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_shown_as_people_read_them_and_other_fields_as_they_are() {
        for (field, value, expected) in [
            (
                "actual_cost_usd",
                json!(0.000_072_500_000_000_000_01),
                "$0.0000725",
            ),
            ("estimated_cost_usd", json!(4.35e-6), "$0.00000435"),
            ("actual_cost_usd", Value::Null, "-"),
            ("latency_ms", json!(1_850), "1.85 s"),
            ("tokens.total", json!(1_800), "1,800"),
            ("tokens.estimated", json!(true), "true"),
            (
                "timestamp",
                json!("2026-11-21T13:37:00.123456Z"),
                "2026-11-21T13:37:00Z",
            ),
            ("status_code", json!(200), "200"),
            ("attempts.latency_ms", json!([3, 4]), "3; 4"),
        ] {
            assert_eq!(shown(field, &value), expected, "{field}");
        }
    }

    #[test]
    fn one_line_says_who_served_for_whom_at_which_price() {
        let event = json!({
            "event_type": "decision", "timestamp": "2026-11-21T13:37:00.123456Z", "model": "reliable-chat",
            "provider": "anthropic", "resolved_model": "claude-sonnet-4", "status_code": 200, "latency_ms": 1850,
            "tokens": { "total": 20 }, "actual_cost_usd": 0.00012,
            "failover": { "triggered": true, "original_provider": "openai", "reason": "upstream_timeout" },
        });
        assert_eq!(
            row(EventKind::Decision, &event),
            [
                "2026-11-21T13:37:00Z",
                "reliable-chat",
                "anthropic",
                "claude-sonnet-4",
                "200",
                "1.85 s",
                "20",
                "$0.00012",
                "openai: upstream_timeout",
            ]
        );
        assert_eq!(headings(EventKind::Decision).len(), 9);
        let refused = json!({
            "event_type": "decision", "timestamp": "2026-11-21T13:37:00Z", "model": "x", "provider": null, "status_code": 404,
            "latency_ms": 0, "tokens": null, "error_code": "model_not_found", "failover": { "triggered": false },
        });
        assert_eq!(
            row(EventKind::Decision, &refused)[2..],
            ["-", "-", "404", "0 ms", "-", "-", "model_not_found"]
        );
        let health = json!({
            "event_type": "gateway.health_changed", "timestamp": "2026-11-21T13:37:00.5Z", "provider": "openai",
            "from": "healthy", "to": "unhealthy", "reason": "upstream_timeout",
        });
        assert_eq!(
            row(EventKind::Any, &health)[1..],
            [
                "gateway.health_changed",
                "openai",
                "healthy -> unhealthy: upstream_timeout"
            ]
        );
    }
}
