//! Batches: events as NDJSON, and the collector's answer to them.

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// The collector's answer to a batch, with status 200. What is in none of the three counts was an empty line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Events that are stored now.
    pub accepted: u64,
    /// Events that were stored before.
    pub repeated: u64,
    /// Lines that are no events. Sending them again does not help.
    #[serde(default)]
    pub rejected: Vec<Rejection>,
}

/// A line that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Counted from 1.
    pub line: u64,
    /// What was expected, and what was found.
    pub error: String,
}

/// One line of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLine<'a> {
    /// Counted from 1.
    pub number: u64,
    /// Without its end.
    pub bytes: &'a [u8],
}

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
#[error("expected an event: {0}")]
pub struct EventError(#[from] serde_json::Error);

/// The lines of a batch that are not empty.
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

/// Reads one line. Members that are unknown here are ignored, so that a newer gateway can talk to an older collector.
///
/// # Errors
/// Not an event of a known type, or a member is missing or of the wrong type.
pub fn read_event(line: &[u8]) -> Result<Event<'static>, EventError> {
    Ok(serde_json::from_slice(line)?)
}
