//! Keeps the access log from filling the disk.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::admin::AdminClient;

/// Two files of this size at most.
const LARGEST_BYTES: u64 = 64 * 1024 * 1024;

/// Where Envoy writes one line for each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AccessLog {
    /// Nowhere.
    Off,
    /// Our stdout.
    Stdout,
    /// A file that is renamed to `*.1` when it is large.
    File(PathBuf),
}

impl AccessLog {
    /// The path that Envoy opens.
    pub(crate) fn path(&self) -> Option<String> {
        match self {
            Self::Off => None,
            Self::Stdout => Some("/dev/stdout".to_owned()),
            Self::File(path) => Some(path.to_string_lossy().into_owned()),
        }
    }

    /// Starts a new file if the present one is large.
    pub(crate) async fn rotate(&self, admin: &AdminClient) -> io::Result<()> {
        let Self::File(path) = self else {
            return Ok(());
        };
        if fs::metadata(path).is_ok_and(|file| file.len() > LARGEST_BYTES) {
            fs::rename(path, path.with_extension("log.1"))?;
            admin.reopen_logs().await?;
        }
        Ok(())
    }
}
