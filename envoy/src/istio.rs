//! The same gateway in the Envoy of an Istio gateway, in two forms.
//!
//! Istio reads no bootstrap from an `EnvoyFilter` (since 1.21). It merges a ConfigMap over its own, though, before Envoy
//! starts: that is the annotation `sidecar.istio.io/bootstrapOverride`. An `EnvoyFilter` needs no restart, where nothing of
//! ours has to be in the bootstrap: keys come from files, and Istio's own bootstrap has internal listeners.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::wasm;

/// Key of the ConfigMap that the annotation names.
pub const BOOTSTRAP_OVERRIDE_KEY: &str = "custom_bootstrap.json";

/// Where an `EnvoyFilter` applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IstioGateway {
    /// Of the gateway's pods.
    pub namespace: String,
    /// Labels of the gateway's pods.
    pub workload: BTreeMap<String, String>,
}

/// What is merged over Istio's bootstrap to add the bootstrap `document` ([`crate::document`]). Node, admin interface and
/// limits of the process stay Istio's, and so does the extension for internal listeners, which Envoy takes only once.
pub fn bootstrap_override(document: &Value) -> Value {
    json!({
        "stats_config": document["stats_config"],
        "static_resources": document["static_resources"],
    })
}

/// An `EnvoyFilter` that adds listeners and clusters of the bootstrap `document`, whose attempts take the hop and whose keys
/// are mounted. The wasm filters come by extension discovery, for Istio's agent fetches modules of these only.
pub fn envoy_filter(document: &Value, place: &IstioGateway) -> Value {
    let mut resources = document["static_resources"].clone();
    let mut filters = BTreeMap::new();
    discover_wasm_filters(&mut resources, &mut filters);
    let mut patches: Vec<Value> = filters
        .into_iter()
        .map(|(name, config)| {
            json!({
                "applyTo": "EXTENSION_CONFIG",
                "match": { "context": "GATEWAY" },
                "patch": { "operation": "ADD", "value": { "name": name, "typed_config": config } },
            })
        })
        .collect();
    for (kind, applies_to) in [("clusters", "CLUSTER"), ("listeners", "LISTENER")] {
        let all = resources[kind].as_array().into_iter().flatten();
        patches.extend(all.map(|resource| {
            json!({
                "applyTo": applies_to,
                "match": { "context": "GATEWAY" },
                "patch": { "operation": "ADD", "value": resource },
            })
        }));
    }
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": { "name": "keeptrusts", "namespace": place.namespace },
        "spec": {
            "workloadSelector": { "labels": place.workload },
            "configPatches": patches,
        },
    })
}

/// Replaces the configuration of each wasm filter below `value` by where it is to be discovered; leaves it in `found` by
/// the filter's name. Filters of one name are the same filter.
fn discover_wasm_filters(value: &mut Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            if fields.get("typed_config").is_some_and(is_wasm_filter) {
                discover(fields, found);
            } else {
                fields
                    .values_mut()
                    .for_each(|inner| discover_wasm_filters(inner, found));
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|inner| discover_wasm_filters(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_wasm_filter(config: &Value) -> bool {
    config["@type"] == wasm::filter_type()
}

fn discover(filter: &mut Map<String, Value>, found: &mut BTreeMap<String, Value>) {
    let config = filter.remove("typed_config").unwrap_or_default();
    let name = filter
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    found.insert(name.to_owned(), config);
    filter.insert(
        "config_discovery".to_owned(),
        json!({
            "config_source": { "ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s" },
            "type_urls": [wasm::filter_type()],
        }),
    );
}
