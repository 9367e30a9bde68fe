//! The folder that Envoy reads from: private, written atomically, gone when `kt` is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const LOCK: &str = "lock";
/// Tries at a name that nobody has.
const NAMES: u32 = 1_000;

/// A run directory. Dropping it removes it, and a panic does too; what a killed process left behind is removed by the
/// next one that starts below the same root.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    path: PathBuf,
    /// Held as long as the directory is in use.
    _lock: File,
}

impl RunDirectory {
    /// Makes a directory below `root`, which nobody but its owner can enter.
    pub(crate) fn create(root: &Path) -> io::Result<Self> {
        private_folder(root)?;
        check_owner(root)?;
        sweep(root);
        let path = new_folder(root)?;
        remove_on_panic(path.clone());
        let lock = create_private(&path.join(LOCK))?;
        lock.try_lock().map_err(io::Error::from)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder in it.
    pub(crate) fn folder(&self, name: &str) -> io::Result<()> {
        private_folder(&self.path.join(name))
    }

    /// Replaces the file `name` in one step: a reader sees the old content or the new one.
    pub(crate) fn write(&self, name: &str, content: &str) -> io::Result<()> {
        let target = self.path.join(name);
        let next = target.with_extension("next");
        let mut file = create_private(&next)?;
        file.write_all(content.as_bytes())?;
        fs::rename(next, target)
    }

    /// Removes the file `name`, if it is there.
    pub(crate) fn remove(&self, name: &str) {
        // It goes with the folder at the latest.
        let _ = fs::remove_file(self.path.join(name));
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            log::warn!(target: "keeptrusts::gateway", "Could not remove {}: {error}", self.path.display());
        }
    }
}

/// Makes a folder that nobody but its owner can enter, and those above it that are missing.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A folder that somebody else made, or can write to, may be led anywhere, and what is written there be read.
fn check_owner(root: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(root)?;
    let problem = if !found.is_dir() {
        "it is a link or a file"
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        "it belongs to somebody else"
    } else if found.mode() & 0o022 != 0 {
        "others can write to it"
    } else {
        return Ok(());
    };
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "expected a folder of your own at {}: {problem}",
            root.display()
        ),
    ))
}

/// A folder that was not there before.
fn new_folder(root: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..NAMES {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = root.join(format!("{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

/// Removes directories whose process is gone: nobody holds their lock.
fn sweep(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let abandoned =
            File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned {
            // Another process may be sweeping too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn remove_on_panic(path: PathBuf) {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = fs::remove_dir_all(&path);
        previous(panic);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn is_private_and_goes_when_dropped_and_so_do_abandoned_ones() {
        let root = std::env::temp_dir().join(format!("kt-run-{}", std::process::id()));
        let abandoned = root.join("1-0");
        fs::create_dir_all(&abandoned).unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();

        let used = RunDirectory::create(&root).unwrap();
        let other = RunDirectory::create(&root).unwrap();
        assert!(!abandoned.exists());
        used.folder("secrets").unwrap();
        used.write("secrets/a.json", "one").unwrap();
        used.write("secrets/a.json", "two").unwrap();
        let file = used.path().join("secrets/a.json");
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(
            (mode(used.path()), mode(file.parent().unwrap()), mode(&file)),
            (0o700, 0o700, 0o600)
        );
        assert_eq!(
            fs::read_dir(file.parent().unwrap()).unwrap().count(),
            1,
            "no half-written file stays"
        );

        // A name that is taken is left alone, whatever is there.
        let next = root.join(format!("{}-2", std::process::id()));
        std::os::unix::fs::symlink("/nowhere", &next).unwrap();
        let third = RunDirectory::create(&root).unwrap();
        assert_ne!(third.path(), next);
        drop(third);
        fs::remove_file(next).unwrap();

        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
        assert!(other.path().exists());
        drop(other);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_the_users_own_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        for (root, problem) in [
            (&open, "others can write to it"),
            (&link, "it is a link or a file"),
        ] {
            let error = RunDirectory::create(root).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            assert!(error.contains(root.to_str().unwrap()), "{error}");
        }
    }
}
