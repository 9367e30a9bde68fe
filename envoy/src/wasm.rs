//! The filter module in its roles.
//!
//! All roles but the monitor have the same VM configuration, so a worker runs one VM for all of them. The monitor
//! calls out to clusters whose upstream filters run in that VM and must not re-enter it: another VM configuration, but
//! the same `vm_id`, because shared data belongs to the `vm_id`.

use serde_json::{Value, json};

use crate::collector::{self, Collector};
use crate::gateway::Gateway;
use crate::monitor;
use crate::proto::{any, extension};

/// Name of the gateway filter, in the chain and as an ECDS resource.
pub(crate) const GATEWAY_FILTER: &str = "kt_gateway";

const VM_ID: &str = "keeptrusts";
const FILTER_MESSAGE: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// The type of every wasm HTTP filter.
pub(crate) fn filter_type() -> String {
    crate::proto::type_url(FILTER_MESSAGE)
}

/// The downstream filter, as a member of a chain.
pub(crate) fn gateway_filter(gateway: &Gateway) -> Value {
    filter(
        GATEWAY_FILTER,
        plugin(gateway.module, "gateway", &SERVING_VM, with_policy(gateway)),
    )
}

/// The first upstream filter of every target's cluster.
pub(crate) fn target_filter(module: &str) -> Value {
    filter(
        "kt_target",
        plugin(module, "target", &SERVING_VM, json!({ "role": "target" })),
    )
}

/// The first upstream filter of the first-byte hop.
pub(crate) fn hop_filter(module: &str) -> Value {
    filter(
        "kt_hop",
        plugin(module, "hop", &SERVING_VM, json!({ "role": "hop" })),
    )
}

/// The filter whose root contexts probe targets.
pub(crate) fn monitor_filter(module: &str) -> Value {
    filter(
        "kt_monitor",
        plugin(module, "monitor", &MONITOR_VM, json!({ "role": "monitor" })),
    )
}

/// `vm_config.configuration`, part of the VM's identity.
struct Vm {
    configuration: &'static str,
}

const SERVING_VM: Vm = Vm {
    configuration: "{}",
};
const MONITOR_VM: Vm = Vm {
    configuration: r#"{"service":"monitor"}"#,
};

fn filter(name: &str, plugin: Value) -> Value {
    extension(name, FILTER_MESSAGE, json!({ "config": plugin }))
}

fn plugin(module: &str, role: &str, vm: &Vm, configuration: Value) -> Value {
    json!({
        "name": format!("kt_{role}"),
        "root_id": role,
        "vm_config": {
            "vm_id": VM_ID,
            "runtime": "envoy.wasm.runtime.v8",
            "code": code(module),
            "configuration": string(vm.configuration),
        },
        // A Struct would reach the filter as binary protobuf.
        "configuration": string(&configuration.to_string()),
        // A paused head must not keep the body from coming in.
        "allow_on_headers_stop_iteration": true,
        "failure_policy": "FAIL_RELOAD",
        "reload_config": { "backoff": { "base_interval": "0.1s", "max_interval": "1s" } },
    })
}

/// A file, or an image that Istio's agent or Envoy Gateway fetches.
fn code(module: &str) -> Value {
    if module.contains("://") {
        // Whoever fetches it overwrites the cluster, which Envoy's validation wants to be named.
        json!({ "remote": { "http_uri": { "uri": module, "timeout": "60s", "cluster": "_" } } })
    } else {
        json!({ "local": { "filename": module } })
    }
}

fn string(text: &str) -> Value {
    any("google.protobuf.StringValue", json!({ "value": text }))
}

fn with_policy(gateway: &Gateway) -> Value {
    let runtime = &gateway.runtime;
    let mut configuration = json!({
        "role": "gateway",
        "runtime": {
            "gateway_id": runtime.gateway_id,
            "config_version": runtime.config_version,
            "version": runtime.version,
            "policy_name": gateway.policy.name,
            "credentials_missing": runtime.credentials_missing,
            "endpoints": runtime.endpoints,
            "instance_id": runtime.instance_id,
            "collector_cluster": gateway.collector.as_ref().map(|_| collector::CLUSTER),
            "collector_authority": gateway.collector.as_ref().map(Collector::authority),
            "keys_required": runtime.keys_required,
            "monitor_cluster": gateway.monitor.then_some(monitor::CLUSTER),
            "attempt_routing": gateway.attempt_routing.name(),
            "auth": runtime.auth.name(),
        },
        "policy": gateway.policy_text,
    });
    if runtime.simulated {
        configuration["runtime"]["simulated"] = json!(true);
    }
    if let Some(known) = &runtime.known_control {
        configuration["runtime"]["known_control"] = known.clone();
    }
    configuration
}
