//! Follows the store, and records what it finds: so the trail has every decision once, in the order of arrival, whatever
//! crashes in between.

use super::{AuditError, Trail};
use crate::local::Local;
use crate::query::{Condition, EventFilter, EventKind, Field};
use crate::settings::AuditScope;
use crate::store::StoreError;

/// Records that are written before the disk is asked.
const PORTION: usize = 1_000;

/// Follows the store for the trail.
pub(crate) struct Keeper {
    trail: Trail,
    place: u64,
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeeperError {
    /// The trail.
    #[error("{0}")]
    Audit(#[from] AuditError),
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Keeper {
    /// Goes on where the trail ends.
    pub(crate) fn new(trail: Trail) -> Self {
        Self {
            place: trail.place(),
            trail,
        }
    }

    /// Records what arrived since.
    pub(crate) fn catch_up(&mut self, api: &Local, scope: AuditScope) -> Result<(), KeeperError> {
        let filter = wanted(scope);
        loop {
            let arrivals = api.store.arrivals(&filter, Some(self.place), PORTION)?;
            self.place = arrivals.last;
            if arrivals.data.is_empty() {
                return Ok(());
            }
            self.trail.append(&arrivals.data, api.now_ms())?;
        }
    }

    /// Removes what is older than retention wants it.
    pub(crate) fn forget_before(&mut self, unix_ms: u64) -> Result<(), AuditError> {
        self.trail.forget_before(unix_ms)
    }
}

fn wanted(scope: AuditScope) -> EventFilter {
    let decision = |value: &str| Condition {
        field: Field::Decision,
        value: value.to_owned(),
    };
    EventFilter {
        kind: EventKind::Decision,
        conditions: match scope {
            AuditScope::EveryDecision => Vec::new(),
            AuditScope::BlockedAndFlagged => vec![decision("blocked"), decision("flagged")],
        },
        ..EventFilter::default()
    }
}
