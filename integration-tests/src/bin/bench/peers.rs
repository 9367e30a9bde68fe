//! Other gateways that do the same work: one group of one target, on one worker, over the same upstream.
//!
//! `make bench-peers` fetches them. What is not there is left out of the table.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use crate::Outcome;
use crate::server::{Server, free_address};

/// LiteLLM reads thousands of modules before it listens.
const PATIENCE: Duration = Duration::from_secs(90);
/// A running gateway of somebody else.
pub(crate) struct Peer {
    pub(crate) server: Server,
    /// Header lines for its requests, each with its line end.
    pub(crate) headers: String,
}

/// Starts those that are installed. One that does not start costs its own lines of the table only.
pub(crate) async fn start_installed(upstream: SocketAddr) -> Vec<Peer> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/peers");
    let mut peers = Vec::new();
    let litellm = root.join("litellm/bin/litellm");
    if litellm.is_file() {
        eprintln!("starting LiteLLM");
        peers.push(start_litellm(&litellm, upstream).await);
    }
    let portkey = root.join("portkey/node_modules/@portkey-ai/gateway/build/start-server.js");
    if portkey.is_file() {
        eprintln!("starting Portkey");
        peers.push(start_portkey(&portkey, upstream).await);
    }
    let started = peers.into_iter().filter_map(|peer| {
        peer.inspect_err(|error| eprintln!("left out, for it did not start: {error}"))
            .ok()
    });
    started.collect()
}

async fn start_litellm(program: &Path, upstream: SocketAddr) -> Outcome<Peer> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config.yaml");
    let document = json!({
        "model_list": [{
            "model_name": "bench",
            "litellm_params": {
                "model": "openai/upstream-model",
                "api_base": format!("http://{upstream}/v1"),
                "api_key": "sk-upstream",
            },
        }],
        "general_settings": { "master_key": harness::CLIENT_KEY },
        "litellm_settings": { "telemetry": false },
    });
    // JSON is YAML.
    std::fs::write(&config, document.to_string())?;
    let address = free_address()?;
    // The script names its Python by an absolute path, which a checkout that was moved has no more.
    let mut command = Command::new(program.with_file_name("python"));
    command
        .arg(program)
        .arg("--config")
        .arg(&config)
        .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--num_workers", "1"])
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_LOG", "ERROR");
    Ok(Peer {
        server: Server::start("LiteLLM", command, address, folder, PATIENCE).await?,
        headers: String::new(),
    })
}

async fn start_portkey(program: &Path, upstream: SocketAddr) -> Outcome<Peer> {
    let config = json!({
        "strategy": { "mode": "fallback" },
        "targets": [{
            "provider": "openai",
            "api_key": "sk-upstream",
            "custom_host": format!("http://{upstream}/v1"),
            "override_params": { "model": "upstream-model" },
        }],
    });
    let address = free_address()?;
    let mut command = Command::new("node");
    command
        .arg(program)
        .arg("--headless")
        .arg(format!("--port={}", address.port()))
        .env("NODE_ENV", "production");
    let folder = tempfile::tempdir()?;
    Ok(Peer {
        server: Server::start("Portkey", command, address, folder, PATIENCE).await?,
        headers: format!("x-portkey-config: {config}\r\n"),
    })
}
