//! The hop through Envoy itself that gives each attempt of a stream its own time to the first content.
//!
//! `per_try_timeout` is what ends with the first byte, but it is one value for all attempts of a route. So a plan
//! that mixes timeouts goes through the cluster [`policy::cluster::FIRST_BYTE`]: an internal listener whose route has
//! one attempt, timed by the header that the hop filter sets for it.

use policy::cluster::{FIRST_BYTE, INNER_CLUSTER_HEADER, NO_CLUSTER_HEADER};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::listener::http_connection_manager;
use crate::proto::{extension, http_protocol_options, router, upstream_codec};
use crate::wasm;

const INTERNAL_LISTENER: &str = "kt_first_byte";
/// Envoy takes `x-envoy-` headers only from a client that it trusts by its address, and an internal connection has none.
const TRUSTED: &str = "127.0.0.1";

/// The bootstrap extension without which there are no internal listeners.
pub(crate) fn internal_listeners() -> Value {
    extension(
        "envoy.bootstrap.internal_listener",
        "envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
        json!({}),
    )
}

/// The way in.
pub(crate) fn cluster(module: &str) -> Value {
    let filters = json!([wasm::hop_filter(module), be_trusted(), upstream_codec()]);
    json!({
        "name": FIRST_BYTE,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": FIRST_BYTE,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": {
                "address": { "envoy_internal_address": { "server_listener_name": INTERNAL_LISTENER } },
            } }] }],
        },
        "circuit_breakers": crate::cluster::unlimited(),
        "typed_extension_protocol_options": http_protocol_options(json!({
            "explicit_http_config": { "http_protocol_options": {} },
            "http_filters": filters,
        })),
    })
}

/// The way on, to the cluster that the hop filter names.
pub(crate) fn listener(gateway: &Gateway) -> Value {
    let route = json!({
        "name": "first_byte",
        "virtual_hosts": [{
            "name": "first_byte",
            "domains": ["*"],
            "request_body_buffer_limit": gateway.buffer_limit(),
            "routes": [{
                "match": { "prefix": "/" },
                "route": { "cluster_header": INNER_CLUSTER_HEADER, "timeout": "0s" },
            }],
        }],
    });
    let manager = http_connection_manager(json!({
        "stat_prefix": "first_byte",
        "route_config": route,
        "use_remote_address": false,
        "internal_address_config": { "cidr_ranges": [{ "address_prefix": TRUSTED, "prefix_len": 32 }] },
        "generate_request_id": false,
        "stream_idle_timeout": "0s",
        "local_reply_config": missing_cluster(),
        "http_filters": [router()],
    }));
    let mut listener = json!({
        "name": INTERNAL_LISTENER,
        "internal_listener": {},
        "filter_chains": [{ "filters": [manager] }],
    });
    gateway.widen_buffers(&mut listener);
    listener
}

/// Tells the hop's filter why no target has seen the attempt.
fn missing_cluster() -> Value {
    json!({ "mappers": [{
        "filter": { "response_flag_filter": { "flags": ["NC"] } },
        "headers_to_add": [{ "header": { "key": NO_CLUSTER_HEADER, "value": "1" } }],
    }] })
}

fn be_trusted() -> Value {
    extension(
        "envoy.filters.http.header_mutation",
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        json!({ "mutations": { "request_mutations": [{ "append": {
            "header": { "key": "x-forwarded-for", "value": TRUSTED },
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        } }] } }),
    )
}
