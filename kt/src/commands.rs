//! The command line: one file for each first word.

mod audit;
mod backup;
mod collector;
mod console;
mod count;
mod doctor;
mod envoy;
mod events;
pub(crate) mod gateway;
mod import;
mod login;
mod policy;
mod prices;
mod shell;
mod source;
mod spend;
mod tokens;
mod webhooks;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::logger::{self, LogFormat};

/// What a command says when it cannot do its work: one line.
pub(crate) type Failure = Box<dyn Error>;

/// Keeptrusts for Envoy: an LLM gateway.
#[derive(Debug, Parser)]
#[command(name = "kt", version, about, propagate_version = true)]
pub(crate) struct Cli {
    /// How log lines on stderr are written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        global = true,
        env = "KEEPTRUSTS_LOG_FORMAT"
    )]
    log_format: LogFormat,
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
    /// Check the record of decisions
    #[command(subcommand)]
    Audit(audit::Command),
    /// Copy the store and the audit trail into a new folder, while a gateway runs or not
    Backup(backup::Backup),
    /// Look for what would keep a gateway from serving: policy, keys, providers, Envoy, ports
    Doctor(doctor::Doctor),
    /// Run a collector for gateways that run elsewhere
    #[command(subcommand)]
    Collector(collector::Command),
    /// Open the console in a browser, signed in
    Console(console::Console),
    /// Look at what happened to requests
    #[command(subcommand)]
    Events(events::Command),
    /// Look at what providers cost, and set ceilings
    #[command(subcommand)]
    Spend(spend::Command),
    /// Turn another gateway's configuration into a policy
    #[command(subcommand)]
    Import(import::Command),
    /// Look at the list prices that count where a policy gives none
    #[command(subcommand)]
    Prices(prices::Command),
    /// Make and revoke the keys that clients show to the gateway
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Be told when a provider fails or a budget runs out: webhooks, Slack, PagerDuty, Alertmanager
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Print what a shell completes commands and options by
    Completions(shell::Completions),
    /// Print the manual page, or write those of all commands
    Man(shell::Man),
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        logger::set_format(self.log_format);
        match self.command {
            Command::Policy(command) => command.run(),
            Command::Envoy(command) => command.run(),
            Command::Gateway(command) => command.run(),
            Command::Audit(command) => command.run(),
            Command::Backup(backup) => backup.run().map(|()| ExitCode::SUCCESS),
            Command::Doctor(doctor) => doctor.run(),
            Command::Collector(command) => command.run(),
            Command::Console(console) => console.run(),
            Command::Events(command) => command.run(),
            Command::Spend(command) => command.run(),
            Command::Import(command) => command.run(),
            Command::Prices(command) => command.run(),
            Command::Tokens(command) => command.run(),
            Command::Webhooks(command) => command.run(),
            Command::Completions(completions) => completions.run(),
            Command::Man(man) => man.run(),
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
