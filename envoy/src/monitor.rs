//! The listener of the filter that probes targets.
//!
//! No request of a client passes it: its root contexts do the work, one on each worker. What the gateway filter sends
//! here brings a VM back that has trapped.

use serde_json::{Value, json};

use crate::listener::http_connection_manager;
use crate::proto::router;
use crate::wasm;

/// Leads to the listener.
pub(crate) const CLUSTER: &str = "kt/monitor";
const LISTENER: &str = "kt_monitor";

pub(crate) fn cluster() -> Value {
    json!({
        "name": CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": CLUSTER,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": {
                "address": { "envoy_internal_address": { "server_listener_name": LISTENER } },
            } }] }],
        },
    })
}

pub(crate) fn listener(module: &str) -> Value {
    let manager = http_connection_manager(json!({
        "stat_prefix": "monitor",
        "route_config": {
            "name": "monitor",
            "virtual_hosts": [{
                "name": "monitor",
                "domains": ["*"],
                "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 204 } }],
            }],
        },
        "generate_request_id": false,
        "http_filters": [wasm::monitor_filter(module), router()],
    }));
    json!({
        "name": LISTENER,
        "internal_listener": {},
        "filter_chains": [{ "filters": [manager] }],
    })
}
