//! `kt backup`: a copy of what a collector keeps, while it runs or not.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use collector::{StoreLocation, snapshot, verify_audit};

use super::Failure;
use crate::files;
use crate::output::print;
use crate::paths::{self, variable};

/// Small files of a data folder: what must not be forgotten, and the tokens of gateways and people.
const FILES: [&str; 5] = [
    "control-mark.json",
    "known-control.json",
    "audit-key",
    "api-token",
    "ingest-token",
];
/// Largest of them, in bytes.
const MAX_FILE_BYTES: usize = 64 << 20;

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder to make; it must not be there
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Where the collector keeps its files [default: the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Backup {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let from = self
            .data_dir
            .unwrap_or_else(|| paths::data_folder(&variable));
        if !from.is_dir() {
            return Err(format!("there is no folder {}", from.display()).into());
        }
        let to = self.to;
        DirBuilder::new()
            .mode(0o700)
            .create(&to)
            .map_err(|error| format!("cannot make {}: {error}", to.display()))?;
        // Before the store: what they tell of is in the store then.
        for name in FILES {
            copy(&from.join(name), &to.join(name))?;
        }
        let records = copy_audit(&from, &to)?;
        let mut copied = vec![format!("{records} audit records")];
        let store = StoreLocation::below(&from);
        match (&store, StoreLocation::below(&to)) {
            (StoreLocation::Sqlite(store), StoreLocation::Sqlite(copy)) if store.is_file() => {
                snapshot(store, &copy)?;
                copied.insert(0, String::from("the store"));
            }
            _ => eprintln!(
                "There is no store in {}: a ClickHouse has a BACKUP of its own",
                from.display()
            ),
        }
        print(&format!("{}: {}\n", to.display(), copied.join(", ")))?;
        eprintln!(
            "Keys of providers are not copied. To restore, stop the gateway and start it with this folder as --data-dir."
        );
        Ok(())
    }
}

/// Copies a file, if it is there, readable for its owner alone.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| format!("cannot copy {}: {error}", from.display());
    match files::read(from, MAX_FILE_BYTES) {
        Ok(bytes) => Ok(files::replace(to, &bytes).map_err(failed)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error).into()),
    }
}

/// Copies the audit trail, and says how many records it has.
fn copy_audit(from: &Path, to: &Path) -> Result<u64, Failure> {
    let (from, target) = (from.join("audit"), to.join("audit"));
    if !from.is_dir() {
        return Ok(0);
    }
    DirBuilder::new().mode(0o700).create(&target)?;
    // The checkpoint first: a collector that writes may have more in its files than the checkpoint says, never less.
    copy(
        &from.join("checkpoint.json"),
        &target.join("checkpoint.json"),
    )?;
    for entry in fs::read_dir(&from)? {
        let path = entry?.path();
        let Some(name) = path
            .file_name()
            .filter(|_| path.extension().is_some_and(|end| end == "ndjson"))
        else {
            continue;
        };
        copy(&path, &target.join(name))?;
    }
    let report = verify_audit(to)?;
    match report.damage {
        None => Ok(report.records),
        Some(damage) => Err(format!("the audit trail is damaged: {damage}").into()),
    }
}
