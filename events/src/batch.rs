//! Batches: events as NDJSON, and the collector's response to them.

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// The collector's response to a batch, with status 200. Lines in none of the three counts were empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Events that were stored.
    pub accepted: u64,
    /// Events that had been stored before.
    pub repeated: u64,
    /// Lines that are not events. Sending them again does not help.
    #[serde(default)]
    pub rejected: Vec<Rejection>,
}

/// A rejected line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Starting at 1.
    pub line: u64,
    /// What was expected and what was found.
    pub error: String,
}

/// One line of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLine<'a> {
    /// Starting at 1.
    pub number: u64,
    /// Without the line end.
    pub bytes: &'a [u8],
}

/// Why a line is not an event.
#[derive(Debug, thiserror::Error)]
#[error("expected an event: {0}")]
pub struct EventError(#[from] serde_json::Error);

/// The non-empty lines of a batch.
pub fn lines(batch: &[u8]) -> impl Iterator<Item = BatchLine<'_>> {
    batch
        .split(|&byte| byte == b'\n')
        .zip(1..)
        .map(|(bytes, number)| BatchLine {
            number,
            bytes: bytes.trim_ascii(),
        })
        .filter(|line| !line.bytes.is_empty())
}

/// Parses one line. Ignores unknown members, so that a newer gateway can talk to an older collector.
///
/// # Errors
/// The line is not an event of a known type, or a member is missing or has the wrong type.
pub fn read_event(line: &[u8]) -> Result<Event<'static>, EventError> {
    Ok(serde_json::from_slice(line)?)
}
