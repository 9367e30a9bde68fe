//! The JSON Schema of events, made of the table of their fields.

use semconv::fields::{DECISION, EventField, FieldType, HEALTH_CHANGED, Presence};
use serde_json::{Map, Value, json};

/// JSON Schema (2020-12) of an event: of decisions and of changes of health. Readers must ignore members that they do not know,
/// so further ones are allowed.
pub fn event_schema() -> Value {
    let mut decision = object(DECISION, "");
    decision["properties"]["event_type"] = json!({"const": "decision"});
    decision["properties"]["decision"] = json!({"enum": ["allowed", "blocked", "flagged"]});
    decision["properties"]["id"] = id();
    let mut health = object(HEALTH_CHANGED, "");
    health["properties"]["event_type"] = json!({"const": "gateway.health_changed"});
    health["properties"]["id"] = id();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Keeptrusts event",
        "description": "One line of a batch, see docs/events.md. `x-opentelemetry` is the attribute of spans and log records.",
        "oneOf": [{"$ref": "#/$defs/decision"}, {"$ref": "#/$defs/health_changed"}],
        "$defs": {"decision": decision, "health_changed": health},
    })
}

fn id() -> Value {
    json!({"type": "string", "pattern": "^evt_[0-9a-f]{32}$"})
}

/// The object whose members have paths that begin with `prefix` and go no deeper.
fn object(table: &[EventField], prefix: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in table {
        let Some(name) = field
            .path
            .strip_prefix(prefix)
            .filter(|rest| !rest.contains('.'))
        else {
            continue;
        };
        if field.presence != Presence::Optional {
            required.push(json!(name));
        }
        properties.insert(name.to_owned(), property(table, field));
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn property(table: &[EventField], field: &EventField) -> Value {
    let members = || object(table, &format!("{}.", field.path));
    let mut schema = match field.kind {
        FieldType::Text => json!({"type": "string"}),
        FieldType::Time => json!({"type": "string", "format": "date-time"}),
        FieldType::Integer => json!({"type": "integer", "minimum": 0}),
        FieldType::Number => json!({"type": "number"}),
        FieldType::Flag => json!({"type": "boolean"}),
        FieldType::Object => members(),
        FieldType::List => json!({"type": "array", "items": members()}),
        FieldType::Texts => json!({"type": "array", "items": {"type": "string"}}),
    };
    if field.presence == Presence::Nullable {
        schema["type"] = json!([schema["type"], "null"]);
    }
    if let Some(attribute) = field.attribute {
        schema["x-opentelemetry"] = json!(attribute);
    }
    schema
}
