//! docs/events.md says what there is, and all of it.

use std::collections::BTreeSet;
use std::path::Path;

use collector::{Api as _, Dimension, Field, Metric, NewWebhook};
use events::{
    Acknowledgement, ControlState, DecisionEvent, Event, SkippedTarget, SpanId, TraceContext,
    read_event,
};

use serde_json::Value;

use crate::support::{API, Service};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    std::fs::read_to_string(path).unwrap()
}

/// What stands between fences with this word after `json` or `sh`.
fn blocks(fence: &str) -> Vec<String> {
    let text = document();
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{fence}") {
            let block: Vec<_> = lines.by_ref().take_while(|&line| line != "```").collect();
            found.push(block.join("\n"));
        }
    }
    found
}

/// What is in backticks in the part that begins with this text, up to the next empty line.
fn names(begin: &str) -> BTreeSet<String> {
    let text = document();
    let (_, part) = text.split_once(begin).unwrap();
    let part = part.split("\n\n").next().unwrap();
    part.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// What is in backticks in the first column of the table that begins with this line.
fn first_column(head: &str) -> BTreeSet<String> {
    let text = document();
    let (_, part) = text.split_once(head).unwrap();
    part.lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| {
            line.split('|')
                .nth(1)
                .unwrap()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .map(str::to_owned)
        .collect()
}

fn all(names: impl IntoIterator<Item = &'static str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_field_of_an_event_is_described() {
    let examples = blocks("json event");
    let Event::Decision(decision) = read_event(examples[0].as_bytes()).unwrap() else {
        panic!("the first example is a decision");
    };
    // With all that may be left out.
    let full = DecisionEvent {
        similarity: Some(0.5),
        endpoint: Some("/v1/chat/completions".into()),
        finish_reason: Some("stop".into()),
        trace: TraceContext::below(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            SpanId::new(1),
        ),
        error_code: Some("x".into()),
        client_gone: true,
        team: Some("x".into()),
        simulated: true,
        request_body: Some("x".into()),
        response_body: Some("x".into()),
        passed_over: vec![SkippedTarget {
            provider: "p".into(),
            reason: "unhealthy".into(),
        }],
        truncated: vec!["model".into()],
        ..*decision
    };
    let json = serde_json::to_value(Event::Decision(Box::new(full))).unwrap();
    let written: BTreeSet<String> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(first_column("| field | meaning |"), written);
    assert!(matches!(
        read_event(examples[1].as_bytes()),
        Ok(Event::HealthChanged(_))
    ));
}

#[test]
fn lists_of_names_are_complete() {
    assert_eq!(
        names("\nGroups: "),
        all(Dimension::ALL.map(Dimension::name))
    );
    assert_eq!(
        first_column("| metric | meaning |"),
        all(Metric::ALL.iter().map(|metric| metric.name()))
    );
    let mut fields = names("\nFields: ");
    // What a flag may be.
    fields.retain(|name| !["true", "false"].contains(&name.as_str()));
    assert_eq!(fields, all(Field::ALL.iter().map(|field| field.name())));
}

#[test]
fn what_gateways_and_collectors_exchange_reads_as_it_is_shown() {
    for example in blocks("json acknowledgement") {
        serde_json::from_str::<Acknowledgement>(&example).unwrap();
    }
    for example in blocks("json control") {
        let state: ControlState = serde_json::from_str(&example).unwrap();
        assert_eq!((state.keys.len(), state.budgets.len()), (1, 1));
    }
}

#[test]
fn the_command_works_and_the_webhook_can_be_made() {
    let service = Service::start();
    let command = blocks("sh").remove(0);
    let path = command.split('"').nth(1).unwrap();
    let path = path.strip_prefix("http://127.0.0.1:41003").unwrap();
    assert_eq!(service.get(path, API).0, 200);
    let hook = r#"{"url": "https://h/", "event_types": ["gateway.health_changed", "budget.threshold_reached"]}"#;
    let hook: NewWebhook = serde_json::from_str(hook).unwrap();
    assert!(service.remote().create_webhook(&hook).is_ok());
}

/// What is published of the formats is what the code says. `UPDATE_SCHEMAS=1` writes them anew.
#[test]
fn published_schemas_are_those_of_the_code() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (file, schema) in [
        ("event.schema.json", collector::event_schema()),
        ("openapi.json", collector::openapi()),
    ] {
        let written = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        let path = folder.join(file);
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &written).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            published, written,
            "{file}: write it anew with UPDATE_SCHEMAS=1"
        );
    }
}

/// Checks what the schema of events uses of JSON Schema.
fn check(schema: &Value, value: &Value, path: &str) {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{path}: unknown type {other}"),
    };
    match &schema["type"] {
        Value::String(name) => assert!(is(name), "{path}: {value} is no {name}"),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            assert!(
                names.iter().any(|name| is(name)),
                "{path}: {value} is none of {names:?}"
            );
        }
        _ => {}
    }
    if let Some(expected) = schema.get("const") {
        assert_eq!(value, expected, "{path}");
    }
    if let Some(choices) = schema["enum"].as_array() {
        assert!(choices.contains(value), "{path}: {value}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            value.is_null() || value.get(name.as_str().unwrap()).is_some(),
            "{path} has no {name}"
        );
    }
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object())
    {
        for (name, member) in members {
            let property = properties
                .get(name)
                .unwrap_or_else(|| panic!("{path}.{name} is not in the schema"));
            check(property, member, &format!("{path}.{name}"));
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check(&schema["items"], item, path);
    }
}

#[test]
fn the_events_of_the_documentation_fit_the_schema() {
    let schema = collector::event_schema();
    let kinds = ["decision", "health_changed"];
    let examples = blocks("json event");
    assert_eq!(examples.len(), kinds.len());
    for (example, kind) in examples.iter().zip(kinds) {
        let event: Value = serde_json::from_str(example).unwrap();
        check(&schema["$defs"][kind], &event, kind);
    }
}

#[test]
fn every_path_of_the_api_is_described() {
    let service = Service::start();
    let document = collector::openapi();
    let paths = document["paths"].as_object().unwrap();
    // What people and gateways ask is there; the console's own requests are not.
    let source = include_str!("../../src/http.rs");
    let routes = source
        .split("\"/v1/")
        .skip(1)
        .map(|rest| format!("/v1/{}", rest.split('"').next().unwrap()));
    let console = ["/v1/control", "/v1/playground", "/v1/session", "/v1/login"];
    for route in routes.filter(|route| !console.contains(&route.as_str())) {
        assert!(paths.contains_key(&route), "{route} is not described");
    }
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            if method != "get" {
                continue;
            }
            let (status, _) = service.get(&path.replace("{id}", "nothing"), API);
            let known = operation["responses"].get(status.to_string());
            assert!(known.is_some(), "{method} {path} answers {status}");
        }
    }
}
