//! The `kt` command: lints policies, renders Envoy configuration, runs the gateway.

mod collector_url;
mod commands;
mod doctor;
mod explain;
mod files;
mod find;
mod gateway;
mod http;
mod import;
mod logger;
mod model_check;
mod open_files;
mod output;
mod paths;
mod policy_file;
mod redacted;
mod secrets;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue};

use redacted::Redacted;

fn main() -> ExitCode {
    logger::install();
    let cli = commands::Cli::try_parse().unwrap_or_else(|mut error| {
        // A mistyped URL is repeated there, with its password.
        for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg] {
            if let Some(ContextValue::String(text)) = error.get(kind) {
                let text = redacted::url(text).into_owned();
                error.insert(kind, ContextValue::String(text));
            }
        }
        error.exit()
    });
    cli.run().unwrap_or_else(|error| {
        let broken_pipe = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
        if error.downcast_ref().is_some_and(broken_pipe) {
            // Whoever read our output has seen enough.
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {}", Redacted(&error.to_string()));
        ExitCode::FAILURE
    })
}
