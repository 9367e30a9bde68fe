//! The collector's API as OpenAPI 3.1, made of the tables by which it reads questions.

use serde_json::{Map, Value, json};

use crate::event_schema::event_schema;
use crate::query::{Dimension, Field, Metric};
use crate::webhook::{WebhookEvent, WebhookFormat};

/// What one request is.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    /// Status and schema of the answer that was hoped for.
    answer: (&'static str, Option<Value>),
    /// Further statuses, beside those that every request may get.
    errors: &'static [&'static str],
    /// Who may ask: `api` for people, `ingest` for gateways, nothing for everybody.
    token: Option<&'static str>,
}

/// The whole document.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = operation.document();
    }
    let events = event_schema();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Keeptrusts collector",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events, reports, budgets, gateway keys, webhooks and health of gateways. See docs/events.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:41003"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "api": {"type": "http", "scheme": "bearer", "description": "The API token, for people and their commands."},
                "ingest": {"type": "http", "scheme": "bearer", "description": "The ingest token, for gateways."},
            },
            "schemas": {
                "Error": object(&[("error", object(&[("message", text()), ("type", text()), ("code", text())]))]),
                "Event": {"oneOf": [
                    {"$ref": "#/components/schemas/Decision"}, {"$ref": "#/components/schemas/HealthChanged"},
                ]},
                "Decision": events["$defs"]["decision"],
                "HealthChanged": events["$defs"]["health_changed"],
            },
        },
    })
}

impl Operation {
    fn document(&self) -> Value {
        let mut responses = Map::new();
        let (status, schema) = &self.answer;
        let mut answer = json!({"description": self.summary});
        if let Some(schema) = schema {
            answer["content"] = json!({"application/json": {"schema": schema}});
        }
        responses.insert((*status).to_owned(), answer);
        let always: &[&str] = if self.token.is_some() {
            &["401", "503"]
        } else {
            &["503"]
        };
        for status in always.iter().chain(self.errors) {
            let error = json!({
                "description": "An error in OpenAI's shape.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            });
            responses.insert((*status).to_owned(), error);
        }
        let mut document = json!({"summary": self.summary, "responses": responses});
        if !self.parameters.is_empty() {
            document["parameters"] = self.parameters.clone().into();
        }
        if let Some(schema) = &self.body {
            document["requestBody"] =
                json!({"required": true, "content": {"application/json": {"schema": schema}}});
        }
        if let Some(token) = self.token {
            document["security"] = json!([{token: []}]);
        }
        document
    }
}

fn operations() -> Vec<Operation> {
    let people = Operation {
        method: "get",
        path: "",
        summary: "",
        parameters: Vec::new(),
        body: None,
        answer: ("200", None),
        errors: &[],
        token: Some("api"),
    };
    let get = |path, summary, answer| Operation {
        path,
        summary,
        answer: ("200", Some(answer)),
        ..people_like(&people)
    };
    let mut all = vec![
        Operation {
            parameters: event_parameters(),
            errors: &["400"],
            ..get(
                "/v1/events",
                "Events by time, numbers about them, or new events as they come",
                json!({
                    "type": "object", "properties": {"data": {"type": "array"}, "next_cursor": {"type": ["string", "null"]}},
                    "required": ["data"],
                }),
            )
        },
        Operation {
            method: "post",
            path: "/v1/events",
            summary: "Takes a batch of events, one a line",
            answer: (
                "200",
                Some(object(&[
                    ("accepted", count()),
                    ("repeated", count()),
                    (
                        "rejected",
                        list(object(&[("line", count()), ("error", text())])),
                    ),
                ])),
            ),
            errors: &["400", "408", "413", "415"],
            token: Some("ingest"),
            ..people_like(&people)
        },
        Operation {
            parameters: vec![in_path("id")],
            errors: &["404"],
            ..get(
                "/v1/events/{id}",
                "One event",
                json!({"$ref": "#/components/schemas/Event"}),
            )
        },
        Operation {
            parameters: vec![in_path("id")],
            ..get(
                "/v1/events/{id}/feedback",
                "What was said of an answer",
                data(feedback()),
            )
        },
        Operation {
            method: "post",
            parameters: vec![in_path("id")],
            body: Some(json!({
                "type": "object", "properties": {"score": {"type": "number", "minimum": 0, "maximum": 1}, "label": text()},
                "required": ["score"], "additionalProperties": false,
            })),
            errors: &["400", "404"],
            ..get(
                "/v1/events/{id}/feedback",
                "Says how good an answer was",
                feedback(),
            )
        },
        Operation {
            parameters: compare_parameters(),
            errors: &["400"],
            ..get(
                "/v1/compare",
                "Arms of an experiment with intervals and a verdict",
                json!({"type": "object"}),
            )
        },
        get(
            "/v1/budgets",
            "Budgets of providers, as they stand",
            data(budget()),
        ),
        Operation {
            method: "post",
            body: Some(json!({
                "type": "object",
                "properties": {"provider": text(), "limit_usd": {"type": "number", "exclusiveMinimum": 0}, "period": period(),
                    "allow_unknown": {"type": "boolean"}},
                "required": ["provider", "limit_usd", "period"], "additionalProperties": false,
            })),
            answer: ("201", Some(budget())),
            errors: &["400", "409"],
            ..get(
                "/v1/budgets",
                "Makes a budget, or changes its limit",
                budget(),
            )
        },
        delete(&people, "/v1/budgets/{id}", "Removes a budget"),
        get(
            "/v1/tokens",
            "Gateway keys, without the keys themselves",
            data(key()),
        ),
        Operation {
            method: "post",
            body: Some(json!({
                "type": "object",
                "properties": {"name": text(), "team": text_or_null(), "models": {"type": ["array", "null"], "items": text()},
                    "expires_in_seconds": {"type": ["integer", "null"], "minimum": 0},
                    "requests_per_minute": {"type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX},
                    "limit": {"type": ["object", "null"], "properties": {"limit_usd": {"type": "number"}, "period": period()},
                        "required": ["limit_usd", "period"], "additionalProperties": false}},
                "required": ["name"], "additionalProperties": false,
            })),
            answer: ("201", Some(key())),
            errors: &["400", "409"],
            ..get(
                "/v1/tokens",
                "Makes a gateway key, which is shown this once",
                key(),
            )
        },
        Operation {
            method: "delete",
            parameters: vec![in_path("id")],
            errors: &["404"],
            ..get("/v1/tokens/{id}", "Revokes a gateway key", key())
        },
        Operation {
            method: "post",
            parameters: vec![in_path("id")],
            body: Some(json!({
                "type": "object", "properties": {"grace_seconds": count()}, "additionalProperties": false,
            })),
            errors: &["400", "404", "409"],
            ..get("/v1/tokens/{id}/rotate", "Makes a gateway key anew", key())
        },
        get("/v1/webhooks", "Webhooks", data(webhook())),
        Operation {
            method: "post",
            body: Some(json!({
                "type": "object",
                "properties": {"url": text(), "format": {"enum": WebhookFormat::ALL.map(WebhookFormat::name)},
                    "routing_key": text_or_null(),
                    "event_types": {"type": "array", "items": {"enum": WebhookEvent::ALL.map(WebhookEvent::name)}}},
                "additionalProperties": false,
            })),
            answer: ("201", Some(webhook())),
            errors: &["400", "409"],
            ..get(
                "/v1/webhooks",
                "Makes a webhook; its secret is shown this once",
                webhook(),
            )
        },
        delete(&people, "/v1/webhooks/{id}", "Removes a webhook"),
        Operation {
            method: "post",
            parameters: vec![in_path("id")],
            errors: &["404", "502"],
            ..get(
                "/v1/webhooks/{id}/test",
                "Sends a test message",
                json!({"type": "object"}),
            )
        },
        Operation {
            parameters: vec![in_path("id")],
            errors: &["404"],
            ..get(
                "/v1/webhooks/{id}/deliveries",
                "The latest messages and what became of them",
                data(json!({"type": "object"})),
            )
        },
        get(
            "/v1/thresholds",
            "Health thresholds",
            data(json!({"type": "object"})),
        ),
        get(
            "/v1/alerts",
            "Thresholds that are passed, or were",
            data(json!({"type": "object"})),
        ),
        get(
            "/v1/gateways",
            "Gateways that report",
            data(json!({"type": "object"})),
        ),
        Operation {
            parameters: vec![in_path("id")],
            errors: &["404"],
            ..get(
                "/v1/gateways/{id}/providers",
                "Providers as a gateway sees them",
                json!({"type": "object"}),
            )
        },
        Operation {
            parameters: vec![in_path("id")],
            errors: &["404"],
            ..get(
                "/v1/gateways/{id}/policy",
                "The policy in force at a gateway",
                json!({"type": "object"}),
            )
        },
        Operation {
            method: "post",
            parameters: vec![in_path("id")],
            body: Some(
                json!({"type": "object", "properties": {"request": {}, "path": text()}, "required": ["request"]}),
            ),
            errors: &["400", "404", "501"],
            ..get(
                "/v1/gateways/{id}/explain",
                "The plan for a request, without sending it",
                json!({"type": "object"}),
            )
        },
        Operation {
            parameters: ["since", "until", "gateway_id", "provider"]
                .map(|name| in_query(name, text()))
                .to_vec(),
            errors: &["400"],
            ..get(
                "/v1/health/history",
                "The history of providers' health",
                json!({"type": "object"}),
            )
        },
    ];
    all.push(Operation {
        token: None,
        ..get(
            "/v1/health",
            "Whether the collector works",
            json!({"type": "object"}),
        )
    });
    all
}

/// The same without what each operation says itself.
fn people_like(operation: &Operation) -> Operation {
    Operation {
        parameters: Vec::new(),
        body: None,
        answer: ("200", None),
        ..*operation
    }
}

fn delete(people: &Operation, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        method: "delete",
        path,
        summary,
        parameters: vec![in_path("id")],
        answer: ("204", None),
        errors: &["404"],
        ..people_like(people)
    }
}

fn event_parameters() -> Vec<Value> {
    let mut parameters = filter_parameters();
    let dimensions = Dimension::ALL.map(Dimension::name);
    let metrics: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    parameters.extend([
        in_query(
            "group_by",
            json!({"type": "array", "items": {"enum": dimensions}}),
        ),
        in_query(
            "metrics",
            json!({"type": "array", "items": {"enum": metrics}}),
        ),
        in_query(
            "limit",
            json!({"type": "integer", "minimum": 1, "maximum": 1_000}),
        ),
        in_query("cursor", text()),
        in_query("order", json!({"enum": ["asc", "desc"]})),
    ]);
    parameters
}

fn compare_parameters() -> Vec<Value> {
    let mut parameters = filter_parameters();
    let dimensions = Dimension::ALL.map(Dimension::name);
    parameters.push(in_query(
        "by",
        json!({"type": "array", "items": {"enum": dimensions}}),
    ));
    parameters
}

/// `since`, `until` and a condition for each field.
fn filter_parameters() -> Vec<Value> {
    let times = ["since", "until"].map(|name| {
        in_query(
            name,
            json!({"type": "string", "examples": ["7d", "2026-11-21T13:37:00Z"]}),
        )
    });
    let fields = Field::ALL
        .iter()
        .map(|field| in_query(field.name(), text()));
    times.into_iter().chain(fields).collect()
}

fn in_query(name: &str, schema: Value) -> Value {
    // Lists have commas in between.
    json!({"name": name, "in": "query", "schema": schema, "style": "form", "explode": false})
}

fn in_path(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}})
}

fn object(members: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({"type": "object", "properties": properties, "required": names})
}

fn data(item: Value) -> Value {
    object(&[("data", list(item))])
}

fn list(item: Value) -> Value {
    json!({"type": "array", "items": item})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn text_or_null() -> Value {
    json!({"type": ["string", "null"]})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn period() -> Value {
    json!({"enum": ["daily", "weekly", "monthly"]})
}

fn budget() -> Value {
    let usd = || json!({"type": "number", "minimum": 0});
    object(&[
        ("id", text()),
        ("provider", text()),
        ("limit_usd", usd()),
        ("period", period()),
        ("period_start_ms", count()),
        ("period_end_ms", count()),
        ("spent_usd", usd()),
        ("remaining_usd", usd()),
    ])
}

fn key() -> Value {
    object(&[
        ("id", text()),
        ("name", text()),
        ("prefix", text()),
        (
            "state",
            json!({"enum": ["active", "expired", "revoked", "unreadable"]}),
        ),
        ("created_at_ms", count()),
    ])
}

fn webhook() -> Value {
    object(&[("id", text()), ("url", text()), ("created_at_ms", count())])
}

fn feedback() -> Value {
    object(&[
        ("score", json!({"type": "number"})),
        ("label", text_or_null()),
        ("given_at_ms", count()),
    ])
}
