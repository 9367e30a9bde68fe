//! `kt policy`: explain, lint and schema.

mod contents;
mod explain;
mod lint;

use std::process::ExitCode;

use clap::Subcommand;

use super::Failure;

/// What a program that asked for a verdict reads as "no".
const INVALID: u8 = 2;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a policy: exit code 0 if it can be used, 2 if not
    Lint(lint::Lint),
    /// Show which targets a request would go to, and why, without sending it
    Explain(explain::Explain),
    /// Print the JSON Schema of policies
    Schema,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Lint(lint) => lint.run(),
            Self::Explain(explain) => explain.run(),
            Self::Schema => {
                println!("{}", ::policy::json_schema().trim_end());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
