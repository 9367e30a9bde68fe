//! `kt policy`: lint and schema.

mod contents;
mod lint;

use std::process::ExitCode;

use clap::Subcommand;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a policy: exit code 0 if it can be used, 2 if not
    Lint(lint::Lint),
    /// Print the JSON Schema of policies
    Schema,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Lint(lint) => lint.run(),
            Self::Schema => {
                println!("{}", ::policy::json_schema().trim_end());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
