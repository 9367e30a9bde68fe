//! The audit trail: what was decided, in files that only grow, each record sealed by a hash over it and all before it.
//!
//! A record is a line, `{"number":N,"place":P,"recorded_at":T,"previous":H,"event":E,"hash":H}`: its hash is the SHA-256
//! of the bytes of the line before `,"hash"`, and `previous` is the hash of the record before. So a record that was
//! changed, removed, inserted or moved breaks the chain where it happened. What the chain cannot tell, that records are
//! missing at its end or that its begin was taken away, a checkpoint tells: first and last record, signed with a key in
//! the data folder.

mod checkpoint;
mod keeper;
mod record;
mod trail;
mod verify;

pub(crate) use keeper::Keeper;
pub use keeper::KeeperError;
pub(crate) use trail::Trail;
pub use verify::{AuditReport, Damage, verify, verify_with_store};

use std::path::{Path, PathBuf};

/// Why the trail cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("the audit trail at {path}: {reason}")]
pub struct AuditError {
    path: PathBuf,
    reason: String,
}

impl AuditError {
    fn at(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// Below a data folder.
fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("audit")
}

/// The files of a trail, in order: each is named by the number of its first record.
fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>, AuditError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(AuditError::at(folder, error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| AuditError::at(folder, error))?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".ndjson"))
            .and_then(|digits| digits.parse().ok());
        if let Some(number) = number {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

fn segment(folder: &Path, first: u64) -> PathBuf {
    // Twenty digits hold every number, so that names sort as numbers do.
    folder.join(format!("{first:020}.ndjson"))
}
