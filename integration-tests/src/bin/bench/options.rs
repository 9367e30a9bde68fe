//! What the command line asks for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Outcome;

const USAGE: &str = "usage: bench [--quick] [--rounds N] [--window-ms N] [--only TEXT] \
    [--soak MINUTES] [--against MODULE.wasm] [--against-kt BINARY]";

/// How long, how often and what is measured.
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
    /// Only scenarios whose name contains this, and no memory.
    pub(crate) only: Option<String>,
    /// Nothing but mixed load for so many minutes, to see whether memory grows.
    pub(crate) soak: Option<f64>,
    /// How often the gateway is started to see how long that takes.
    pub(crate) starts: usize,
    /// Other people's gateways too, where they are installed: they take long to start.
    pub(crate) peers: bool,
    /// Another build of the filter, measured beside the first.
    pub(crate) against: Option<PathBuf>,
    /// Another build of `kt`, the same way: it renders Envoy's configuration.
    pub(crate) against_kt: Option<PathBuf>,
}

/// What a gateway is made of, where it differs from what the environment names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Build<'a> {
    pub(crate) module: Option<&'a Path>,
    pub(crate) kt: Option<&'a Path>,
}

impl Options {
    pub(crate) fn from(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self {
            rounds: 7,
            warm_up: Duration::from_millis(500),
            window: Duration::from_secs(2),
            only: None,
            soak: None,
            starts: 5,
            peers: true,
            against: None,
            against_kt: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(USAGE);
            match argument.as_str() {
                "--quick" => {
                    options.rounds = 2;
                    options.warm_up = Duration::from_millis(80);
                    options.window = Duration::from_millis(250);
                    options.starts = 2;
                    options.peers = false;
                }
                "--rounds" => options.rounds = value()?.parse()?,
                "--window-ms" => options.window = Duration::from_millis(value()?.parse()?),
                "--only" => options.only = Some(value()?),
                "--soak" => options.soak = Some(value()?.parse()?),
                "--against" => options.against = Some(value()?.into()),
                "--against-kt" => options.against_kt = Some(value()?.into()),
                other => return Err(format!("{USAGE}; found {other:?}").into()),
            }
        }
        Ok(options)
    }

    /// The other build, where there is one.
    pub(crate) fn other(&self) -> Option<Build<'_>> {
        let (module, kt) = (self.against.as_deref(), self.against_kt.as_deref());
        (module.is_some() || kt.is_some()).then_some(Build { module, kt })
    }

    pub(crate) fn wants(&self, scenario: &str) -> bool {
        self.only
            .as_deref()
            .is_none_or(|text| scenario.contains(text))
    }
}
