//! A real collector that can be killed and started again: `kt collector run`.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use simulator::ReservedPort;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::artifacts::tool;
use crate::gateway::GatewayOptions;
use crate::patience::PATIENCE;
use crate::recorder::COLLECTOR_TOKEN;

/// A collector over a folder of its own, on one port through all its lives. Killed when dropped.
#[derive(Debug)]
pub struct Collector {
    folder: TempDir,
    /// Its own while it is down, too.
    port: ReservedPort,
    /// `None` while it is down.
    process: Option<Child>,
}

impl Collector {
    /// What those who ask for events must show.
    pub const API_TOKEN: &str = "kt_api-secret";

    /// Where it listens, through all its lives.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Starts on any port, and lets everybody in.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = ReservedPort::loopback().expect("a free port");
        let process = Some(run(folder.path(), &port).await);
        Self {
            folder,
            port,
            process,
        }
    }

    /// Options of a gateway that delivers here.
    pub fn options(&self) -> GatewayOptions {
        GatewayOptions {
            arguments: vec![
                String::from("--collector-url"),
                format!("http://{}", self.port.address()),
            ],
            variables: vec![(
                String::from("KEEPTRUSTS_COLLECTOR_TOKEN"),
                COLLECTOR_TOKEN.to_owned(),
            )],
            ..GatewayOptions::default()
        }
    }

    /// SIGKILL: nothing is tidied up.
    pub async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await.expect("it can be killed");
        }
    }

    /// Starts again with the same files and the same port.
    pub async fn start_again(&mut self) {
        self.process = Some(run(self.folder.path(), &self.port).await);
    }

    /// What its API answers to `GET path`.
    ///
    /// # Panics
    /// Not with 200 and JSON.
    pub async fn get(&self, path: &str) -> Value {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("an HTTP client");
        let answer = http
            .get(format!("http://{}{path}", self.port.address()))
            .bearer_auth(Self::API_TOKEN)
            .send()
            .await
            .expect("the collector answers");
        let status = answer.status();
        let body = answer.bytes().await.expect("the answer is complete");
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("JSON")
    }
}

/// Runs it, and waits until it says that it listens there.
async fn run(folder: &Path, port: &ReservedPort) -> Child {
    let address = port.address().to_string();
    let mut process = Command::new(tool("kt"))
        .args(["collector", "run", "--allow-anonymous", "--print-ports"])
        .args(["--listen", &address, "--data-dir"])
        .arg(folder)
        .env("KEEPTRUSTS_COLLECTOR_TOKEN", COLLECTOR_TOKEN)
        .env("KEEPTRUSTS_API_TOKEN", Collector::API_TOKEN)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("kt starts");
    let stdout = process.stdout.take().expect("stdout is piped");
    let mut line = String::new();
    let ready = tokio::time::timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await;
    let ports: Value = serde_json::from_str(&line)
        .unwrap_or_else(|_| panic!("the collector did not become ready: {ready:?}"));
    assert_eq!(ports["collector"], address);
    process
}
