//! What is wrong with a collector that serves, as `GET /v1/health` and the log tell it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What can be wrong; of each, the latest state counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// The audit trail is wanted and cannot be written.
    Audit,
    /// The store is not the one that it was, and something is missing in it.
    Store,
    /// Records of people cannot be read.
    Records,
    /// What is remembered outside the store cannot be read or written.
    Mark,
}

/// What is wrong at the moment.
#[derive(Debug, Default)]
pub(crate) struct Problems(Mutex<BTreeMap<Topic, String>>);

impl Problems {
    /// From now on, `text` is wrong with `topic`; `None`: nothing. A change is logged, with `detail` behind it. Health
    /// needs no token: `text` names no path, key or provider.
    pub(crate) fn set(&self, topic: Topic, text: Option<&str>, detail: &str) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.get(&topic).map(String::as_str) == text {
            return;
        }
        match text {
            Some(text) => {
                let separator = if detail.is_empty() { "" } else { ": " };
                log::error!(target: "keeptrusts::collector", "{text}{separator}{detail}");
                problems.insert(topic, text.to_owned());
            }
            None => {
                log::info!(target: "keeptrusts::collector", "{topic:?}: nothing is wrong any more");
                problems.remove(&topic);
            }
        }
    }

    /// Whether something is wrong with `topic`.
    pub(crate) fn has(&self, topic: Topic) -> bool {
        let problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        problems.contains_key(&topic)
    }

    /// Everything that is wrong.
    pub(crate) fn all(&self) -> Vec<String> {
        let problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        problems.values().cloned().collect()
    }
}
