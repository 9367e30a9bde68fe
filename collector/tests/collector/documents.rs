//! docs/events.md says what there is, and all of it.

use std::collections::BTreeSet;
use std::path::Path;

use collector::{Api as _, Dimension, Field, Metric, NewWebhook};
use events::{Acknowledgement, ControlState, DecisionEvent, Event, SkippedTarget, read_event};

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
