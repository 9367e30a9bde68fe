//! Where clients come in.

use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::proto::{duration, extension, host_address, router, socket_address};
use crate::{access_log, local_reply, route};

/// Name of the listener and prefix of its statistics.
pub(crate) const LISTENER: &str = "gateway";
/// The same of the listener of `/metrics`.
const METRICS_LISTENER: &str = "metrics";

/// The gateway's listener. `route` is `rds` or `route_config` with its value; `filter` the gateway filter in the chain.
pub(crate) fn gateway_listener(gateway: &Gateway, route: (&str, Value), filter: Value) -> Value {
    let mut settings = json!({
        "stat_prefix": LISTENER,
        "codec_type": "AUTO",
        "server_name": "keeptrusts",
        // Strips x-envoy- headers of clients, whatever address they come from.
        "use_remote_address": true,
        "internal_address_config": {},
        "normalize_path": true,
        "merge_slashes": true,
        "max_request_headers_kb": 96,
        // Slow senders are cut off ...
        "request_headers_timeout": "15s",
        "request_timeout": "300s",
        "common_http_protocol_options": { "idle_timeout": "300s" },
        // ... but an answer may be silent for as long as all attempts together.
        "stream_idle_timeout": duration(longest_silence_ms(gateway)),
        "http2_protocol_options": { "max_concurrent_streams": 256 },
        "local_reply_config": local_reply::in_error_shape(),
    });
    let (key, value) = route;
    settings[key] = value;
    settings["http_filters"] = json!([filter, router()]);
    if let Some(path) = gateway.access_log {
        settings["access_log"] = json!([access_log::file(path)]);
    }
    let mut listener = json!({
        "name": LISTENER,
        "stat_prefix": LISTENER,
        "address": socket_address(gateway.listen),
        "filter_chains": [{ "filters": [http_connection_manager(settings)] }],
    });
    gateway.widen_buffers(&mut listener);
    listener
}

/// The listener of `/metrics`, where it has a port of its own: on the gateway's address, through the gateway filter, which adds
/// what the gateway has counted and refuses everything else.
pub(crate) fn metrics_listener(gateway: &Gateway, filter: Value) -> Option<Value> {
    let port = gateway.policy.telemetry.prometheus.port?;
    let manager = http_connection_manager(json!({
        "stat_prefix": METRICS_LISTENER,
        "server_name": "keeptrusts",
        "use_remote_address": true,
        "internal_address_config": {},
        "request_headers_timeout": "15s",
        "request_timeout": "15s",
        "common_http_protocol_options": { "idle_timeout": "300s" },
        "route_config": {
            "name": METRICS_LISTENER,
            "virtual_hosts": [{
                "name": METRICS_LISTENER,
                "domains": ["*"],
                "routes": [route::metrics()],
            }],
        },
        "local_reply_config": local_reply::in_error_shape(),
        "http_filters": [filter, router()],
    }));
    Some(json!({
        "name": METRICS_LISTENER,
        "stat_prefix": METRICS_LISTENER,
        "address": host_address(&gateway.listen.ip().to_string(), port),
        "filter_chains": [{ "filters": [manager] }],
    }))
}

/// Envoy's HTTP side of a listener.
pub(crate) fn http_connection_manager(settings: Value) -> Value {
    extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        settings,
    )
}

/// An hour, or what the longest plan may need: the listener stays when the policy is replaced, so there is room.
fn longest_silence_ms(gateway: &Gateway) -> u64 {
    const HOUR_MS: u64 = 3_600_000;
    let clusters = policy::cluster::clusters(gateway.policy);
    let together = clusters
        .iter()
        .fold(0_u64, |sum, spec| sum.saturating_add(spec.timeout_ms));
    together.saturating_mul(2).clamp(HOUR_MS, 24 * HOUR_MS)
}
