//! The `kt` command: lints policies, renders Envoy configuration, runs the gateway.

mod collector_url;
mod commands;
mod doctor;
mod explain;
mod files;
mod find;
mod gateway;
mod http;
mod logger;
mod open_files;
mod output;
mod paths;
mod policy_file;
mod secrets;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    logger::install();
    commands::Cli::parse().run().unwrap_or_else(|error| {
        let broken_pipe = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
        if error.downcast_ref().is_some_and(broken_pipe) {
            // Whoever read our output has seen enough.
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
