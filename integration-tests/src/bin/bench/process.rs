//! What Linux says about a process.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use harness::Gateway;
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::Outcome;

/// A process that another part of the benchmark keeps alive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pid: u32,
}

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// All of it, pages of the binary included.
    pub(crate) resident: u64,
    /// What is not backed by a file: heap, stacks, compiled code, wasm memories.
    pub(crate) anonymous: u64,
}

impl Process {
    pub(crate) fn new(pid: u32) -> Self {
        Self { pid }
    }

    /// The Envoy of a gateway.
    pub(crate) fn envoy_of(gateway: &Gateway) -> Outcome<Self> {
        let ports = gateway.ports();
        let pid = ports["envoy_pid"].as_u64();
        let pid =
            pid.ok_or_else(|| format!("expected `envoy_pid` among the ports, found {ports}"))?;
        Ok(Self::new(u32::try_from(pid)?))
    }

    /// Time on a processor, user and system, of all its threads so far. Threads that have ended do not count, and Envoy's
    /// do not end.
    pub(crate) fn cpu_time(self) -> Outcome<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // Finer than /proc/PID/stat, which counts hundredths of a second.
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let on_cpu = text.split_whitespace().next();
            let on_cpu = on_cpu.ok_or("expected the time on a processor in schedstat")?;
            nanoseconds += on_cpu.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Resident memory now.
    pub(crate) fn memory(self) -> Outcome<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let bytes = |name: &str| -> Outcome<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.split_whitespace().next());
            let kilobytes = kilobytes.ok_or_else(|| format!("no {name} in /proc/PID/status"))?;
            Ok(kilobytes.parse::<u64>()? * 1024)
        };
        Ok(Memory {
            resident: bytes("VmRSS:")?,
            anonymous: bytes("RssAnon:")?,
        })
    }
}

/// Waits until `child` accepts connections at `address`.
pub(crate) async fn until_accepting(
    child: &mut Child,
    address: SocketAddr,
    patience: Duration,
) -> Outcome<()> {
    let start = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        if let Some(status) = child.try_wait()? {
            return Err(format!("it ended while it started: {status}").into());
        }
        if start.elapsed() > patience {
            return Err(format!("it accepts no connection after {patience:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
