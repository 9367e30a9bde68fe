//! `kt events`: what happened to requests.

mod columns;
mod compare;
mod export;
mod feedback;
mod filter;
mod list;
mod lookup;
mod pages;
mod tail;

use std::process::ExitCode;

use clap::Subcommand;

pub(crate) use filter::now;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the latest events, oldest first, and with -f those to come
    Tail(tail::Tail),
    /// Show numbers for each provider, model, tag, hour, …, or the events themselves
    List(list::List),
    /// Write events into a file
    Export(export::Export),
    /// Compare the arms of an experiment, and say whether a difference is more than chance
    Compare(compare::Compare),
    /// Say how good the answer of a request was: the Quality Score of reports is the mean of that
    Feedback(feedback::Feedback),
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Tail(tail) => tail.run(),
            Self::List(list) => list.run(),
            Self::Export(export) => export.run(),
            Self::Compare(compare) => compare.run(),
            Self::Feedback(feedback) => feedback.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}
