//! The processes of a gateway: `kt gateway run`, its Envoy, and whoever ends them with the tests.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::artifacts::tool;
use crate::gateway::GatewayOptions;
use crate::inotify;
use crate::patience::PATIENCE;

const POLL: Duration = Duration::from_millis(10);

/// Ends process `$1` and removes folder `$2` as soon as its standard input is closed: by us, or because we have ended.
const CARETAKER: &str = r#"read -r _
kill -TERM "$1"
for _ in $(seq 100); do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done
rm -rf -- "$2""#;

/// A running `kt` and its folder. Not tied to the test that has started it, nor to that test's runtime. Killed when
/// dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    folder: TempDir,
    /// As `--print-ports` gave them.
    pub(crate) ports: Value,
    log: Arc<Mutex<Vec<String>>>,
    /// Statics are not dropped, and what has to wait for the next test lies in one.
    caretaker: Option<(Child, ChildStdin)>,
}

impl Process {
    /// Starts `kt gateway run` with these keys in its environment and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready; the message holds its log.
    pub(crate) async fn start(
        policy: &str,
        keys: &[(String, String)],
        options: &GatewayOptions,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(policy_file(folder.path()), policy).expect("policy written");
        let mut child = Command::new(options.kt.clone().unwrap_or_else(|| tool("kt")))
            .args(["gateway", "run", "--policy-config"])
            .arg(policy_file(folder.path()))
            .args(["--listen", "127.0.0.1:0", "--print-ports", "--data-dir"])
            .arg(folder.path().join("data"))
            .args(["--concurrency", &options.workers().to_string()])
            .args(collector(&options.arguments))
            .args(&options.arguments)
            .envs(
                keys.iter()
                    .filter(|(name, _)| !options.without.contains(name))
                    .cloned(),
            )
            .envs(options.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kt starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().expect("stderr is piped");
        let collected = Arc::clone(&log);
        thread::spawn(move || {
            each_line(stderr, |line| {
                let mut log = collected.lock().unwrap_or_else(PoisonError::into_inner);
                log.push(line);
            });
        });
        let (told, ports) = mpsc::channel();
        let stdout = child.stdout.take().expect("stdout is piped");
        thread::spawn(move || {
            each_line(stdout, |line| {
                if let Ok(ports) = serde_json::from_str(&line) {
                    // Whoever waited for it may have gone.
                    let _ = told.send(ports);
                }
            });
        });
        let mut process = Self {
            child,
            folder,
            ports: Value::Null,
            log,
            caretaker: None,
        };
        process.ports = process.wait_for_ports(&ports).await;
        process
    }

    async fn wait_for_ports(&mut self, told: &mpsc::Receiver<Value>) -> Value {
        let started = Instant::now();
        loop {
            match told.try_recv() {
                Ok(ports) => return ports,
                Err(mpsc::TryRecvError::Empty) if started.elapsed() < PATIENCE => {
                    tokio::time::sleep(POLL).await;
                }
                Err(_) => panic!(
                    "gateway did not become ready; its log:\n{}",
                    self.log().join("\n")
                ),
            }
        }
    }

    /// From now on it ends when we end, however that comes about.
    pub(crate) fn end_with_us(&mut self) {
        let mut caretaker = Command::new("sh")
            .args(["-c", CARETAKER, "sh", &self.pid().to_string()])
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let leash = caretaker.stdin.take().expect("stdin is piped");
        self.caretaker = Some((caretaker, leash));
    }

    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many instances of inotify its Envoy has; 0 where the system is not Linux.
    pub(crate) fn watches(&self) -> usize {
        let envoy = format!("/proc/{}", self.ports["envoy_pid"]);
        inotify::of_process(Path::new(&envoy))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn policy_file(&self) -> PathBuf {
        policy_file(self.folder())
    }

    /// Lines of stderr so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts `policy` into the policy file in one step, and has `kt` look at it.
    pub(crate) fn hand_in(&self, policy: &str) {
        let fresh = self.folder().join("policy-config.new");
        std::fs::write(&fresh, policy).expect("policy written");
        std::fs::rename(fresh, self.policy_file()).expect("policy in place");
        self.signal(Signal::SIGHUP);
    }

    /// Waits until a line of the log after the first `known` contains `text`. Returns how many lines there are up to it.
    ///
    /// # Panics
    /// It does not come.
    pub(crate) async fn wait_for_log(&self, known: usize, text: &str) -> usize {
        let started = Instant::now();
        loop {
            let log = self.log();
            let found = log.iter().skip(known).position(|line| line.contains(text));
            if let Some(position) = found {
                return known + position + 1;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{text:?} did not appear in the log:\n{}",
                log.join("\n")
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until the log says, after its first `known` lines, that `policy` is in force. Returns how many lines there are
    /// up to that one.
    ///
    /// # Panics
    /// It does not say so.
    pub(crate) async fn wait_until_served(&self, known: usize, policy: &str) -> usize {
        let changed = format!("Policy changed (version {})", version(policy));
        self.wait_for_log(known, &changed).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.pid()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Panics
    /// It does not end in time.
    pub(crate) async fn stop(mut self) -> (ExitStatus, Vec<String>, TempDir) {
        self.signal(Signal::SIGTERM);
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("kt can be waited for") {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "kt did not end after SIGTERM");
            tokio::time::sleep(POLL).await;
        };
        let empty = tempfile::tempdir().expect("a temporary folder");
        let folder = std::mem::replace(&mut self.folder, empty);
        (status, self.log(), folder)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // First: once `kt` has been waited for, its number may be somebody else's.
        if let Some((mut caretaker, _leash)) = self.caretaker.take() {
            let _ = caretaker.kill();
            let _ = caretaker.wait();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `kt` calls a policy in its log.
fn version(policy: &str) -> String {
    let digest = Sha256::digest(policy);
    digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn policy_file(folder: &Path) -> PathBuf {
    folder.join("policy-config.yaml")
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

fn each_line(stream: impl Read, mut take: impl FnMut(String)) {
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        take(line);
    }
}
