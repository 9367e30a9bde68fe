//! Messages to webhooks in a store: those that wait survive a restart, and those that do not any longer are the log.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::api::ApiError;
use crate::records;
use crate::store::{RecordKind, Store, StoreError};
use crate::webhook::{Delivery, DeliveryState};

/// Messages of one webhook that are kept after they have ended.
pub(crate) const KEPT: usize = 50;

/// A message that waits from now on.
pub(crate) fn new(
    webhook_id: &str,
    event_type: &str,
    message: &str,
    now_ms: u64,
) -> Result<Delivery, ApiError> {
    let invalid = |error: &dyn std::fmt::Display| ApiError::Invalid(error.to_string());
    let digits = crate::tokens::random_hex().map_err(|error| invalid(&error))?;
    Ok(Delivery {
        id: format!("dlv_{digits}"),
        webhook_id: webhook_id.to_owned(),
        event_type: event_type.to_owned(),
        made_at_ms: now_ms,
        state: DeliveryState::Waiting,
        tries: 0,
        last_try_ms: None,
        next_try_ms: Some(now_ms),
        status: None,
        error: None,
        answer: None,
        message: RawValue::from_string(message.to_owned()).map_err(|error| invalid(&error))?,
    })
}

pub(crate) fn put(store: &dyn Store, delivery: &Delivery) -> Result<(), ApiError> {
    records::put(store, RecordKind::Delivery, &delivery.id, delivery)
}

/// All of them, oldest first.
pub(crate) fn all(store: &dyn Store) -> Result<Vec<Delivery>, StoreError> {
    let mut all: Vec<Delivery> = records::all(store, RecordKind::Delivery, "webhook_id")?.readable;
    all.sort_by(|a, b| (a.made_at_ms, &a.id).cmp(&(b.made_at_ms, &b.id)));
    Ok(all)
}

/// Of one webhook, latest first.
pub(crate) fn of(store: &dyn Store, webhook_id: &str) -> Result<Vec<Delivery>, StoreError> {
    let mut of: Vec<Delivery> = all(store)?;
    of.retain(|delivery| delivery.webhook_id == webhook_id);
    of.reverse();
    Ok(of)
}

/// The latest one of each webhook.
pub(crate) fn latest(store: &dyn Store) -> Result<BTreeMap<String, Delivery>, StoreError> {
    let all = all(store)?.into_iter();
    Ok(all.map(|one| (one.webhook_id.clone(), one)).collect())
}

/// Removes what is beyond [`KEPT`] of one webhook.
pub(crate) fn prune(store: &dyn Store, webhook_id: &str) -> Result<(), StoreError> {
    let ended = |one: &Delivery| one.state != DeliveryState::Waiting;
    for old in of(store, webhook_id)?.into_iter().filter(ended).skip(KEPT) {
        store.delete_record(RecordKind::Delivery, &old.id)?;
    }
    Ok(())
}

/// Removes all of one webhook.
pub(crate) fn forget(store: &dyn Store, webhook_id: &str) -> Result<(), StoreError> {
    for one in of(store, webhook_id)? {
        store.delete_record(RecordKind::Delivery, &one.id)?;
    }
    Ok(())
}
