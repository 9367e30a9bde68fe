//! One route for everything. The filter says in filter state which cluster takes the next attempt, or the hop's filter
//! finds out by itself.

use policy::cluster::{CLUSTER_FILTER_STATE, FIRST_BYTE, RETRY_AFTER_HEADER};
use serde_json::{Map, Value, json};

use crate::gateway::Gateway;
use crate::proto::extension;
use crate::version::AttemptRouting;

/// Name of the route configuration, in the listener and as an RDS resource.
pub(crate) const ROUTE_CONFIGURATION: &str = "gateway";
/// Leads to Envoy's own admin interface.
pub(crate) const ADMIN_CLUSTER: &str = "kt/admin";

/// The route configuration that can send an attempt to each of `clusters`.
pub(crate) fn configuration<'a>(
    gateway: &Gateway,
    clusters: impl Iterator<Item = &'a str>,
) -> Value {
    let attempts = match gateway.attempt_routing {
        AttemptRouting::Direct => direct(clusters),
        AttemptRouting::Hop => hop(),
    };
    json!({
        "name": ROUTE_CONFIGURATION,
        "virtual_hosts": [{
            "name": "gateway",
            "domains": ["*"],
            "request_body_buffer_limit": gateway.buffer_limit(),
            "routes": [metrics(), attempts],
        }],
    })
}

/// Nothing else of the admin interface can be reached from outside.
pub(crate) fn metrics() -> Value {
    json!({
        "match": { "path": "/metrics", "headers": [{ "name": ":method", "string_match": { "exact": "GET" } }] },
        "route": { "cluster": ADMIN_CLUSTER, "prefix_rewrite": "/stats/prometheus" },
    })
}

fn direct<'a>(clusters: impl Iterator<Item = &'a str>) -> Value {
    let actions: Map<String, Value> = clusters
        .chain([FIRST_BYTE])
        .map(|name| (name.to_owned(), json!({ "action": action(name) })))
        .collect();
    // Filter state and not a header, because what one attempt writes into the headers stays there for the next, and
    // would have to be kept from every provider.
    let input = extension(
        "envoy.matching.inputs.filter_state",
        "envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
        json!({ "key": CLUSTER_FILTER_STATE }),
    );
    let specifier = extension(
        "envoy.router.cluster_specifier_plugin.matcher",
        "envoy.extensions.router.cluster_specifiers.matcher.v3.MatcherClusterSpecifier",
        json!({ "cluster_matcher": { "matcher_tree": { "input": input, "exact_match_map": { "map": actions } } } }),
    );
    let mut attempts = all_attempts();
    attempts["route"]["inline_cluster_specifier_plugin"] = json!({ "extension": specifier });
    attempts["route"]["retry_policy"]["refresh_cluster_on_retry"] = true.into();
    attempts
}

/// Every retry stays in this cluster, whose filter sends each attempt on to another one.
fn hop() -> Value {
    let mut attempts = all_attempts();
    attempts["route"]["cluster"] = FIRST_BYTE.into();
    attempts
}

fn all_attempts() -> Value {
    json!({
        "match": { "prefix": "/" },
        "route": {
            // Each attempt has its own limit, the cluster's.
            "timeout": "0s",
            "retry_policy": {
                "retry_on": "5xx,reset,connect-failure,refused-stream",
                // The filter sets x-envoy-max-retries to the length of the plan.
                "num_retries": 0,
                // The next attempt goes to somebody else: nothing to wait for.
                "retry_back_off": { "base_interval": "0.001s", "max_interval": "0.005s" },
                // But whoever is asked again because it wants a moment gets it.
                "rate_limited_retry_back_off": {
                    "reset_headers": [{ "name": RETRY_AFTER_HEADER, "format": "SECONDS" }],
                    "max_interval": "1s",
                },
            },
        },
    })
}

fn action(cluster: &str) -> Value {
    extension(
        cluster,
        "envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction",
        json!({ "cluster": cluster }),
    )
}
