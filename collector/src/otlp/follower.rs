//! Follows the store for one signal, and remembers how far its receiver has come.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use events::{Event, read_event};

use super::client::{ExportError, OtlpClient};
use super::{LOG, logs, spans};
use crate::local::Local;
use crate::offsets::Offsets;
use crate::query::{Cursor, EventFilter, EventKind};
use crate::store::StoreError;

/// How often the store is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Events of one request.
const PORTION: usize = 256;
/// First wait after a failure; doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What is made of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
}

/// One signal on its way.
pub(super) struct Follower {
    pub(super) signal: Signal,
    pub(super) api: Local,
    pub(super) client: OtlpClient,
    pub(super) service_name: String,
    /// Holds the cursor of the last event that the receiver took.
    pub(super) file: PathBuf,
}

/// Why there is no progress.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Export(#[from] ExportError),
    #[error("how far it has come cannot be kept: {0}")]
    Io(#[from] io::Error),
}

impl Signal {
    pub(super) fn thread(self) -> &'static str {
        match self {
            Self::Traces => "kt-otlp-traces",
            Self::Logs => "kt-otlp-logs",
        }
    }

    /// In the data folder.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Traces => "otlp-traces.cursor",
            Self::Logs => "otlp-logs.cursor",
        }
    }

    /// Of which it is made.
    fn events(self) -> EventKind {
        match self {
            Self::Traces => EventKind::Decision,
            Self::Logs => EventKind::Any,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
        }
    }
}

impl Follower {
    /// Until the other end of `end` is gone; then once more, for the last events.
    pub(super) fn run(self, end: &Receiver<()>) {
        let mut offsets = None;
        let mut wait = FIRST_WAIT;
        let mut not_before = Instant::now();
        let mut failing = false;
        loop {
            let ends = !matches!(end.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout));
            if ends || Instant::now() >= not_before {
                match self.catch_up(&mut offsets) {
                    Ok(()) => {
                        if failing {
                            log::info!(target: LOG, "{} go to {} again", self.signal.name(), self.client.receiver());
                        }
                        failing = false;
                        wait = FIRST_WAIT;
                    }
                    Err(error) => {
                        if !failing {
                            log::warn!(
                                target: LOG,
                                "{} do not reach {}: {error}; they wait and are sent again",
                                self.signal.name(),
                                self.client.receiver()
                            );
                        }
                        failing = true;
                        not_before = Instant::now() + wait;
                        wait = (wait * 2).min(LONGEST_WAIT);
                    }
                }
            }
            if ends {
                return;
            }
        }
    }

    fn catch_up(&self, known: &mut Option<Offsets>) -> Result<(), FollowError> {
        let filter = EventFilter {
            kind: self.signal.events(),
            ..EventFilter::default()
        };
        let mut seen = match known.take() {
            Some(seen) => seen,
            None => self.first_offsets()?,
        };
        loop {
            *known = Some(seen.clone());
            let arrivals = self.api.store.arrivals(&filter, Some(&seen), PORTION)?;
            if arrivals.data.is_empty() {
                return Ok(());
            }
            let events: Vec<Event<'static>> = (arrivals.data.iter())
                .filter_map(|arrival| read_event(arrival.json.get().as_bytes()).ok())
                .collect();
            match self.send(&events) {
                Err(ExportError::Refused(why)) => log::error!(
                    target: LOG,
                    "{} refuses {} of {} events, which are not sent again: {why}",
                    self.client.receiver(),
                    self.signal.name(),
                    events.len()
                ),
                other => other?,
            }
            seen = arrivals.last;
            let cursor = Cursor::Arrival(seen.clone()).to_string();
            *known = Some(seen.clone());
            std::fs::write(&self.file, cursor)?;
        }
    }

    /// Behind what the receiver took last; where it took nothing yet, from now on.
    fn first_offsets(&self) -> Result<Offsets, FollowError> {
        let kept = std::fs::read_to_string(&self.file).unwrap_or_default();
        if let Ok(Cursor::Arrival(offsets)) = Cursor::parse(kept.trim()) {
            return Ok(offsets);
        }
        let newest = self
            .api
            .store
            .arrivals(&EventFilter::default(), None, 1)?
            .last;
        std::fs::write(&self.file, Cursor::Arrival(newest.clone()).to_string())?;
        Ok(newest)
    }

    fn send(&self, events: &[Event<'_>]) -> Result<(), ExportError> {
        match self.signal {
            Signal::Traces => spans::request(&self.service_name, events)
                .map_or(Ok(()), |request| self.client.send(&request)),
            Signal::Logs => logs::request(&self.service_name, events)
                .map_or(Ok(()), |request| self.client.send(&request)),
        }
    }
}
