//! The trail as its one writer has it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::to_raw_value;

use super::checkpoint::{Checkpoint, Key};
use super::record::{self, Seal};
use super::verify::{LastEvent, walk};
use super::{AuditError, folder, segment, segments};
use crate::offsets::Offsets;
use crate::store::Arrival;

/// A file that is larger is followed by another: retention removes whole files.
const SEGMENT_BYTES: u64 = 32 << 20;

/// The trail as its one writer has it.
pub(crate) struct Trail {
    folder: PathBuf,
    key: Key,
    base: Seal,
    head: Seal,
    /// How far the store is recorded; where to go on.
    offsets: Offsets,
    last_event: LastEvent,
    /// Of the store that the last records are from.
    store_id: Option<String>,
    file: Option<File>,
    bytes: u64,
    segment_bytes: u64,
}

impl Trail {
    /// Opens the trail of a data folder, and begins it if there is none. What a crash left half written at its end is
    /// removed: its event comes again.
    ///
    /// # Errors
    /// The trail is damaged: going on would sign what was done to it.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, AuditError> {
        let folder = folder(data_dir);
        fs::create_dir_all(&folder).map_err(|error| AuditError::at(&folder, error))?;
        let found = walk(data_dir)?;
        if let Some(damage) = found.damage {
            return Err(AuditError::at(&folder, damage));
        }
        let key = match Key::load(data_dir)? {
            Some(key) => key,
            None => {
                let key = Key::generate(data_dir)?;
                // The key last: where there is a key, a checkpoint must be.
                Checkpoint::new(&key, &found.base, &found.last, None).store(&folder)?;
                key.store(data_dir)?;
                key
            }
        };
        let mut trail = Self {
            folder,
            key,
            base: found.base,
            head: found.last,
            offsets: found.offsets,
            last_event: found.last_event,
            store_id: found.store_id,
            file: None,
            bytes: 0,
            segment_bytes: SEGMENT_BYTES,
        };
        if let Some((_, path)) = segments(&trail.folder)?.pop() {
            trail.go_on(&path)?;
        }
        Ok(trail)
    }

    /// How far the store is recorded.
    pub(crate) fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// The last event that is recorded.
    pub(crate) fn last_event(&self) -> &LastEvent {
        &self.last_event
    }

    /// The store that the last records are from; `None` before the first, and in trails of earlier versions.
    pub(crate) fn store_id(&self) -> Option<&str> {
        self.store_id.as_deref()
    }

    /// Tells this trail from every other.
    pub(crate) fn id(&self) -> Option<String> {
        self.key.trail_id()
    }

    /// Nothing is recorded yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.head == Seal::of_nothing()
    }

    /// What comes is from the store `store_id`.
    pub(crate) fn set_store(&mut self, store_id: &str) -> Result<(), AuditError> {
        self.store_id = Some(store_id.to_owned());
        self.sign()
    }

    /// Records something about the trail itself, from which on places count anew.
    pub(crate) fn note(&mut self, event: &Value, now_ms: u64) -> Result<(), AuditError> {
        let json = to_raw_value(event).map_err(|error| self.failed(error))?;
        let writer = String::new();
        self.append(
            &[Arrival {
                writer,
                place: 0,
                json,
            }],
            now_ms,
        )
    }

    fn sign(&self) -> Result<(), AuditError> {
        let store_id = self.store_id.as_deref();
        Checkpoint::new(&self.key, &self.base, &self.head, store_id).store(&self.folder)
    }

    /// Appends events, and says so in the checkpoint once they are on the disk.
    pub(crate) fn append(&mut self, arrivals: &[Arrival], now_ms: u64) -> Result<(), AuditError> {
        for arrival in arrivals {
            let (line, seal) = record::line(&self.head, arrival, now_ms);
            let file = self.file_for(seal.number)?;
            file.write_all(line.as_bytes())
                .map_err(|error| self.failed(error))?;
            self.bytes += line.len() as u64;
            self.head = seal;
            self.last_event = LastEvent {
                writer: arrival.writer.clone(),
                place: arrival.place,
                id: record::event_id(&arrival.json),
            };
            self.last_event.add_to(&mut self.offsets);
        }
        self.sync()?;
        self.sign()
    }

    /// Removes files whose last record is older than a moment, and signs that they were.
    pub(crate) fn forget_before(&mut self, unix_ms: u64) -> Result<(), AuditError> {
        let mut files = segments(&self.folder)?;
        // The last file is in use.
        files.pop();
        let mut old = Vec::new();
        for (_, path) in files {
            match last_record(&path)? {
                Some(last) if last.recorded_at_ms < unix_ms => {
                    // A file that a crash left behind is before the begin that was signed.
                    if last.seal.number > self.base.number {
                        self.base = last.seal;
                    }
                    old.push(path);
                }
                _ => break,
            }
        }
        if old.is_empty() {
            return Ok(());
        }
        // The checkpoint first: a file that is still there before its begin is removed the next time.
        self.sign()?;
        for path in old {
            fs::remove_file(&path).map_err(|error| AuditError::at(&path, error))?;
        }
        Ok(())
    }

    fn go_on(&mut self, path: &Path) -> Result<(), AuditError> {
        let failed = |error| AuditError::at(path, error);
        let bytes = fs::read(path).map_err(failed)?;
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        let file = open_segment(path)?;
        if whole < bytes.len() {
            log::warn!(target: "keeptrusts::audit", "{}: a record that was half written is removed", path.display());
            file.set_len(whole as u64).map_err(failed)?;
        }
        self.bytes = whole as u64;
        self.file = Some(file);
        Ok(())
    }

    /// The file that record `number` goes into.
    fn file_for(&mut self, number: u64) -> Result<&mut File, AuditError> {
        if self.bytes >= self.segment_bytes {
            self.sync()?;
            self.file = None;
        }
        match &mut self.file {
            Some(_) => {}
            none => {
                *none = Some(open_segment(&segment(&self.folder, number))?);
                self.bytes = 0;
            }
        }
        let folder = &self.folder;
        self.file
            .as_mut()
            .ok_or_else(|| AuditError::at(folder, "no file is open"))
    }

    fn sync(&mut self) -> Result<(), AuditError> {
        match &self.file {
            Some(file) => file.sync_data().map_err(|error| self.failed(error)),
            None => Ok(()),
        }
    }

    fn failed(&self, error: impl std::fmt::Display) -> AuditError {
        AuditError::at(&self.folder, error)
    }
}

fn open_segment(path: &Path) -> Result<File, AuditError> {
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| AuditError::at(path, error))
}

fn last_record(path: &Path) -> Result<Option<record::Record>, AuditError> {
    let failed = |error| AuditError::at(path, error);
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let (mut line, mut last) = (String::new(), String::new());
    while reader.read_line(&mut line).map_err(failed)? > 0 {
        std::mem::swap(&mut line, &mut last);
        line.clear();
    }
    Ok(record::read(last.trim_end_matches('\n')))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::audit::{Damage, verify};

    fn arrivals(places: std::ops::RangeInclusive<u64>) -> Vec<Arrival> {
        places
            .map(|place| Arrival {
                writer: String::new(),
                place,
                json: RawValue::from_string(format!("{{\"request\":{place}}}")).unwrap(),
            })
            .collect()
    }

    /// One record a file, recorded at its number.
    fn trail(data_dir: &Path) -> Trail {
        let mut trail = Trail::open(data_dir).unwrap();
        trail.segment_bytes = 1;
        for place in 1..=5 {
            trail.append(&arrivals(place..=place), place).unwrap();
        }
        trail
    }

    #[test]
    fn a_trail_is_intact_while_it_is_begun() {
        for _ in 0..50 {
            let dir = tempfile::tempdir().unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| trail(dir.path()));
                loop {
                    let report = verify(dir.path()).unwrap();
                    assert_eq!(report.damage, None);
                    if report.records == 5 {
                        break;
                    }
                }
            });
        }
    }

    #[test]
    fn retention_removes_whole_files_and_signs_the_new_begin() {
        let dir = tempfile::tempdir().unwrap();
        let mut trail = trail(dir.path());
        trail.forget_before(3).unwrap();
        let report = verify(dir.path()).unwrap();
        assert_eq!((report.first, report.records, report.damage), (3, 3, None));
        // It goes on, also after a restart.
        drop(trail);
        let mut trail = Trail::open(dir.path()).unwrap();
        assert_eq!(trail.offsets().get(""), Some(5));
        trail.append(&arrivals(6..=6), 6).unwrap();
        assert_eq!(verify(dir.path()).unwrap().records, 4);
        // The newest file stays, however old.
        trail.forget_before(u64::MAX).unwrap();
        let report = verify(dir.path()).unwrap();
        assert!(report.records >= 1 && report.damage.is_none(), "{report:?}");
    }

    #[test]
    fn a_begin_that_nobody_signed_away_is_missed() {
        let dir = tempfile::tempdir().unwrap();
        drop(trail(dir.path()));
        let (_, first) = segments(&folder(dir.path())).unwrap().remove(0);
        fs::remove_file(first).unwrap();
        let damage = verify(dir.path()).unwrap().damage;
        assert!(
            matches!(
                damage,
                Some(Damage::OutOfOrder {
                    expected: 1,
                    found: 2,
                    ..
                })
            ),
            "{damage:?}"
        );
        assert!(Trail::open(dir.path()).is_err());
    }

    #[test]
    fn a_crash_between_signing_and_removing_is_no_damage() {
        let dir = tempfile::tempdir().unwrap();
        let mut trail = trail(dir.path());
        let (_, first) = segments(&folder(dir.path())).unwrap().remove(0);
        let bytes = fs::read(&first).unwrap();
        trail.forget_before(3).unwrap();
        fs::write(&first, bytes).unwrap();
        let report = verify(dir.path()).unwrap();
        assert_eq!((report.first, report.records, report.damage), (3, 3, None));
        trail.forget_before(3).unwrap();
        assert!(!first.exists(), "removed the next time");
        let report = verify(dir.path()).unwrap();
        assert_eq!((report.first, report.records, report.damage), (3, 3, None));
    }
}
