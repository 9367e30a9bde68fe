//! Webhooks in a store.

use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::records::{self, Records};
use crate::store::{RecordKind, Store, StoreError};
use crate::webhook::{CreatedWebhook, NewWebhook, Webhook};

/// As it is stored. The secret signs every message, so it has to be there.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredWebhook {
    #[serde(flatten)]
    pub(crate) webhook: Webhook,
    pub(crate) secret: String,
}

pub(crate) fn stored(store: &dyn Store) -> Result<Records<StoredWebhook>, StoreError> {
    records::all(store, RecordKind::Webhook, "url")
}

pub(crate) fn list(store: &dyn Store) -> Result<Vec<Webhook>, ApiError> {
    let Records {
        readable,
        unreadable,
    } = stored(store)?;
    let unreadable = unreadable.into_iter().map(|one| Webhook {
        id: one.id,
        url: one.name,
        event_types: Vec::new(),
        created_at_ms: 0,
        error: Some(one.reason),
    });
    Ok(unreadable
        .chain(readable.into_iter().map(|one| one.webhook))
        .collect())
}

pub(crate) fn create(
    store: &dyn Store,
    now_ms: u64,
    new: &NewWebhook,
) -> Result<CreatedWebhook, ApiError> {
    let host = new
        .url
        .strip_prefix("http://")
        .or_else(|| new.url.strip_prefix("https://"));
    let good = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'))
        && !new
            .url
            .contains(|c: char| c.is_whitespace() || c.is_control());
    if !good {
        return Err(ApiError::Invalid(format!(
            "url: expected http://… or https://…, found {:?}",
            new.url
        )));
    }
    let secret = records::secret()?;
    let webhook = Webhook {
        id: records::id_of("whk_", secret.as_bytes()),
        url: new.url.clone(),
        event_types: new.event_types.clone(),
        created_at_ms: now_ms,
        error: None,
    };
    let stored = StoredWebhook {
        webhook: webhook.clone(),
        secret: secret.clone(),
    };
    records::put(store, RecordKind::Webhook, &webhook.id, &stored)?;
    Ok(CreatedWebhook { secret, webhook })
}

pub(crate) fn delete(store: &dyn Store, id: &str) -> Result<(), ApiError> {
    records::delete(store, RecordKind::Webhook, "webhook", id)
}
