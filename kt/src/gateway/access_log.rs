//! Keeps the access log from filling the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
        if set_aside(path, LARGEST_BYTES)? {
            admin.reopen_logs().await?;
        }
        Ok(())
    }
}

/// Renames the file to `*.1` if it is larger than `most` bytes. Where `path` is a link, the link stays and the file that it
/// leads to is renamed, beside itself; what is no file, such as a pipe, stays as it is.
fn set_aside(path: &Path, most: u64) -> io::Result<bool> {
    let Ok(file) = fs::canonicalize(path) else {
        return Ok(false);
    };
    if !fs::metadata(&file).is_ok_and(|found| found.is_file() && found.len() > most) {
        return Ok(false);
    }
    fs::rename(&file, file.with_extension("log.1"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_large_log_is_set_aside_and_a_link_to_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("disk");
        fs::create_dir(&elsewhere).unwrap();
        let (file, link) = (
            elsewhere.join("access.log"),
            folder.path().join("access.log"),
        );
        symlink(&file, &link).unwrap();
        assert!(!set_aside(&link, 3).unwrap(), "not there yet");

        fs::write(&file, "abc").unwrap();
        assert!(!set_aside(&link, 3).unwrap(), "not large");
        fs::write(&file, "abcd").unwrap();
        assert!(set_aside(&link, 3).unwrap());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::read_to_string(elsewhere.join("access.log.1")).unwrap(),
            "abcd"
        );

        assert!(!set_aside(Path::new("/dev/null"), 0).unwrap());
        assert!(!set_aside(folder.path(), 0).unwrap());
    }
}
