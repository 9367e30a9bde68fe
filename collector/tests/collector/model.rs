//! What reports should say, computed from the events' JSON without any store: slow and plain.

use collector::{Dimension, EventFilter, EventKind, Field, FieldKind, Metric};
use serde_json::Value;

/// A group's values and its metrics.
type Row = (Vec<Option<String>>, Vec<Option<f64>>);

/// Rows of `group_by` and metrics, in no order.
pub(crate) fn aggregate(
    events: &[Value],
    filter: &EventFilter,
    group_by: &[Dimension],
    metrics: &[Metric],
) -> Vec<Row> {
    let counted: Vec<&Value> = events
        .iter()
        .filter(|event| event["event_type"] == "decision" && counts(event, filter))
        .collect();
    let attempts: Vec<Value>;
    let counted = if group_by.iter().any(|one| one.is_of_attempts()) {
        attempts = counted.into_iter().flat_map(attempts_of).collect();
        attempts.iter().collect()
    } else {
        counted
    };
    let mut keys: Vec<Vec<Option<String>>> =
        counted.iter().map(|event| key(event, group_by)).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|wanted| {
            let members: Vec<&Value> = counted
                .iter()
                .copied()
                .filter(|event| key(event, group_by) == wanted)
                .collect();
            let values = metrics.iter().map(|&one| metric(&members, one)).collect();
            (wanted, values)
        })
        .collect()
}

/// An event for each attempt: what of the request belongs to it, with the attempt beside it.
fn attempts_of(event: &Value) -> Vec<Value> {
    let attempts = event["attempts"].as_array().unwrap();
    attempts
        .iter()
        .map(|attempt| {
            let mut one = event.clone();
            one["attempt"] = attempt.clone();
            one["request"] = event.clone();
            one["decision"] = "allowed".into();
            one["status_code"] = attempt["status_code"].as_u64().unwrap_or(0).into();
            one["latency_ms"] = attempt["latency_ms"].clone();
            let is_the_broken_one = is_broken(event)
                && attempt["provider"] == event["provider"]
                && has_begun_well(&one);
            if !attempt["reason"].is_null() && !is_the_broken_one {
                for name in ["tokens", "actual_cost_usd", "time_to_first_token_ms"] {
                    one[name] = Value::Null;
                }
                one["failover"]["triggered"] = false.into();
            }
            one
        })
        .collect()
}

fn has_begun_well(event: &Value) -> bool {
    (event["status_code"].as_u64()).is_some_and(|status| (200..400).contains(&status))
}

/// Its answer began well and failed on its way.
fn is_broken(event: &Value) -> bool {
    has_begun_well(event) && !event["error_code"].is_null()
}

/// Whether an event is one that a filter asks for, whatever its kind.
pub(crate) fn counts(event: &Value, filter: &EventFilter) -> bool {
    let time = events::Timestamp::parse(event["timestamp"].as_str().unwrap()).unwrap();
    filter.since.is_none_or(|since| time >= since)
        && filter.until.is_none_or(|until| time < until)
        && filter.conditions.iter().all(|condition| {
            filter
                .conditions
                .iter()
                .filter(|other| other.field == condition.field)
                .any(|one| holds(event, one.field, &one.value))
        })
}

/// Whether its kind is asked for.
pub(crate) fn is_of_kind(event: &Value, kind: EventKind) -> bool {
    kind == EventKind::Any || event["event_type"] == kind.name()
}

/// Whether it counts as an error.
fn is_error(event: &Value) -> bool {
    let is_refused = (event["status_code"].as_u64()).is_some_and(|status| status >= 400);
    event["decision"] != "blocked" && (is_refused || is_broken(event))
}

fn holds(event: &Value, field: Field, value: &str) -> bool {
    if field == Field::IsError {
        return is_error(event).to_string() == value;
    }
    let name = match field {
        Field::FailoverTriggered => "failover.triggered",
        other => other.name(),
    };
    let found = match name.split_once('.') {
        Some((outer, inner)) => match &event[outer] {
            Value::Array(members) => {
                let texts: Vec<&str> = members
                    .iter()
                    .filter_map(|one| one[inner].as_str())
                    .collect();
                return if value.is_empty() {
                    texts.is_empty()
                } else {
                    texts.contains(&value)
                };
            }
            object => &object[inner],
        },
        None => &event[name],
    };
    if value.is_empty() {
        return found.is_null() || found == "";
    }
    match field.kind() {
        FieldKind::Flag => found.as_bool().unwrap_or(false).to_string() == value,
        FieldKind::Number => found.as_i64().is_some() && found.as_i64() == value.parse().ok(),
        FieldKind::Text => found.as_str() == Some(value),
        FieldKind::List => false,
    }
}

fn key(event: &Value, group_by: &[Dimension]) -> Vec<Option<String>> {
    group_by
        .iter()
        .map(|&dimension| {
            let timestamp = event["timestamp"].as_str().unwrap();
            // Of an attempt's row, the groups are those of its request.
            let request = match &event["request"] {
                Value::Null => event,
                request => request,
            };
            match dimension {
                Dimension::Hour => Some(format!("{}:00:00Z", &timestamp[..13])),
                Dimension::Day => Some(timestamp[..10].to_owned()),
                Dimension::Minute => Some(format!("{}:00Z", &timestamp[..16])),
                Dimension::Month => Some(timestamp[..7].to_owned()),
                Dimension::AttemptProvider => text(&event["attempt"]["provider"]),
                Dimension::AttemptModel => text(&event["attempt"]["model"]),
                Dimension::StatusCode => Some(request["status_code"].to_string()),
                other => text(&request[other.name()]),
            }
        })
        .collect()
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn metric(events: &[&Value], metric: Metric) -> Option<f64> {
    let count = |condition: &dyn Fn(&Value) -> bool| {
        events.iter().filter(|event| condition(event)).count() as f64
    };
    let sum = |part: &str| -> f64 {
        events
            .iter()
            .map(|event| event["tokens"][part].as_u64().unwrap_or(0) as f64)
            .sum()
    };
    let status = |event: &Value| event["status_code"].as_u64().unwrap();
    let of_attempts = events.iter().any(|event| event["attempt"].is_object());
    let is_failed = |event: &Value| match &event["attempt"] {
        Value::Null => is_broken(event),
        attempt => !attempt["reason"].is_null(),
    };
    let is_error = |event: &Value| {
        event["decision"] != "blocked" && (status(event) >= 400 || is_failed(event))
    };
    let is_success = |event: &Value| (200..400).contains(&status(event)) && !is_failed(event);
    let is_failure = |event: &Value| {
        if of_attempts {
            is_failed(event)
        } else {
            is_error(event)
        }
    };
    let answered_with = |event: &Value, from: u64, until: u64| {
        event["decision"] != "blocked" && (from..until).contains(&status(event))
    };
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
    let all = events.len() as f64;
    let nanos: f64 = events
        .iter()
        .map(|event| (event["actual_cost_usd"].as_f64().unwrap_or(0.0) * 1e9).round())
        .sum();
    let cost = nanos / 1e9;
    let is_priced = |event: &Value| !event["actual_cost_usd"].is_null();
    let tokens = |event: &Value| event["tokens"]["total"].as_f64().unwrap_or(0.0);
    let priced_tokens: f64 = (events.iter().filter(|event| is_priced(event)))
        .map(|event| tokens(event))
        .sum();
    let unpriced = count(&|event| !is_priced(event) && tokens(event) > 0.0);
    let mut latencies: Vec<u64> = events
        .iter()
        .filter(|event| is_success(event))
        .map(|event| event["latency_ms"].as_u64().unwrap())
        .collect();
    let mut first_tokens: Vec<u64> = events
        .iter()
        .filter_map(|event| event["time_to_first_token_ms"].as_u64())
        .collect();
    latencies.sort_unstable();
    first_tokens.sort_unstable();
    match metric {
        Metric::RequestCount => Some(count(&|event| !of_attempts || !is_failed(event))),
        Metric::AttemptCount => of_attempts.then_some(all),
        Metric::SuccessCount => Some(count(&is_success)),
        Metric::FailureCount => Some(count(&is_failure)),
        Metric::Availability => share(count(&|event| !is_failure(event)), all),
        Metric::RateLimitedCount => Some(count(&|event| answered_with(event, 429, 430))),
        Metric::ClientErrorCount => Some(count(&|event| answered_with(event, 400, 500))),
        Metric::ServerErrorCount => Some(count(&|event| {
            answered_with(event, 500, 1_000)
                || (of_attempts && is_failed(event) && status(event) == 0)
        })),
        Metric::CostPerSuccess => {
            share(cost, count(&|event| is_success(event) && is_priced(event)))
        }
        Metric::ErrorCount => Some(count(&is_error)),
        Metric::ErrorRate => share(count(&is_error), all),
        Metric::BlockedCount => Some(count(&|event| event["decision"] == "blocked")),
        Metric::FailoverCount => Some(count(&|event| event["failover"]["triggered"] == true)),
        Metric::FailoverRate => share(count(&|event| event["failover"]["triggered"] == true), all),
        Metric::LatencyP50 => nearest_rank(&latencies, 50),
        Metric::LatencyP99 => nearest_rank(&latencies, 99),
        Metric::LatencyAverage => {
            share(latencies.iter().sum::<u64>() as f64, latencies.len() as f64)
        }
        Metric::TtftP50 => nearest_rank(&first_tokens, 50),
        Metric::TtftP99 => nearest_rank(&first_tokens, 99),
        Metric::TotalInputTokens => Some(sum("prompt")),
        Metric::TotalOutputTokens => Some(sum("completion")),
        Metric::TotalCachedTokens => Some(sum("cached")),
        Metric::TotalTokens => Some(sum("total")),
        Metric::CacheShare => share(sum("cached"), sum("prompt")),
        Metric::TotalCost | Metric::Cost => {
            (count(&is_priced) > 0.0 || unpriced == 0.0).then_some(cost)
        }
        Metric::UnpricedCount => Some(unpriced),
        // What is said of events comes after them, see `feedback`.
        Metric::QualityScore => None,
        Metric::FeedbackCount => Some(0.0),
        Metric::CostPerRequest => share(cost, count(&is_priced)),
        Metric::CostPerMillionTokens => share(cost, priced_tokens).map(|one| one * 1e6),
    }
}

/// The first value that so many of 100 do not exceed.
fn nearest_rank(sorted: &[u64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map(|&value| value as f64)
}
