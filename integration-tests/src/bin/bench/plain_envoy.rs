//! Envoy without the filter: one listener, one route, one cluster.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Outcome;
use crate::process::{self, Process};

/// How long it may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running Envoy, killed when dropped.
pub(crate) struct PlainEnvoy {
    child: Child,
    pid: u32,
    address: SocketAddr,
    _folder: TempDir,
}

impl PlainEnvoy {
    /// Starts the binary that `ENVOY_BIN` names, or the one on PATH, and waits until it accepts connections.
    pub(crate) async fn start(upstream: SocketAddr, workers: u32) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("envoy.json");
        // Envoy does not say which port it was given without an admin interface: we choose one that is free.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        std::fs::write(&config, bootstrap(address, upstream).to_string())?;
        let binary = std::env::var_os("ENVOY_BIN").unwrap_or_else(|| "envoy".into());
        let mut child = Command::new(&binary)
            .arg("--config-path")
            .arg(&config)
            .args(["--disable-hot-restart", "--log-level", "error"])
            .args(["--concurrency", &workers.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let pid = child.id().ok_or("plain Envoy has no process id")?;
        process::until_accepting(&mut child, address, PATIENCE)
            .await
            .map_err(|error| format!("plain Envoy: {error}"))?;
        Ok(Self {
            child,
            pid,
            address,
            _folder: folder,
        })
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn process(&self) -> Process {
        Process::new(self.pid)
    }

    /// SIGTERM, and waits for the end.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM)?;
        tokio::time::timeout(PATIENCE, self.child.wait()).await??;
        Ok(())
    }
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
