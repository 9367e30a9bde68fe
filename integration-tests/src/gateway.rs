//! One running gateway: `kt`, its Envoy and its folder.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::artifacts::tool;
use crate::client::Client;
use crate::policy::PolicyText;

/// How long a gateway may take to be ready or to stop before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test may want beside the policy.
#[derive(Debug, Clone, Default)]
pub struct GatewayOptions {
    /// Envoy workers; 1 where not given.
    pub concurrency: Option<u32>,
    /// Further arguments of `kt gateway run`.
    pub arguments: Vec<String>,
    /// Further variables.
    pub variables: Vec<(String, String)>,
    /// Variables of the policy that stay unset.
    pub without: Vec<String>,
    /// Another `kt` than the one under test.
    pub kt: Option<PathBuf>,
}

/// A running gateway. Terminated when dropped; [`Gateway::stop`] also checks how it went.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    folder: TempDir,
    ports: Value,
    log: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// Starts with one worker and waits until it is ready.
    pub async fn start(policy: &PolicyText) -> Self {
        Self::start_with(policy, &GatewayOptions::default()).await
    }

    /// Starts and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready; the message holds its log.
    pub async fn start_with(policy: &PolicyText, options: &GatewayOptions) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("policy-config.yaml"), &policy.text)
            .expect("policy written");
        let mut command = Command::new(options.kt.clone().unwrap_or_else(|| tool("kt")));
        command
            .args(["gateway", "run", "--policy-config"])
            .arg(folder.path().join("policy-config.yaml"))
            .args(["--listen", "127.0.0.1:0", "--print-ports", "--data-dir"])
            .arg(folder.path().join("data"))
            .args([
                "--concurrency",
                &options.concurrency.unwrap_or(1).to_string(),
            ])
            .args(collector(&options.arguments))
            .args(&options.arguments)
            .envs(
                policy
                    .keys
                    .iter()
                    .filter(|(name, _)| !options.without.contains(name))
                    .cloned(),
            )
            .envs(options.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("kt starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().expect("stderr is piped");
        tokio::spawn(collect(stderr, Arc::clone(&log)));
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let ready = async {
            while let Ok(Some(line)) = stdout.next_line().await {
                if let Ok(ports) = serde_json::from_str::<Value>(&line) {
                    return Some(ports);
                }
            }
            None
        };
        let ports = tokio::time::timeout(PATIENCE, ready).await.ok().flatten();
        let Some(ports) = ports else {
            panic!(
                "gateway did not become ready; its log:\n{}",
                lines(&log).join("\n")
            );
        };
        tokio::spawn(async move { while let Ok(Some(_)) = stdout.next_line().await {} });
        Self {
            child,
            folder,
            ports,
            log,
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!(
            "http://{}",
            self.ports["listen"].as_str().unwrap_or_default()
        )
    }

    /// What Envoy's admin interface, a socket in the run directory, says at `path`.
    ///
    /// # Panics
    /// It says nothing.
    pub async fn admin(&self, path: &str) -> String {
        let socket = self.ports["admin"]
            .as_str()
            .and_then(|admin| admin.strip_prefix("unix:"))
            .unwrap_or_default();
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .build()
            .expect("an HTTP client");
        let answer = http
            .get(format!("http://admin{path}"))
            .send()
            .await
            .expect("the admin interface answers");
        answer.text().await.expect("the answer is complete")
    }

    /// Addresses as `--print-ports` gave them.
    pub fn ports(&self) -> &Value {
        &self.ports
    }

    /// A client of this gateway.
    pub fn client(&self) -> Client {
        Client::new(self.url())
    }

    /// Lines that `kt` has written to stderr so far.
    pub fn log(&self) -> Vec<String> {
        lines(&self.log)
    }

    /// Its policy file, to be changed by tests of hot reload.
    pub fn policy_file(&self) -> PathBuf {
        self.folder.path().join("policy-config.yaml")
    }

    /// Everything it keeps on disk.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Waits until a line of the log contains `text`.
    ///
    /// # Panics
    /// It does not come.
    pub async fn wait_for_log(&self, text: &str) {
        let seen = async {
            while !self.log().iter().any(|line| line.contains(text)) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, seen).await.is_err() {
            panic!(
                "{text:?} did not appear in the log:\n{}",
                self.log().join("\n")
            );
        }
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Panics
    /// It does not end in time.
    pub async fn stop(mut self) -> (ExitStatus, Vec<String>, TempDir) {
        self.terminate();
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status
            .expect("kt ends after SIGTERM")
            .expect("kt can be waited for");
        (status, lines(&self.log), self.folder)
    }

    /// SIGTERM without waiting.
    pub fn terminate(&self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }
}

/// Whether `path` or anything below it contains `text`.
pub fn folder_contains(path: &Path, text: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else {
        return std::fs::read(path)
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text));
    };
    entries
        .flatten()
        .any(|entry| folder_contains(&entry.path(), text))
}

/// Its own collector on any port, where the test wants no other.
fn collector(arguments: &[String]) -> &'static [&'static str] {
    let is_named = |argument: &String| argument.starts_with("--collector");
    if arguments.iter().any(is_named) {
        &[]
    } else {
        &["--collector-listen", "127.0.0.1:0"]
    }
}

async fn collect(stderr: tokio::process::ChildStderr, log: Arc<Mutex<Vec<String>>>) {
    let mut reader = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

fn lines(log: &Mutex<Vec<String>>) -> Vec<String> {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
