//! What this gateway has heard of its collector, kept in the data folder: a collector that comes back with less opens
//! nothing, even where the gateway was restarted meanwhile.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use events::{ControlState, KnownControl};

use super::external::Question;
use crate::commands::Failure;
use crate::files;

const LOG: &str = "keeptrusts::gateway";
const FILE: &str = "known-control.json";
/// Thousands of budgets take less.
const MOST_BYTES: usize = 16 << 20;
/// How often the collector is asked for what is to be remembered. What the filter itself does is not asked here.
const INTERVAL: Duration = Duration::from_secs(5);

/// What is known, and where it is kept.
#[derive(Debug)]
pub(crate) struct Memory {
    file: PathBuf,
    pub(crate) known: KnownControl,
}

/// Keeps a memory up to date as long as it lives.
pub(crate) struct Remembering {
    _end: Sender<()>,
}

impl Memory {
    /// What earlier processes with this data folder have left. A file that says nothing readable may have said that keys
    /// are required, so they are.
    pub(crate) fn load(data_folder: &Path) -> Self {
        let file = data_folder.join(FILE);
        let unreadable = |error: &dyn std::fmt::Display| {
            log::warn!(
                target: LOG,
                "cannot read {}: {error}; requests need a key (without the file, as the collector says)",
                file.display()
            );
            let mut known = KnownControl::default();
            known.keys_were_required = true;
            known
        };
        let known = match files::read(&file, MOST_BYTES) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| unreadable(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => KnownControl::default(),
            Err(error) => unreadable(&error),
        };
        Self { file, known }
    }

    /// Takes over what the collector answered, and writes down what is new of it.
    pub(crate) fn learn(&mut self, heard: ControlState) {
        let before = self.known.to_remember();
        self.known.learn(heard);
        let mut after = self.known.to_remember();
        if after == before {
            return;
        }
        after.keys_were_required |= self.was_required_by_others();
        let written = serde_json::to_vec(&after)
            .map_err(io::Error::from)
            .and_then(|content| files::replace(&self.file, &content));
        if let Err(error) = written {
            log::warn!(target: LOG, "cannot write {}: {error}", self.file.display());
        }
    }

    /// Another gateway with this data folder has left word, perhaps of another collector.
    fn was_required_by_others(&self) -> bool {
        files::read(&self.file, MOST_BYTES)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<KnownControl>(&bytes).ok())
            .is_some_and(|known| known.keys_were_required)
    }

    /// Asks again and again, on a thread of its own, until the result is dropped.
    pub(crate) fn keep_learning(mut self, question: Question) -> Result<Remembering, Failure> {
        let (end, ended) = channel();
        thread::Builder::new()
            .name("known-control".to_owned())
            .spawn(move || {
                let mut failing = false;
                while goes_on(&ended) {
                    match question.ask() {
                        Ok(heard) => {
                            self.learn(heard);
                            failing = false;
                        }
                        Err(error) if !failing => {
                            log::warn!(
                                target: LOG,
                                "The collector cannot be asked for keys and budgets: {error}; what was in force stays so"
                            );
                            failing = true;
                        }
                        Err(_) => {}
                    }
                }
            })?;
        Ok(Remembering { _end: end })
    }
}

fn goes_on(ended: &Receiver<()>) -> bool {
    ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;
    use tempfile::tempdir;

    use super::*;

    fn heard(keys_required: bool) -> ControlState {
        serde_json::from_value(json!({"version": "1", "keys_required": keys_required})).unwrap()
    }

    #[test]
    fn what_was_heard_once_is_known_after_a_restart() {
        let folder = tempdir().unwrap();
        let mut memory = Memory::load(folder.path());
        assert!(!memory.known.keys_were_required);
        memory.learn(heard(true));
        memory.learn(heard(false));
        assert!(Memory::load(folder.path()).known.keys_were_required);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_permission() {
        for content in ["", "{", "[]", "{\"version\": 1}"] {
            let folder = tempdir().unwrap();
            fs::write(folder.path().join(FILE), content).unwrap();
            let known = Memory::load(folder.path()).known;
            assert!(known.keys_were_required, "{content}");
        }
        let folder = tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE)).unwrap();
        assert!(Memory::load(folder.path()).known.keys_were_required);
    }
}
