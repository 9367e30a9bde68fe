//! The `kt` command: lints policies, renders Envoy configuration, runs the gateway.

mod collector_url;
mod commands;
mod explain;
mod find;
mod gateway;
mod logger;
mod paths;
mod policy_file;
mod secrets;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    logger::install();
    commands::Cli::parse().run().unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
