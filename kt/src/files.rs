//! Files as `kt` reads and writes them: no larger than they may be, and never through what somebody else has put in
//! their place.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::OFlags;

/// Tries at a name that nobody has.
const NAMES: u32 = 1_000;

/// Reads a file of at most `most` bytes, at once: what is no file, such as a pipe, is an error and not waited for.
pub(crate) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags(OFlags::NONBLOCK))
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_a_file(&metadata));
    }
    read_all(file, &metadata, most)
}

/// Longest token that is read, in bytes.
const MAX_TOKEN_BYTES: usize = 4_096;

/// A token that stands alone in a file.
pub(crate) fn read_token(path: &Path) -> io::Result<String> {
    let text = read_text(path, MAX_TOKEN_BYTES)?;
    Ok(text.trim().to_owned())
}

/// The same, for text.
pub(crate) fn read_text(path: &Path, most: usize) -> io::Result<String> {
    text(read(path, most)?)
}

/// Text that a pipe may bring as well, such as `<(…)` of a shell: waits for its end.
pub(crate) fn read_text_to_end(path: &Path, most: usize) -> io::Result<String> {
    text(read_to_end(path, most)?)
}

/// The same, for anything.
pub(crate) fn read_to_end(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(not_a_file(&metadata));
    }
    read_all(file, &metadata, most)
}

fn read_all(file: File, metadata: &Metadata, most: usize) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let too_large = |found: &str| {
        let message = format!("it has {found} bytes: expected at most {most}");
        io::Error::new(io::ErrorKind::FileTooLarge, message)
    };
    if metadata.len() > limit {
        return Err(too_large(&metadata.len().to_string()));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(too_large("more"));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn not_a_file(metadata: &Metadata) -> io::Error {
    let kind = metadata.file_type();
    let found = if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("it is {found}: expected a file"),
    )
}

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// Replaces the file `path` in one step: a reader sees the old content or the new one, and only its owner any of it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = NewFile::beside(path)?;
    file.write_all(content)?;
    file.take_the_place_of(path)
}

/// A file that is not in its place yet. Dropped, it goes.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: File,
    path: PathBuf,
}

impl NewFile {
    /// A new file in the folder of `path`, under a name that nobody had: what is there under such a name, a link for
    /// instance, is left alone. Only its owner can read it.
    pub(crate) fn beside(path: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
        let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..NAMES {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{number}.part", std::process::id()));
            let path = path.with_file_name(hidden);
            match create_new(&path) {
                Ok(file) => return Ok(Self { file, path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
    }

    /// Puts it where `path` is, once all of it is on the disk.
    pub(crate) fn take_the_place_of(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // It is not there any more where it has taken its place.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file that was not there, not even as a link to nowhere, and that only its owner can read.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests;
