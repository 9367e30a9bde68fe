//! A server that the benchmark starts and stops: Envoy without the filter, or a gateway of other people.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Outcome;
use crate::process::{self, Process};

/// From SIGTERM to SIGKILL.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// A running server, killed when dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    child: Child,
    pid: u32,
    address: SocketAddr,
    _folder: TempDir,
}

impl Server {
    /// Starts `command` in `folder`, which is removed with the server, and waits until it accepts connections at
    /// `address`.
    pub(crate) async fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        folder: TempDir,
        patience: Duration,
    ) -> Outcome<Self> {
        let log = folder.path().join("log");
        let output = File::create(&log)?;
        let mut child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let pid = child
            .id()
            .ok_or_else(|| format!("{name} has no process id"))?;
        if let Err(error) = process::until_accepting(&mut child, address, patience).await {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("{name}: {error}\n{said}").into());
        }
        Ok(Self {
            name,
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

    /// SIGTERM, and what does not end then is killed.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGTERM)?;
        let ended = tokio::time::timeout(STOP_PATIENCE, self.child.wait()).await;
        if ended.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// None of them says which port it was given: we choose one that is free.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
