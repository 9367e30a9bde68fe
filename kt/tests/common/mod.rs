//! `kt` as a user runs it: a process with files around it.
#![allow(dead_code, reason = "each test program uses its own part")]

mod inert_module;

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use inert_module::INERT_MODULE;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// The seed's tutorial, with providers that are not there.
pub(crate) const POLICY: &str = "\
version: '1'
providers:
  targets:
    - id: openai-primary
      provider: openai
      base_url: http://127.0.0.1:9/v1
      secret_key_ref:
        env: OPENAI_API_KEY
    - id: anthropic-fallback
      provider: anthropic
      base_url: http://127.0.0.1:9/v1
      secret_key_ref:
        store: ANTHROPIC_API_KEY
failover:
  enabled: true
  strategy: priority
  model_mapping:
    gpt-4o-mini: claude-sonnet-4-20250514
    gpt-4o: claude-sonnet-4-20250514
  retry:
    max_attempts: 1
    timeout_seconds: 30
policies:
  - name: content-filter
    type: content_filter
    action: flag
    config:
      categories:
        - hate
        - violence
";

/// `kt` with no variables but those that find programs.
pub(crate) fn kt() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kt"));
    command.env_clear().stdin(Stdio::null());
    for name in ["PATH", "ENVOY_BIN", "KEEPTRUSTS_FILTER_WASM"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs to the end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("kt starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder for one test.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes as careful editors do: beside, then renamed.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        let next = self.path("next~");
        fs::write(&next, content).expect("the scratch folder is writable");
        fs::rename(next, &path).expect("the scratch folder is writable");
        path
    }
}

/// A running `kt gateway run`. Killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    ports: Value,
}

impl Gateway {
    /// Starts on free ports with the policy and data folder of `scratch`, and waits until it is ready.
    pub(crate) fn start(scratch: &Scratch, adjust: impl FnOnce(&mut Command)) -> Self {
        Self::start_on(scratch, "127.0.0.1:0", "127.0.0.1:0", adjust)
    }

    /// The same, with an Envoy whose filter does nothing.
    pub(crate) fn start_inert(scratch: &Scratch) -> Self {
        Self::start(scratch, |command| {
            command.args(inert_filter(scratch));
        })
    }

    /// The same, with these addresses of gateway and collector.
    pub(crate) fn start_on(
        scratch: &Scratch,
        listen: &str,
        collector: &str,
        adjust: impl FnOnce(&mut Command),
    ) -> Self {
        Self::start_alone(scratch, |command| {
            command.args(["--listen", listen, "--collector-listen", collector]);
            adjust(command);
        })
    }

    /// The same, which is told nothing of collectors, and where to listen only if `adjust` says so.
    pub(crate) fn start_alone(scratch: &Scratch, adjust: impl FnOnce(&mut Command)) -> Self {
        let mut command = kt();
        command
            .args(["gateway", "run", "--concurrency", "1", "--print-ports"])
            .arg("--policy-config")
            .arg(scratch.path("policy-config.yaml"))
            .arg("--data-dir")
            .arg(scratch.path("data"))
            .env("OPENAI_API_KEY", "sk-from-the-environment")
            .env("ANTHROPIC_API_KEY", "sk-from-a-variable")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        adjust(&mut command);
        let mut child = command.spawn().expect("kt starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let sink = Arc::clone(&log);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                sink.lock().expect("no reader panics").push(line);
            }
        });
        let mut ports = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        stdout.read_line(&mut ports).expect("stdout is text");
        let mut gateway = Self {
            child,
            log,
            ports: Value::Null,
        };
        gateway.ports = serde_json::from_str(&ports)
            .unwrap_or_else(|_| panic!("kt was not ready: {:#?}", gateway.log()));
        gateway
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().expect("no writer panics").clone()
    }

    /// Waits for a line that contains `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        eventually(&format!("{text:?} in the log"), || {
            self.log().iter().any(|line| line.contains(text))
        });
    }

    pub(crate) fn run_directory(&self) -> PathBuf {
        PathBuf::from(
            self.ports["run_directory"]
                .as_str()
                .expect("--print-ports names it"),
        )
    }

    pub(crate) fn envoy_pid(&self) -> u32 {
        self.ports["envoy_pid"]
            .as_u64()
            .and_then(|pid| pid.try_into().ok())
            .expect("--print-ports names it")
    }

    pub(crate) fn address(&self) -> &str {
        self.ports["listen"]
            .as_str()
            .expect("--print-ports names it")
    }

    /// `host:port` of the collector, if there is one.
    pub(crate) fn collector(&self) -> Option<&str> {
        self.ports["collector"].as_str()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Status and body of a GET.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.get_with(path, &[])
    }

    /// Status and body of a GET with these headers.
    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        exchange(
            self.address(),
            &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n"),
        )
        .expect("the gateway answers")
    }

    /// `/health`.
    pub(crate) fn health(&self) -> Value {
        serde_json::from_str(&self.get("/health").1).expect("health is JSON")
    }

    pub(crate) fn signal(&self, name: &str) {
        send(name, self.pid());
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the end of kt", || {
            status = self.child.try_wait().expect("kt can be waited for");
            status.is_some()
        });
        status.expect("it has ended")
    }
}

/// Arguments for an Envoy that is not asked for anything, and has nothing to compile.
pub(crate) fn inert_filter(scratch: &Scratch) -> [OsString; 2] {
    let module = scratch.path("inert.wasm");
    fs::write(&module, INERT_MODULE).expect("the scratch folder is writable");
    ["--filter-wasm".into(), module.into()]
}

/// Status and body of a GET with a bearer token.
pub(crate) fn get(address: &str, path: &str, token: &str) -> (u16, String) {
    exchange(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"),
    )
    .expect("the collector answers")
}

/// Status and body of a chat request for `model`; `None` where the gateway did not answer in HTTP.
pub(crate) fn chat(address: &str, model: &str) -> Option<(u16, Value)> {
    let body =
        json!({ "model": model, "messages": [{ "role": "user", "content": "hello" }] }).to_string();
    let length = body.len();
    let (status, answer) = exchange(
        address,
        &format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ),
    )?;
    Some((status, serde_json::from_str(&answer).unwrap_or(Value::Null)))
}

fn exchange(address: &str, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(POLL);
    }
}

/// Sends a signal to a process.
pub(crate) fn send(name: &str, pid: u32) {
    let status = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// Whether a process runs (one that nobody has waited for has ended too).
pub(crate) fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

/// Every file below `folder` with its content.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            found.push((path, text(&bytes)));
        }
    }
    found
}
