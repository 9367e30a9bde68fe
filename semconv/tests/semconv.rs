//! Names are those that OpenTelemetry published: `registry/gen-ai.json` says where and when they were read.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::collections::BTreeSet;

use catalog::Provider;
use semconv::fields::{DECISION, HEALTH_CHANGED};
use semconv::{Label, METRICS, operation_name};
use serde_json::Value;

fn published() -> Value {
    serde_json::from_str(include_str!("../registry/gen-ai.json")).unwrap()
}

/// Prefixes that the conventions leave to everybody.
const OWN: &str = "keeptrusts.";

fn check_attribute(published: &Value, name: &str) {
    if name.starts_with(OWN) {
        return;
    }
    let is_current = published["attributes"][name] == "current";
    let others = published["other_attributes"].as_array().unwrap();
    let is_other = others.iter().any(|other| other == name);
    assert!(is_current || is_other, "{name} is no published attribute");
}

#[test]
fn attributes_are_published_ones_or_our_own() {
    let published = published();
    assert!(published["source"].as_str().unwrap().contains("0.66b2"));
    for field in DECISION.iter().chain(HEALTH_CHANGED) {
        if let Some(name) = field.attribute {
            check_attribute(&published, name);
        }
    }
    for label in Label::ALL {
        if label != Label::Overflow {
            check_attribute(&published, label.attribute());
        }
    }
    for metric in METRICS {
        if let Some((name, _, value)) = metric.extra {
            check_attribute(&published, name);
            if let Some(values) = published["values"][name].as_array() {
                assert!(values.iter().any(|known| known == value), "{name}: {value}");
            }
        }
    }
}

#[test]
fn metrics_have_published_names_and_units() {
    let published = published();
    let mut of_conventions = BTreeSet::new();
    for metric in METRICS {
        if metric.name.starts_with(OWN) {
            continue;
        }
        let known = published["metrics"].as_array().unwrap();
        let row = known.iter().find(|row| row["name"] == metric.name);
        let row = row.unwrap_or_else(|| panic!("{} is no published metric", metric.name));
        assert_eq!(row["unit"], metric.unit, "{}", metric.name);
        of_conventions.insert(metric.name);
    }
    assert_eq!(of_conventions.len(), 5);
}

#[test]
fn prometheus_names_follow_from_opentelemetrys() {
    // https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    for metric in METRICS {
        let base = metric.name.replace('.', "_");
        let unit = match metric.unit {
            "s" => "_seconds",
            "{USD}" => "_usd",
            _ => "",
        };
        let total = match metric.kind {
            semconv::MetricKind::Counter(_) => "_total",
            semconv::MetricKind::Histogram(..) => "",
        };
        assert_eq!(metric.prometheus, format!("{base}{unit}{total}"));
    }
}

#[test]
fn vendors_and_operations_have_published_values() {
    let published = published();
    let values = |name: &str| -> BTreeSet<String> {
        let values = published["values"][name].as_array().unwrap();
        values
            .iter()
            .map(|value| value.as_str().unwrap().to_owned())
            .collect()
    };
    let providers = values("gen_ai.provider.name");
    let ours: BTreeSet<String> = Provider::all()
        .map(|provider| provider.profile().otel_name.to_owned())
        .collect();
    // Published, and no provider of the catalogue: services that are reached under other names.
    let missing: Vec<&String> = providers.difference(&ours).collect();
    assert_eq!(
        missing,
        ["azure.ai.inference", "gcp.gen_ai", "ibm.watsonx.ai"]
    );
    let operations = values("gen_ai.operation.name");
    for endpoint in [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/v1/messages",
    ] {
        let operation = operation_name(Some(endpoint));
        assert!(operations.contains(operation), "{endpoint}: {operation}");
    }
}
