//! Webhooks in a store.

use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::records::{self, Records};
use crate::store::{RecordKind, Store, StoreError};
use crate::webhook::{CreatedWebhook, NewWebhook, Webhook};
use crate::webhook_dispatcher::{InvalidDestination, parse_destination};

/// How many there may be.
const MAX_WEBHOOKS: usize = 100;

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
    if let Err(error) = parse_destination(&new.url) {
        // What is wrong with it may be its password.
        let found = match error {
            InvalidDestination::NotHttp => "something else".to_owned(),
            InvalidDestination::Metadata => "one of them".to_owned(),
        };
        return Err(ApiError::Invalid(format!("url: {error}, found {found}")));
    }
    if stored(store)?.readable.len() >= MAX_WEBHOOKS {
        return Err(ApiError::Conflict(format!(
            "there are {MAX_WEBHOOKS} webhooks: delete one first"
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
