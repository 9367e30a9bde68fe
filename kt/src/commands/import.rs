//! `kt import`: configurations of other gateways as policies.

use std::path::PathBuf;
use std::process::ExitCode;

use ::envoy::to_yaml;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::Failure;
use crate::import::{Imported, litellm, portkey};
use crate::output::print;
use crate::policy_file;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A LiteLLM proxy's config.yaml: models, keys, fallbacks, strategy, aliases, timeouts, prices
    Litellm(File),
    /// A Portkey config in JSON: targets, weights, fallbacks, timeouts
    Portkey(Portkey),
}

#[derive(Debug, Args)]
pub(crate) struct File {
    /// The configuration; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Portkey {
    #[command(flatten)]
    file: File,
    /// What clients ask for: the name of the model group [default: default]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
}

impl Command {
    /// Prints the policy on stdout, and on stderr what it does not take over.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let imported = match &self {
            Self::Litellm(file) => litellm::import(&file.read()?)?,
            Self::Portkey(portkey) => {
                portkey::import(&portkey.file.read()?, portkey.group.as_deref())?
            }
        };
        let Imported { policy, notes } = imported;
        print(&to_yaml(&policy))?;
        for note in notes {
            eprintln!("note: {note}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl File {
    fn read(&self) -> Result<Value, Failure> {
        let (file, name) = policy_file::named(&self.file);
        let text = policy_file::text(&file)?;
        ::policy::yaml_to_json(&text).map_err(|error| format!("{name}:{error}").into())
    }
}
