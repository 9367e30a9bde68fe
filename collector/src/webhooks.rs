//! Webhooks in a store.

use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::deliveries;
use crate::records::{self, Records};
use crate::store::{RecordKind, Store, StoreError};
use crate::webhook::{CreatedWebhook, LastDelivery, NewWebhook, Webhook, WebhookFormat};
use crate::webhook_dispatcher::{InvalidDestination, parse_destination};

/// How many there may be.
const MAX_WEBHOOKS: usize = 100;
/// <https://developer.pagerduty.com/docs/send-alert-event>; the European service is at events.eu.pagerduty.com.
const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";
const ROUTING_KEY_LEN: usize = 32;
/// <https://prometheus.io/docs/alerting/latest/alerts_api/>
const ALERTMANAGER_PATH: &str = "/api/v2/alerts";

/// As it is stored. The secret signs every message, so it has to be there.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredWebhook {
    #[serde(flatten)]
    pub(crate) webhook: Webhook,
    pub(crate) secret: String,
    /// PagerDuty's integration key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) routing_key: Option<String>,
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
        format: WebhookFormat::Generic,
        event_types: Vec::new(),
        created_at_ms: 0,
        last_delivery: None,
        error: Some(one.reason),
    });
    let mut latest = deliveries::latest(store)?;
    let mut readable = readable;
    readable.sort_by(|a, b| {
        let by = |one: &StoredWebhook| (one.webhook.created_at_ms, one.webhook.id.clone());
        by(a).cmp(&by(b))
    });
    let readable = readable.into_iter().map(|one| {
        let last = latest.remove(&one.webhook.id);
        Webhook {
            last_delivery: last.map(|last| LastDelivery {
                at_ms: last.last_try_ms.unwrap_or(last.made_at_ms),
                state: last.state,
                status: last.status,
                error: last.error,
            }),
            ..one.webhook
        }
    });
    Ok(unreadable.chain(readable).collect())
}

pub(crate) fn find(store: &dyn Store, id: &str) -> Result<StoredWebhook, ApiError> {
    let found = stored(store)?
        .readable
        .into_iter()
        .find(|one| one.webhook.id == id);
    found.ok_or_else(|| ApiError::NotFound {
        what: "webhook",
        id: id.to_owned(),
    })
}

pub(crate) fn create(
    store: &dyn Store,
    now_ms: u64,
    new: &NewWebhook,
) -> Result<CreatedWebhook, ApiError> {
    let url = match (new.format, new.url.as_str()) {
        (WebhookFormat::PagerDuty, "") => PAGERDUTY_URL.to_owned(),
        (WebhookFormat::Alertmanager, url) => alertmanager_url(url),
        (_, url) => url.to_owned(),
    };
    check_routing_key(new)?;
    if let Err(error) = parse_destination(&url) {
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
        url,
        format: new.format,
        event_types: new.event_types.clone(),
        created_at_ms: now_ms,
        last_delivery: None,
        error: None,
    };
    let stored = StoredWebhook {
        webhook: webhook.clone(),
        secret: secret.clone(),
        routing_key: new.routing_key.clone(),
    };
    records::put(store, RecordKind::Webhook, &webhook.id, &stored)?;
    Ok(CreatedWebhook { secret, webhook })
}

/// An Alertmanager's address is enough.
fn alertmanager_url(url: &str) -> String {
    match url.split_once("://") {
        Some((_, rest)) if !rest.trim_end_matches('/').contains('/') => {
            format!("{}{ALERTMANAGER_PATH}", url.trim_end_matches('/'))
        }
        _ => url.to_owned(),
    }
}

fn check_routing_key(new: &NewWebhook) -> Result<(), ApiError> {
    let fits = match (new.format, &new.routing_key) {
        (WebhookFormat::PagerDuty, Some(key)) => {
            key.len() == ROUTING_KEY_LEN && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
        (WebhookFormat::PagerDuty, None) => false,
        (_, key) => key.is_none(),
    };
    if fits {
        return Ok(());
    }
    // A key that is wrong may be another secret.
    Err(ApiError::Invalid(match new.format {
        WebhookFormat::PagerDuty => format!(
            "routing_key: expected the integration key of PagerDuty's Events API v2, {ROUTING_KEY_LEN} letters and digits"
        ),
        other => format!("routing_key: expected none for the format {}", other.name()),
    }))
}

pub(crate) fn delete(store: &dyn Store, id: &str) -> Result<(), ApiError> {
    records::delete(store, RecordKind::Webhook, "webhook", id)?;
    Ok(deliveries::forget(store, id)?)
}
