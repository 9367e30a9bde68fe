//! Finds what was done to a trail.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::checkpoint::{Checkpoint, Key};
use super::record::{self, Seal};
use super::{AuditError, KeeperError, folder, segments};
use crate::offsets::Offsets;
use crate::store::{RecordKind, Store};

/// What a trail is found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Records that are there and in the chain, up to the damage if there is one.
    pub records: u64,
    /// Number of the first one; higher than 1 after retention removed older ones, signed.
    pub first: u64,
    /// The first damage; `None`: nothing was changed, removed, inserted or moved.
    pub damage: Option<Damage>,
}

/// What was done, as far as the trail tells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A line is not what was written.
    #[error("{file}:{line}: this record was changed", file = file.display())]
    Changed {
        /// In which file.
        file: PathBuf,
        /// Counted from 1.
        line: u64,
    },
    /// A record does not follow the one before it.
    #[error("{file}:{line}: expected record {expected}, found record {found}: records were removed, inserted or moved", file = file.display())]
    OutOfOrder {
        /// In which file.
        file: PathBuf,
        /// Counted from 1.
        line: u64,
        /// Its number should be.
        expected: u64,
        /// It is.
        found: u64,
    },
    /// The number is right, the chain is not.
    #[error("{file}:{line}: record {number} does not follow the one before it: one of them was replaced", file = file.display())]
    Unchained {
        /// In which file.
        file: PathBuf,
        /// Counted from 1.
        line: u64,
        /// Of the record.
        number: u64,
    },
    /// The checkpoint knows of later records.
    #[error("the trail ends with record {found}; there were at least {expected}")]
    CutOff {
        /// At least.
        expected: u64,
        /// The last one that is there.
        found: u64,
    },
    /// The record that the checkpoint names is another one.
    #[error(
        "record {number} is not the one that the checkpoint was signed for: the trail was written anew"
    )]
    NotAsSigned {
        /// Of the record.
        number: u64,
    },
    /// The checkpoint is not signed with the key.
    #[error("the checkpoint was changed, or the key was")]
    BadSignature,
    /// Records without checkpoint, or without key.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// It was written from another store than the one that is here.
    #[error("the trail is that of store {trail}, and the store here is {store}")]
    OtherStore {
        /// That the trail was written from.
        trail: String,
        /// That is here.
        store: String,
    },
    /// The store was audited in trails, and none of them is here.
    #[error("the store knows of an audit trail that is not here")]
    Gone,
}

/// Reads the whole trail of a data folder. A folder without one is a trail without records.
///
/// # Errors
/// A file cannot be read. What was tampered with is no error, but [`AuditReport::damage`].
pub fn verify(data_dir: &Path) -> Result<AuditReport, AuditError> {
    Ok(walk(data_dir)?.report())
}

/// The same, and whether the trail and `store` belong together.
///
/// # Errors
/// A file or the store cannot be read.
pub fn verify_with_store(data_dir: &Path, store: &dyn Store) -> Result<AuditReport, KeeperError> {
    let mut found = walk(data_dir)?;
    if found.damage.is_none() {
        found.damage = mismatch(&found, data_dir, store)?;
    }
    Ok(found.report())
}

fn mismatch(
    found: &Found,
    data_dir: &Path,
    store: &dyn Store,
) -> Result<Option<Damage>, KeeperError> {
    let identity = store.identity()?;
    if let Some(trail) = found.store_id.as_ref().filter(|id| **id != identity.id) {
        return Ok(Some(Damage::OtherStore {
            trail: trail.clone(),
            store: identity.id,
        }));
    }
    let known = store.records(RecordKind::AuditTrail)?;
    let own = Key::load(data_dir)?.and_then(|key| key.trail_id());
    let is_known = known.iter().any(|record| Some(&record.id) == own.as_ref());
    // A trail of an earlier version is known to no store.
    let is_gone = !known.is_empty() && !is_known && found.last.number == 0;
    Ok(is_gone.then_some(Damage::Gone))
}

/// The event of the last record.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastEvent {
    pub(crate) writer: String,
    /// 0 for what the trail says of itself.
    pub(crate) place: u64,
    pub(crate) id: String,
}

impl LastEvent {
    /// The store is recorded as far as this one. Behind what the trail says of itself, places count anew.
    pub(super) fn add_to(&self, offsets: &mut Offsets) {
        if self.place == 0 {
            offsets.clear();
        } else {
            offsets.advance(&self.writer, self.place);
        }
    }
}

/// What is found on the way through a trail.
pub(super) struct Found {
    /// Before the first record.
    pub(super) base: Seal,
    /// The last record.
    pub(super) last: Seal,
    /// How far the store is recorded.
    pub(super) offsets: Offsets,
    /// The last event.
    pub(super) last_event: LastEvent,
    /// Of the store that it is from, where the trail says so.
    pub(super) store_id: Option<String>,
    pub(super) damage: Option<Damage>,
}

impl Found {
    fn report(self) -> AuditReport {
        AuditReport {
            records: self.last.number - self.base.number,
            first: self.base.number + 1,
            damage: self.damage,
        }
    }
}

pub(super) fn walk(data_dir: &Path) -> Result<Found, AuditError> {
    let folder = folder(data_dir);
    let found = |damage| Found {
        base: Seal::of_nothing(),
        last: Seal::of_nothing(),
        offsets: Offsets::default(),
        last_event: LastEvent::default(),
        store_id: None,
        damage,
    };
    // A collector that begins a trail makes the checkpoint, then the key, then files.
    let key = match Key::load(data_dir)? {
        Some(key) => key,
        None if segments(&folder)?.is_empty() => return Ok(found(None)),
        // Unless the trail was begun just now.
        None => match Key::load(data_dir)? {
            Some(key) => key,
            None => {
                return Ok(found(Some(Damage::Missing("the key of the audit trail"))));
            }
        },
    };
    // Before the files: while a collector writes, they may have more than it says, never less.
    let checkpoint = Checkpoint::load(&folder);
    let files = segments(&folder)?;
    let checkpoint = match checkpoint {
        Ok(Some(checkpoint)) if checkpoint.is_signed_by(&key) => checkpoint,
        Ok(Some(_)) | Err(_) => return Ok(found(Some(Damage::BadSignature))),
        Ok(None) => {
            return Ok(found(Some(Damage::Missing(
                "the checkpoint of the audit trail",
            ))));
        }
    };
    let mut walk = Walk {
        base: checkpoint.base(),
        last: checkpoint.base(),
        head: checkpoint.head(),
        offsets: Offsets::default(),
        last_event: LastEvent::default(),
    };
    let mut damage = None;
    for (_, path) in &files {
        damage = walk.through(path)?;
        if damage.is_some() {
            break;
        }
    }
    if damage.is_none() && walk.last.number < walk.head.number {
        damage = Some(Damage::CutOff {
            expected: walk.head.number,
            found: walk.last.number,
        });
    }
    Ok(Found {
        base: walk.base,
        last: walk.last,
        offsets: walk.offsets,
        last_event: walk.last_event,
        store_id: checkpoint.store_id().map(str::to_owned),
        damage,
    })
}

struct Walk {
    base: Seal,
    last: Seal,
    head: Seal,
    offsets: Offsets,
    last_event: LastEvent,
}

impl Walk {
    fn through(&mut self, path: &Path) -> Result<Option<Damage>, AuditError> {
        let failed = |error| AuditError::at(path, error);
        let mut reader = BufReader::new(File::open(path).map_err(failed)?);
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
                break;
            }
            if bytes.last() != Some(&b'\n') {
                // A crash in the middle of writing: this record was not acknowledged by a checkpoint. If it was, the
                // trail is cut off, and that is found at the end.
                break;
            }
            bytes.pop();
            if let Some(damage) = self.step(path, line, &bytes) {
                return Ok(Some(damage));
            }
        }
        Ok(None)
    }

    fn step(&mut self, path: &Path, line: u64, bytes: &[u8]) -> Option<Damage> {
        let file = path.to_owned();
        let Some(record) = std::str::from_utf8(bytes).ok().and_then(record::read) else {
            return Some(Damage::Changed { file, line });
        };
        let number = record.seal.number;
        // What retention has signed away, and a crash kept it from removing.
        if number <= self.base.number && self.last == self.base {
            return None;
        }
        let expected = self.last.number + 1;
        if number != expected {
            return Some(Damage::OutOfOrder {
                file,
                line,
                expected,
                found: number,
            });
        }
        if record.previous != self.last.hash {
            return Some(Damage::Unchained { file, line, number });
        }
        if number == self.head.number && record.seal.hash != self.head.hash {
            return Some(Damage::NotAsSigned { number });
        }
        self.last = record.seal;
        self.last_event = LastEvent {
            writer: record.writer,
            place: record.place,
            id: record.event_id,
        };
        self.last_event.add_to(&mut self.offsets);
        None
    }
}
