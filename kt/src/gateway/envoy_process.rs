//! Envoy as a child process: started, listened to, stopped, and never left behind.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use std::time::Duration;

use log::Level;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// What Envoy may see of the environment. Providers' keys are not among it: they come by file.
const ENVIRONMENT: [&str; 6] = ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "SSL_CERT_FILE"];
/// AWS's own tools look here for keys, regions and roles, and so does Envoy's request signing.
const AWS_ENVIRONMENT: &str = "AWS_";
/// Lines kept to explain a failed start.
const REMEMBERED: usize = 20;
/// Level, logger and message, one line each.
const LOG_FORMAT: &str = "%l\t%n\t%v";

/// How Envoy is started.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) bootstrap: &'a Path,
    /// Worker threads; `None` is one for each core.
    pub(crate) concurrency: Option<u32>,
    pub(crate) log_level: &'a str,
    /// Envoy may write to our stdout.
    pub(crate) shares_stdout: bool,
}

/// The newest lines of the log, newest last.
type LastLines = Rc<RefCell<VecDeque<(Level, String)>>>;

/// A running Envoy. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct EnvoyProcess {
    child: Child,
    last_lines: LastLines,
    log: JoinHandle<()>,
}

impl EnvoyProcess {
    /// Must be called in a `LocalSet`, on a thread that lives as long as Envoy shall.
    pub(crate) fn start(start: &Start) -> io::Result<Self> {
        let mut command = Command::new(start.binary);
        command
            .arg("--config-path")
            .arg(start.bootstrap)
            .args(["--log-level", start.log_level, "--log-format", LOG_FORMAT])
            // No second Envoy takes over from this one.
            .arg("--disable-hot-restart")
            // Draining ends when the last request does, not at a fixed time.
            .args(["--drain-time-s", "1", "--drain-strategy", "immediate"])
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| {
                let name = name.to_string_lossy();
                ENVIRONMENT.contains(&name.as_ref()) || name.starts_with(AWS_ENVIRONMENT)
            }))
            .stdin(Stdio::null())
            .stdout(if start.shares_stdout {
                Stdio::inherit()
            } else {
                Stdio::null()
            })
            .stderr(Stdio::piped())
            // Ctrl-C is for us: Envoy drains first.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(workers) = start.concurrency {
            command.args(["--concurrency", &workers.to_string()]);
        }
        die_with_parent(&mut command);
        let mut child = command.spawn()?;
        let last_lines = LastLines::default();
        let stderr = child.stderr.take();
        let log = tokio::task::spawn_local(forward(stderr, Rc::clone(&last_lines)));
        Ok(Self {
            child,
            last_lines,
            log,
        })
    }

    /// Process id, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// What it said last, for people. Call it when the process has ended.
    pub(crate) async fn last_words(&mut self) -> String {
        // All that was written is in the pipe by now.
        let _ = timeout(Duration::from_secs(1), &mut self.log).await;
        let lines = self.last_lines.borrow();
        let error = lines.iter().rev().find(|(level, _)| *level == Level::Error);
        let telling = error.or(lines.back()).map(|(_, line)| line.clone());
        telling.unwrap_or_else(|| "it said nothing".to_owned())
    }

    /// Asks it to end, and kills it if it does not within `patience`.
    pub(crate) async fn stop(mut self, patience: Duration) {
        if let Some(id) = self
            .child
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
        {
            // It may have ended in this moment.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        if timeout(patience, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// Envoy's log becomes ours.
async fn forward(stderr: Option<ChildStderr>, last_lines: LastLines) {
    if let Some(stderr) = stderr {
        forward_lines(stderr, last_lines).await;
    }
}

async fn forward_lines(stderr: impl AsyncRead + Unpin, last_lines: LastLines) {
    // Not every line is UTF-8: Envoy logs what clients and providers send.
    let mut lines = BufReader::new(stderr).split(b'\n');
    let mut level = Level::Warn;
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\r');
        let (target, message) = match split(line) {
            Some((named, target, message)) => {
                level = named;
                (target, message)
            }
            // The second line of a message.
            None => ("envoy", line),
        };
        // Ending is what we asked for.
        let level = if message.starts_with("caught ENVOY_SIG") {
            Level::Debug
        } else {
            level
        };
        log::log!(target: target, level, "{message}");
        let mut last_lines = last_lines.borrow_mut();
        if last_lines.len() == REMEMBERED {
            last_lines.pop_front();
        }
        last_lines.push_back((level, message.to_owned()));
    }
}

/// Level, logger and message of one line in [`LOG_FORMAT`].
fn split(line: &str) -> Option<(Level, &str, &str)> {
    let mut parts = line.splitn(3, '\t');
    let level = match parts.next()? {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warning" => Level::Warn,
        "error" | "critical" => Level::Error,
        _ => return None,
    };
    let (logger, message) = (parts.next()?, parts.next()?);
    // `wasm log PLUGIN ROOT VM: ` is how Envoy introduces what the filter says.
    let said_by_filter = message
        .strip_prefix("wasm log ")
        .and_then(|rest| rest.split_once(": "));
    Some(match said_by_filter {
        Some((_, message)) => (level, "keeptrusts::filter", message),
        None => (level, logger, message),
    })
}

/// Envoy ends when we end, however we end.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let parent = getpid();
    let in_child = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // We may have ended before the line above.
        if getppid() != Some(parent) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe functions may run. The closure makes two system calls and
    // neither allocates nor takes a lock.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(in_child);
    }
}

/// Only Linux tells a child of its parent's death. Elsewhere Envoy stays when we are killed by force.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_envoy_keep_level_and_logger() {
        for (line, expected) in [
            ("warning\twasm\tx y", Some((Level::Warn, "wasm", "x y"))),
            ("critical\tmain\ta\tb", Some((Level::Error, "main", "a\tb"))),
            (
                "warning\twasm\twasm log kt_gateway gateway keeptrusts: target a: closed -> open",
                Some((
                    Level::Warn,
                    "keeptrusts::filter",
                    "target a: closed -> open",
                )),
            ),
            ("unexpected status: 2", None),
            ("", None),
        ] {
            assert_eq!(split(line), expected);
        }
    }

    #[tokio::test]
    async fn a_line_that_is_not_utf_8_does_not_end_the_log() {
        let lines = LastLines::default();
        let written: &[u8] = b"info\tmain\tfirst\nerror\thttp\tbad \xff header\ninfo\tmain\tlast";
        forward_lines(written, lines.clone()).await;
        let messages: Vec<String> = lines
            .borrow()
            .iter()
            .map(|(_, line)| line.clone())
            .collect();
        assert_eq!(messages, ["first", "bad \u{fffd} header", "last"]);
    }
}
