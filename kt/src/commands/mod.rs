//! The command line: one file for each first word.

mod envoy;
mod gateway;
mod policy;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a command says when it cannot do its work: one line.
pub(crate) type Failure = Box<dyn Error>;

/// Keeptrusts for Envoy: an LLM gateway.
#[derive(Debug, Parser)]
#[command(name = "kt", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check policies
    #[command(subcommand)]
    Policy(policy::Command),
    /// Render Envoy configuration
    #[command(subcommand)]
    Envoy(envoy::Command),
    /// Run the gateway
    #[command(subcommand)]
    Gateway(gateway::Command),
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Policy(command) => command.run(),
            Command::Envoy(command) => command.run(),
            Command::Gateway(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
