//! Envoy without the filter: one listener, one route, one cluster.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::Outcome;
use crate::server::{Server, free_address};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(15);

/// Starts the binary that `ENVOY_BIN` names, or the one on PATH, and waits until it accepts connections.
pub(crate) async fn start(upstream: SocketAddr, workers: u32) -> Outcome<Server> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("envoy.json");
    let address = free_address()?;
    std::fs::write(&config, bootstrap(address, upstream).to_string())?;
    let binary = std::env::var_os("ENVOY_BIN").unwrap_or_else(|| "envoy".into());
    let mut command = Command::new(binary);
    command
        .arg("--config-path")
        .arg(&config)
        .args(["--disable-hot-restart", "--log-level", "error"])
        .args(["--concurrency", &workers.to_string()]);
    Server::start("plain", command, address, folder, PATIENCE).await
}

fn bootstrap(listen: SocketAddr, upstream: SocketAddr) -> Value {
    let address = |address: SocketAddr| json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}});
    let connection_manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "plain",
        "route_config": {
            "name": "plain",
            "virtual_hosts": [{
                "name": "plain",
                "domains": ["*"],
                "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "30s"}}],
            }],
        },
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }],
    });
    json!({
        "static_resources": {
            "listeners": [{
                "name": "plain",
                "address": address(listen),
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": connection_manager,
                }]}],
            }],
            "clusters": [{
                "name": "upstream",
                "type": "STATIC",
                "connect_timeout": "5s",
                "load_assignment": {
                    "cluster_name": "upstream",
                    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}],
                },
            }],
        },
    })
}
