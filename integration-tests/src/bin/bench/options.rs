//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;

const USAGE: &str = "usage: bench [--quick] [--only TEXT] [--against MODULE.wasm]";

/// How long, how often and what is measured.
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
    /// Only scenarios whose name contains this, and no memory.
    pub(crate) only: Option<String>,
    /// Another build of the filter, measured beside the first.
    pub(crate) against: Option<PathBuf>,
}

impl Options {
    pub(crate) fn from(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self {
            rounds: 7,
            warm_up: Duration::from_millis(500),
            window: Duration::from_secs(2),
            only: None,
            against: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => {
                    options.rounds = 2;
                    options.warm_up = Duration::from_millis(100);
                    options.window = Duration::from_millis(400);
                }
                "--only" => options.only = Some(arguments.next().ok_or(USAGE)?),
                "--against" => options.against = Some(arguments.next().ok_or(USAGE)?.into()),
                other => return Err(format!("{USAGE}; found {other:?}").into()),
            }
        }
        Ok(options)
    }

    pub(crate) fn wants(&self, scenario: &str) -> bool {
        self.only
            .as_deref()
            .is_none_or(|text| scenario.contains(text))
    }
}
