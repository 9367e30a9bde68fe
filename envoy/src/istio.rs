//! The same gateway as patches for an Istio gateway's Envoy.
//!
//! One `EnvoyFilter` and no `WasmPlugin`: Istio would load the module of a `WasmPlugin` into a VM of its own, but the
//! gateway filter and the filters of the targets' clusters know each other because they are in one VM.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Where the patches go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Istio {
    /// Of the gateway's pods.
    pub namespace: String,
    /// Labels of the gateway's pods.
    pub workload: BTreeMap<String, String>,
}

/// An `EnvoyFilter` that adds what is in the bootstrap `document` ([`crate::document`]) to the gateway's Envoy. Node,
/// admin interface and limits of the process stay Istio's.
pub fn istio(document: &Value, place: &Istio) -> Value {
    let resources = &document["static_resources"];
    let mut patches = vec![json!({
        "applyTo": "BOOTSTRAP",
        "patch": { "operation": "MERGE", "value": {
            "bootstrap_extensions": document["bootstrap_extensions"],
            "static_resources": { "secrets": resources["secrets"] },
        } },
    })];
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
