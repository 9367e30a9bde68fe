//! One route for everything: the filter says in filter state which cluster takes the next attempt.

use policy::cluster::{CLUSTER_FILTER_STATE, FIRST_BYTE};
use serde_json::{Map, Value, json};

use crate::proto::extension;

/// Name of the route configuration, in the listener and as an RDS resource.
pub(crate) const ROUTE_CONFIGURATION: &str = "gateway";
/// Leads to Envoy's own admin interface.
pub(crate) const ADMIN_CLUSTER: &str = "kt/admin";

/// The route configuration that can send an attempt to each of `clusters`, and bodies up to `buffer_limit` bytes.
pub(crate) fn configuration<'a>(
    clusters: impl Iterator<Item = &'a str>,
    buffer_limit: u64,
) -> Value {
    json!({
        "name": ROUTE_CONFIGURATION,
        "virtual_hosts": [{
            "name": "gateway",
            "domains": ["*"],
            "request_body_buffer_limit": buffer_limit,
            "routes": [metrics(), attempts(clusters)],
        }],
    })
}

/// Nothing else of the admin interface can be reached from outside.
fn metrics() -> Value {
    json!({
        "match": { "path": "/metrics", "headers": [{ "name": ":method", "string_match": { "exact": "GET" } }] },
        "route": { "cluster": ADMIN_CLUSTER, "prefix_rewrite": "/stats/prometheus" },
    })
}

fn attempts<'a>(clusters: impl Iterator<Item = &'a str>) -> Value {
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
    json!({
        "match": { "prefix": "/" },
        "route": {
            "inline_cluster_specifier_plugin": { "extension": specifier },
            // Each attempt has its own limit, the cluster's.
            "timeout": "0s",
            "retry_policy": {
                "retry_on": "5xx,reset,connect-failure,refused-stream",
                // The filter sets x-envoy-max-retries to the length of the plan.
                "num_retries": 0,
                "refresh_cluster_on_retry": true,
                // The next attempt goes to somebody else: nothing to wait for.
                "retry_back_off": { "base_interval": "0.001s", "max_interval": "0.005s" },
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
