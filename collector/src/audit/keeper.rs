//! Follows the store, and records what it finds: so the trail has every decision once, in the order of arrival, whatever
//! crashes in between.

use serde_json::{Value, json};

use super::{AuditError, Trail, record};
use crate::local::Local;
use crate::offsets::Offsets;
use crate::query::{Condition, EventFilter, EventKind, Field};
use crate::settings::AuditScope;
use crate::store::{Record, RecordKind, Store, StoreError};

const LOG: &str = "keeptrusts::audit";

/// Records that are written before the disk is asked.
const PORTION: usize = 1_000;

/// Follows the store for the trail.
pub(crate) struct Keeper {
    trail: Trail,
    /// How far the store was looked through.
    seen: Offsets,
}

/// Why nothing was recorded, or verified.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The trail.
    #[error("{0}")]
    Audit(#[from] AuditError),
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Keeper {
    /// Goes on where the trail ends. Where the store is not the one that it ends with, says so in the trail and begins
    /// with the first event that the store has: rather twice than never.
    pub(crate) fn new(
        mut trail: Trail,
        api: &Local,
        scope: AuditScope,
    ) -> Result<Self, KeeperError> {
        let store = api.store.as_ref();
        let identity = store.identity()?;
        let known = store.records(RecordKind::AuditTrail)?;
        let is_known = known
            .iter()
            .any(|record| Some(&record.id) == trail.id().as_ref());
        if let Some(change) = change(
            &trail,
            store,
            &identity.id,
            scope,
            !known.is_empty() && !is_known,
        )? {
            log::warn!(target: LOG, "The audit trail begins anew with the first event of the store: {}", change["reason"]);
            trail.note(&change, api.now_ms())?;
        }
        if trail.store_id() != Some(&identity.id) {
            trail.set_store(&identity.id)?;
        }
        if let Some(id) = trail.id().filter(|_| !is_known) {
            let json = json!({"begun_at_ms": api.now_ms()}).to_string();
            store.put_record(RecordKind::AuditTrail, &Record { id, json })?;
        }
        Ok(Self {
            seen: trail.offsets().clone(),
            trail,
        })
    }

    /// Records what arrived since.
    pub(crate) fn catch_up(&mut self, api: &Local, scope: AuditScope) -> Result<(), KeeperError> {
        let filter = wanted(scope);
        loop {
            let arrivals = api.store.arrivals(&filter, Some(&self.seen), PORTION)?;
            self.seen = arrivals.last;
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

/// What is to be recorded of a store that does not go on where the trail ends.
fn change(
    trail: &Trail,
    store: &dyn Store,
    store_id: &str,
    scope: AuditScope,
    has_other_trails: bool,
) -> Result<Option<Value>, StoreError> {
    let told = |reason: &str| {
        json!({"event_type": "audit.store_changed", "reason": reason, "store_id": store_id,
            "former_store_id": trail.store_id()})
    };
    if trail.is_empty() {
        let reason = "the store was audited before, in a trail that is not here";
        return Ok(has_other_trails.then(|| told(reason)));
    }
    if trail.store_id().is_some_and(|id| id != store_id) {
        return Ok(Some(told("it is another store than before")));
    }
    let last = trail.last_event();
    let Some(before) = last.place.checked_sub(1) else {
        return Ok(None);
    };
    // A writer whose events retention has removed is not there at all, and proves nothing.
    let newest = store.arrivals(&EventFilter::default(), None, 1)?.last;
    let is_behind = newest
        .get(&last.writer)
        .is_some_and(|newest| newest < last.place);
    let mut until_last = trail.offsets().clone();
    until_last.set(&last.writer, before);
    let there = store
        .arrivals(&wanted(scope), Some(&until_last), PORTION)?
        .data;
    let mut same_place = there
        .iter()
        .filter(|one| one.writer == last.writer && one.place == last.place);
    let is_another = same_place.any(|one| record::event_id(&one.json) != last.id);
    let is_older = is_behind || is_another;
    Ok(is_older.then(|| told("it is an older copy of the store")))
}
