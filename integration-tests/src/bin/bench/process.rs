//! What Linux says about a process.

use std::fs;
use std::time::Duration;

use harness::Gateway;

use crate::Outcome;

/// `/proc/PID/stat` counts in these. The kernel gives user space hundredths of a second on every architecture.
const TICK: Duration = Duration::from_millis(10);

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

    /// User and system time of all its threads so far.
    pub(crate) fn cpu_time(self) -> Outcome<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name stands in parentheses and may contain any character.
        let (_, rest) = text.rsplit_once(')').ok_or("no name in /proc/PID/stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |index: usize| -> Outcome<u32> {
            let field = fields
                .get(index)
                .ok_or("a field is missing in /proc/PID/stat")?;
            Ok(field.parse()?)
        };
        // Fields 14 and 15 of proc_pid_stat(5); ours begin with the third.
        Ok(TICK * (ticks(11)? + ticks(12)?))
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
