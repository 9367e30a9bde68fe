//! `kt audit`: is the record of decisions what was written?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use collector::{StoreLocation, verify_audit, verify_audit_with_store};
use serde_json::json;

use super::Failure;
use crate::output::{print, print_json};
use crate::paths::{self, variable};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read the whole audit trail, and say whether a record was changed, removed, inserted or moved
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Where the collector keeps the trail [default: the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The store that the trail has to belong to: sqlite:PATH or clickhouse://… [default: events.db of the folder]
    #[arg(long, value_name = "URL", value_parser = super::gateway::store)]
    store: Option<StoreLocation>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Self::Verify(verify) = self;
        verify.run()
    }
}

impl Verify {
    /// Exit code 1 for a trail that was tampered with.
    fn run(self) -> Result<ExitCode, Failure> {
        let folder = self
            .data_dir
            .unwrap_or_else(|| paths::data_folder(&variable));
        if !folder.is_dir() {
            return Err(format!("there is no folder {}", folder.display()).into());
        }
        let beside = StoreLocation::below(&folder);
        let is_there = matches!(&beside, StoreLocation::Sqlite(path) if path.exists());
        let report = match self.store.or_else(|| is_there.then_some(beside)) {
            Some(location) => {
                let store = collector::open(&location)?;
                verify_audit_with_store(&folder, store.as_ref())?
            }
            None => verify_audit(&folder)?,
        };
        let damage = report.damage.as_ref().map(ToString::to_string);
        if self.json {
            print_json(&json!({
                "intact": damage.is_none(),
                "records": report.records,
                "first": report.first,
                "damage": damage,
            }))?;
        } else {
            print(&match &damage {
                Some(damage) => format!("TAMPERED WITH: {damage}\n"),
                None if report.records == 0 => {
                    format!("no audit records in {}\n", folder.display())
                }
                None => format!(
                    "intact: records {} to {}\n",
                    report.first,
                    report.first + report.records - 1
                ),
            })?;
        }
        Ok(if damage.is_none() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
