//! What a collector remembers of keys and budgets outside its store, so that a store that is lost, replaced or restored
//! opens no door: `control-mark.json` in the data folder.
//!
//! From another store, or an older copy of the same, absence is no decision. Whatever restricts is put back: ceilings are
//! set again, revoked keys are revoked again, and keys stay required. Nothing that permits is: lost keys stay lost.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use events::LostState;
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::budgets::{self, StoredBudget};
use crate::health::{Problems, Topic};
use crate::key::KeyState;
use crate::keys::{self, StoredKey};
use crate::period;
use crate::records::{self, Records};
use crate::store::{RecordKind, Store, StoreError, StoreIdentity};

/// The mark of a data folder.
pub(crate) struct ControlMark {
    path: PathBuf,
    problems: Arc<Problems>,
    state: Mutex<State>,
}

struct State {
    mark: Mark,
    /// Counts changes of `mark`.
    changes: u64,
    /// There is a file that cannot be read: it stays, for whoever looks at it to decide.
    keep_file: bool,
}

/// As it is in the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// Of the store that the rest was seen in; `None` before the first one.
    store_id: Option<String>,
    /// Of that store.
    generation: u64,
    /// There were keys.
    keys: bool,
    /// Ids of keys that were revoked.
    revoked: Vec<String>,
    /// All budgets.
    budgets: Vec<StoredBudget>,
    /// When another store, or an older copy, was found in the place of the one before: what was spent until then is not
    /// known.
    lost_at_ms: Option<u64>,
}

/// Keys and budgets as they are in the store.
struct ControlRecords {
    identity: StoreIdentity,
    keys: Records<StoredKey>,
    budgets: Records<StoredBudget>,
}

/// What gateways are to follow.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) store_id: String,
    /// All keys, those that cannot be read left out.
    pub(crate) keys: Vec<StoredKey>,
    /// There are or were keys.
    pub(crate) had_keys: bool,
    /// All budgets; of those that cannot be read, what they were.
    pub(crate) budgets: Vec<StoredBudget>,
    pub(crate) lost: LostState,
}

impl ControlRecords {
    fn read(store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self {
            // First: what is read after it is at least as new.
            identity: store.identity()?,
            keys: keys::stored(store)?,
            budgets: budgets::stored(store)?,
        })
    }
}

// === impl ControlMark ===

impl ControlMark {
    /// Reads the mark of a data folder, if there is one.
    pub(crate) fn load(data_dir: &Path, problems: Arc<Problems>) -> Self {
        let path = data_dir.join("control-mark.json");
        let (mark, keep_file) = match read(&path) {
            Ok(mark) => (mark, false),
            Err(error) => {
                let text =
                    "the collector's memory of keys and budgets cannot be read: keys are required";
                let detail = format!(
                    "{}: {error}; remove the file if there were no keys",
                    path.display()
                );
                problems.set(Topic::Mark, Some(text), &detail);
                let mark = Mark {
                    keys: true,
                    ..Mark::default()
                };
                (mark, true)
            }
        };
        Self {
            path,
            problems,
            state: Mutex::new(State {
                mark,
                changes: 0,
                keep_file,
            }),
        }
    }

    /// Whether there ever were keys, as far as the mark tells.
    pub(crate) fn had_keys(&self) -> bool {
        self.state().mark.keys
    }

    /// Reads keys and budgets, puts back what must not be missing, and remembers the rest.
    pub(crate) fn follow(&self, store: &dyn Store, now_ms: u64) -> Result<InForce, ApiError> {
        loop {
            let seen = self.state().changes;
            let found = ControlRecords::read(store)?;
            let mut state = self.state();
            if state.changes != seen {
                // What was read may be older than what the mark was made from.
                continue;
            }
            if state.mark.is_of_another(&found.identity) {
                state.mark.put_back(store, now_ms, &found)?;
                state.mark.lost_at_ms = Some(now_ms);
                // What is read next is what the mark is of.
                state.mark.store_id = None;
                state.changes += 1;
                continue;
            }
            let mark = state.mark.followed_by(&found);
            if mark != state.mark {
                if !state.keep_file {
                    self.write(&mark);
                }
                state.mark = mark.clone();
                state.changes += 1;
            }
            drop(state);
            let in_force = mark.in_force(&found, now_ms);
            self.tell(&found, in_force.lost);
            return Ok(in_force);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mark: &Mark) {
        match write(&self.path, mark) {
            Ok(()) => self.problems.set(Topic::Mark, None, ""),
            Err(error) => {
                let text = "the collector's memory of keys and budgets cannot be written";
                let detail = format!("{}: {error}", self.path.display());
                self.problems.set(Topic::Mark, Some(text), &detail);
            }
        }
    }

    fn tell(&self, found: &ControlRecords, lost: LostState) {
        let text = match (lost.keys, lost.budgets) {
            (false, false) => None,
            (true, false) => {
                Some("the store has lost its keys: clients are refused until they have new ones")
            }
            (false, true) => Some(
                "the store has lost budgets, or what was spent of them: gateways keep what they know",
            ),
            (true, true) => Some(
                "the store has lost its keys and budgets: clients are refused until they have new keys, and what was spent is not known",
            ),
        };
        self.problems.set(Topic::Store, text, "");
        let unreadable = found.keys.unreadable.iter().map(|one| ("key", one));
        let budgets = found.budgets.unreadable.iter().map(|one| ("budget", one));
        let all: Vec<String> = unreadable
            .chain(budgets)
            .map(|(what, one)| format!("{what} {}: {}", one.id, one.reason))
            .collect();
        let text = (!all.is_empty())
            .then(|| format!("{} records of keys or budgets cannot be read", all.len()));
        self.problems
            .set(Topic::Records, text.as_deref(), &all.join("; "));
    }
}

// === impl Mark ===

impl Mark {
    /// The store is not the one that this was seen in, or an older copy of it.
    fn is_of_another(&self, identity: &StoreIdentity) -> bool {
        self.store_id
            .as_ref()
            .is_some_and(|id| *id != identity.id || self.generation > identity.generation)
    }

    /// Sets ceilings again, and revokes keys again.
    fn put_back(
        &self,
        store: &dyn Store,
        now_ms: u64,
        found: &ControlRecords,
    ) -> Result<(), ApiError> {
        log::error!(
            target: "keeptrusts::collector",
            "The store is another one than before, or an older copy: budgets are set again, revoked keys stay revoked"
        );
        let has = |budget: &StoredBudget| {
            let readable = &found.budgets.readable;
            readable.iter().any(|other| other.id == budget.id)
        };
        for budget in self.budgets.iter().filter(|budget| !has(budget)) {
            records::put(store, RecordKind::Budget, &budget.id, budget)?;
        }
        for key in &found.keys.readable {
            if key.state(now_ms) == KeyState::Active && self.revoked.contains(&key.id) {
                keys::revoke(store, now_ms, &key.id)?;
            }
        }
        Ok(())
    }

    /// What is to be remembered of what was found now.
    fn followed_by(&self, found: &ControlRecords) -> Self {
        let mut budgets: Vec<_> = self.budgets_in_force(found).cloned().collect();
        budgets.sort_by(|a, b| a.id.cmp(&b.id));
        let revoked = |key: &&StoredKey| key.revoked_at_ms.is_some();
        let revoked = found.keys.readable.iter().filter(revoked);
        Self {
            store_id: Some(found.identity.id.clone()),
            generation: found.identity.generation,
            keys: self.keys || !found.keys.is_empty(),
            revoked: revoked.map(|key| key.id.clone()).collect(),
            budgets,
            lost_at_ms: self.lost_at_ms,
        }
    }

    /// Those that can be read, and of the others what they were.
    fn budgets_in_force<'a>(
        &'a self,
        found: &'a ControlRecords,
    ) -> impl Iterator<Item = &'a StoredBudget> {
        let Records {
            readable,
            unreadable,
        } = &found.budgets;
        let is_unreadable =
            |budget: &&StoredBudget| unreadable.iter().any(|one| one.id == budget.id);
        readable
            .iter()
            .chain(self.budgets.iter().filter(is_unreadable))
    }

    fn in_force(&self, found: &ControlRecords, now_ms: u64) -> InForce {
        let budgets: Vec<_> = self.budgets_in_force(found).cloned().collect();
        let all = found.budgets.readable.len() + found.budgets.unreadable.len();
        let limits = found.keys.readable.iter().filter_map(|key| key.limit);
        let spending_is_lost = self.lost_at_ms.is_some_and(|lost_at_ms| {
            let mut periods = budgets
                .iter()
                .map(|budget| budget.period)
                .chain(limits.map(|limit| limit.period));
            periods.any(|period| period::start_ms(period::around(period, now_ms)) <= lost_at_ms)
        });
        InForce {
            store_id: found.identity.id.clone(),
            keys: found.keys.readable.clone(),
            had_keys: self.keys,
            lost: LostState {
                keys: self.keys && found.keys.is_empty(),
                budgets: budgets.len() < all || spending_is_lost,
            },
            budgets,
        }
    }
}

fn read(path: &Path) -> io::Result<Mark> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Mark::default()),
        Err(error) => Err(error),
    }
}

/// Whole or not at all.
fn write(path: &Path, mark: &Mark) -> io::Result<()> {
    let beside = path.with_extension(format!("json.{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(&serde_json::to_vec(mark)?)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
