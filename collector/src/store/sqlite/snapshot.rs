//! A copy of a store that may be in use.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::OpenFlags;

use super::{READER_KIB, connect};
use crate::store::StoreError;

/// Writes the store at `from`, as it is at one moment, into the new file `to`, readable for its owner alone.
///
/// # Errors
/// There is no store at `from`, or there is a file at `to`.
pub fn snapshot(from: &Path, to: &Path) -> Result<(), StoreError> {
    let store = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_KIB)?;
    let failed = |error| StoreError::Unavailable(format!("{}: {error}", to.display()));
    // SQLite writes into an empty file, but would make one that everybody can read.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(failed)?;
    store.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}
