//! Other gateways that do the same work: one group of one target, on one worker, over the same upstream.
//!
//! `make bench-peers` fetches them. What is not there is left out of the table.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Outcome;
use crate::process::{self, Process};

/// LiteLLM reads thousands of modules before it listens.
const PATIENCE: Duration = Duration::from_secs(90);
/// From SIGTERM to SIGKILL.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A running gateway of somebody else, killed when dropped.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Header lines for its requests, each with its line end.
    pub(crate) headers: String,
    child: Child,
    pid: u32,
    address: SocketAddr,
    _folder: TempDir,
}

/// Starts those that are installed.
pub(crate) async fn start_installed(upstream: SocketAddr) -> Outcome<Vec<Peer>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/peers");
    let mut peers = Vec::new();
    let litellm = root.join("litellm/bin/litellm");
    if litellm.is_file() {
        eprintln!("starting LiteLLM");
        peers.push(start_litellm(&litellm, upstream).await?);
    }
    let portkey = root.join("portkey/node_modules/@portkey-ai/gateway/build/start-server.js");
    if portkey.is_file() {
        eprintln!("starting Portkey");
        peers.push(start_portkey(&portkey, upstream).await?);
    }
    Ok(peers)
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
    let mut command = Command::new(program);
    command
        .arg("--config")
        .arg(&config)
        .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--num_workers", "1"])
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_LOG", "ERROR");
    Peer::start("LiteLLM", String::new(), command, address, folder).await
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
    let headers = format!("x-portkey-config: {config}\r\n");
    Peer::start("Portkey", headers, command, address, tempfile::tempdir()?).await
}

impl Peer {
    async fn start(
        name: &'static str,
        headers: String,
        mut command: Command,
        address: SocketAddr,
        folder: TempDir,
    ) -> Outcome<Self> {
        let log: PathBuf = folder.path().join("log");
        let output = File::create(&log)?;
        let mut child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let pid = child.id().ok_or("the peer has no process id")?;
        if let Err(error) = process::until_accepting(&mut child, address, PATIENCE).await {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("{name}: {error}\n{said}").into());
        }
        Ok(Self {
            name,
            headers,
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

    /// SIGTERM, and what does not heed it is killed.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM)?;
        if tokio::time::timeout(STOP_PATIENCE, self.child.wait())
            .await
            .is_err()
        {
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// Neither says which port it was given: we choose one that is free.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
