//! One Envoy cluster for each target and timeout, and one for what the filter asks a target itself.

use std::net::IpAddr;

use policy::BaseUrl;
use policy::cluster::{ClusterSpec, Purpose, connect_timeout_ms};
use serde_json::{Value, json};

use crate::credential::{self, Keys};
use crate::gateway::{Gateway, RenderError};
use crate::proto::{duration, extension, host_address, http_protocol_options, upstream_codec};
use crate::{tls, wasm};

/// Shorter than what the usual load balancers in front of providers keep a silent connection: they should not close
/// one in the moment we use it.
const IDLE_MS: u64 = 30_000;
/// The same of servers without TLS, which run by themselves: Uvicorn (vLLM, LiteLLM) and Node close after 5 s.
const PLAIN_IDLE_MS: u64 = 4_000;
const UNLIMITED: u32 = u32::MAX;

/// The cluster of `spec`, without its type URL.
pub(crate) fn target_cluster(
    gateway: &Gateway,
    spec: &ClusterSpec,
    keys: Keys,
) -> Result<Option<Value>, RenderError> {
    let Some(target) = gateway.policy.target(spec.target) else {
        return Ok(None);
    };
    let address = gateway.address_of(target);
    let mut filters = match spec.purpose {
        Purpose::Attempts => vec![wasm::target_filter(gateway.module)],
        Purpose::Calls => vec![without_marks()],
    };
    filters.extend(credential::filters(gateway, target, keys));
    filters.push(upstream_codec());

    let mut options = json!({
        "common_http_protocol_options": {
            "idle_timeout": duration(if address.tls { IDLE_MS } else { PLAIN_IDLE_MS }),
            "max_stream_duration": duration(spec.timeout_ms),
        },
        "http_filters": filters,
    });
    if address.tls {
        options["auto_config"] = json!({
            "http_protocol_options": {},
            "http2_protocol_options": {
                // A connection that died silently would swallow every request until its timeout.
                "connection_keepalive": { "interval": "30s", "timeout": "10s" },
            },
        });
    } else {
        options["explicit_http_config"] = json!({ "http_protocol_options": {} });
    }

    let mut cluster = json!({
        "name": spec.name,
        "alt_stat_name": stat_name(&spec.name),
        "connect_timeout": duration(connect_timeout_ms(spec.timeout_ms)),
        "lb_policy": "LEAST_REQUEST",
    });
    locate(&mut cluster, &spec.name, address);
    cluster["circuit_breakers"] = unlimited();
    cluster["outlier_detection"] = outlier_detection();
    cluster["upstream_connection_options"] = json!({ "tcp_keepalive": { "keepalive_time": 60, "keepalive_interval": 15, "keepalive_probes": 4 } });
    if address.tls {
        let ca_file = gateway.ca_file.ok_or_else(|| RenderError::NoCaFile {
            target: target.id.clone(),
        })?;
        cluster["transport_socket"] = tls::transport_socket(address, ca_file);
    }
    cluster["typed_extension_protocol_options"] = http_protocol_options(options);
    Ok(Some(cluster))
}

/// What Envoy writes into every call that a filter makes is nobody's business; the target filter removes it elsewhere.
fn without_marks() -> Value {
    let marks = [
        "x-envoy-internal",
        "x-envoy-expected-rq-timeout-ms",
        "x-forwarded-for",
    ];
    let removed = marks.map(|name| json!({ "remove": name }));
    extension(
        "envoy.filters.http.header_mutation",
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        json!({ "mutations": { "request_mutations": removed } }),
    )
}

/// Writes type and endpoints of the cluster `name` into `cluster`.
pub(crate) fn locate(cluster: &mut Value, name: &str, address: &BaseUrl) {
    let host = json!({ "lb_endpoints": [{ "endpoint": { "address": host_address(&address.host, address.port) } }] });
    if address.host.parse::<IpAddr>().is_ok() {
        cluster["type"] = "STATIC".into();
        cluster["load_assignment"] = json!({ "cluster_name": name, "endpoints": [host] });
        return;
    }
    cluster["cluster_type"] = extension(
        "envoy.cluster.dns",
        "envoy.extensions.clusters.dns.v3.DnsCluster",
        json!({
            // Many machines resolve names to IPv6 addresses that they cannot reach.
            "dns_lookup_family": "V4_PREFERRED",
            "respect_dns_ttl": true,
            "dns_failure_refresh_rate": { "base_interval": "1s", "max_interval": "10s" },
            // Start and reload wait for the first answer, so a name server that is silent must not hold them long.
            "typed_dns_resolver_config": extension(
                "envoy.network.dns_resolver.cares",
                "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
                json!({ "query_timeout_seconds": 2, "query_tries": 2 }),
            ),
        }),
    );
    // Without any host Envoy's router answers at once and does not retry. So when the name cannot be resolved, a
    // lower priority takes over that refuses every connection: that is a failed attempt, and the next target's turn.
    let sink = json!({
        "priority": 1,
        "lb_endpoints": [{ "endpoint": { "address": host_address("127.0.0.1", SINK_PORT) } }],
    });
    cluster["load_assignment"] = json!({
        "cluster_name": name,
        // One host of many that is left must still take all the load, none may spill over into the sink.
        "policy": { "overprovisioning_factor": 1_000_000 },
        "endpoints": [host, sink],
    });
}

/// tcpmux, which nothing serves.
const SINK_PORT: u16 = 1;

/// Envoy counts connections and requests, but the plan decides: a full circuit breaker (three retries at once by
/// default) would stop a failover.
pub(crate) fn unlimited() -> Value {
    json!({ "thresholds": [{
        "priority": "DEFAULT",
        "max_connections": UNLIMITED,
        "max_pending_requests": UNLIMITED,
        "max_requests": UNLIMITED,
        "max_retries": UNLIMITED,
    }] })
}

/// Takes single bad addresses of a provider out, never a whole provider: that is for the filter's health to say.
/// At 49 percent a provider of one address keeps it, and any other keeps at least half of them.
fn outlier_detection() -> Value {
    json!({
        "consecutive_5xx": 5,
        "consecutive_gateway_failure": 5,
        "enforcing_consecutive_gateway_failure": 100,
        "split_external_local_origin_errors": true,
        "consecutive_local_origin_failure": 3,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "interval": "5s",
        "base_ejection_time": "15s",
        "max_ejection_time": "120s",
        "max_ejection_percent": 49,
    })
}

/// Dots separate the parts of a statistic's name, so a cluster's own may have none; `kt/a.b/1ms` and `kt/a_b/1ms` stay two. No
/// id has a `%`.
fn stat_name(cluster: &str) -> String {
    cluster.replace('.', "%2E")
}
