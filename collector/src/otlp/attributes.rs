//! Attributes: names and types by the table of fields, values from events.

use std::collections::BTreeMap;

use events::{DecisionEvent, Event};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use semconv::fields::{DECISION, EventField, FieldType, HEALTH_CHANGED};
use semconv::provider_name;
use serde_json::Value;

/// Of the conventions that the names follow.
pub(super) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// An attribute.
pub(super) fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Any::StringValue(value.to_owned()))
}

pub(super) fn integer(key: &str, value: u64) -> KeyValue {
    attribute(key, Any::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

pub(super) fn texts(key: &str, values: impl IntoIterator<Item = String>) -> KeyValue {
    let values = values.into_iter().map(|value| AnyValue {
        value: Some(Any::StringValue(value)),
    });
    let values = values.collect();
    attribute(key, Any::ArrayValue(ArrayValue { values }))
}

/// Milliseconds as seconds.
pub(super) fn seconds(ms: u64) -> f64 {
    // Exact up to 2^53.
    #[allow(clippy::cast_precision_loss)]
    let ms = ms as f64;
    ms / 1_000.0
}

/// What made the telemetry: one Envoy process.
pub(super) fn resource(service_name: &str, gateway_id: &str, instance_id: &str) -> Resource {
    let mut attributes = vec![text("service.name", service_name)];
    if !instance_id.is_empty() {
        attributes.push(text("service.instance.id", instance_id));
    }
    if !gateway_id.is_empty() {
        attributes.push(text("keeptrusts.gateway_id", gateway_id));
    }
    Resource {
        attributes,
        ..Resource::default()
    }
}

pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "keeptrusts".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Events by the Envoy process that they tell of: gateway and instance.
pub(super) fn by_process<'e, 'a>(
    events: &'e [Event<'a>],
) -> BTreeMap<(&'e str, &'e str), Vec<&'e Event<'a>>> {
    let mut groups: BTreeMap<_, Vec<&Event<'_>>> = BTreeMap::new();
    for event in events {
        groups.entry(process(event)).or_default().push(event);
    }
    groups
}

fn process<'e>(event: &'e Event<'_>) -> (&'e str, &'e str) {
    match event {
        Event::Decision(event) => (&event.gateway_id, &event.instance_id),
        Event::HealthChanged(event) => (&event.gateway_id, &event.instance_id),
    }
}

/// Attributes of the fields of `event` that `wanted` lets through.
pub(super) fn of_event(event: &Event<'_>, wanted: impl Fn(&EventField) -> bool) -> Vec<KeyValue> {
    let table = match event {
        Event::Decision(_) => DECISION,
        Event::HealthChanged(_) => HEALTH_CHANGED,
    };
    let Ok(json) = serde_json::to_value(event) else {
        return Vec::new();
    };
    let rows = table
        .iter()
        .filter(|field| !is_of_a_list(field) && wanted(field));
    rows.filter_map(|field| {
        let mut value = &json;
        for part in field.path.split('.') {
            value = value.get(part)?;
        }
        Some(attribute(field.attribute?, converted(field, value)?))
    })
    .collect()
}

/// Members of lists have no value of their own.
fn is_of_a_list(field: &EventField) -> bool {
    ["attempts.", "passed_over.", "policies_evaluated."]
        .iter()
        .any(|list| field.path.starts_with(list))
}

fn converted(field: &EventField, value: &Value) -> Option<Any> {
    let one = |text: &str| Any::StringValue(text.to_owned());
    let list = |texts: Vec<String>| {
        let values = texts.iter().map(|text| AnyValue {
            value: Some(one(text)),
        });
        Any::ArrayValue(ArrayValue {
            values: values.collect(),
        })
    };
    Some(match (field.path, field.kind) {
        ("vendor", _) => one(&provider_name(value.as_str()?)),
        ("finish_reason", _) => list(vec![value.as_str()?.to_owned()]),
        ("time_to_first_token_ms", _) => Any::DoubleValue(seconds(value.as_u64()?)),
        // 0 stands for a client that left before it got one.
        ("status_code", _) => Any::IntValue(value.as_i64().filter(|status| *status > 0)?),
        ("passed_over", _) => list(pairs(value, "provider", "reason")),
        ("policies_evaluated", _) => {
            let pairs = pairs(value, "name", "result");
            (!pairs.is_empty()).then(|| list(pairs))?
        }
        (_, FieldType::Text | FieldType::Time) => one(value.as_str()?),
        (_, FieldType::Integer) => Any::IntValue(i64::try_from(value.as_u64()?).ok()?),
        (_, FieldType::Number) => Any::DoubleValue(value.as_f64()?),
        (_, FieldType::Flag) => Any::BoolValue(value.as_bool()?),
        (_, FieldType::Texts) => {
            let texts = value.as_array()?.iter().filter_map(Value::as_str);
            list(texts.map(str::to_owned).collect())
        }
        (_, FieldType::Object | FieldType::List) => return None,
    })
}

/// `a: b` of each member.
fn pairs(list: &Value, a: &str, b: &str) -> Vec<String> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let items = list.as_array().into_iter().flatten();
    items
        .map(|item| format!("{}: {}", text(item, a), text(item, b)))
        .collect()
}

/// Nanoseconds since 1970 of the request's arrival.
pub(super) fn arrived_ns(event: &DecisionEvent<'_>) -> u64 {
    event.timestamp.micros().saturating_mul(1_000)
}
