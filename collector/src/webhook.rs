//! Webhooks: who is told at once when a provider changes its health or a budget runs out.

use serde::{Deserialize, Serialize};

/// Asks to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// `http://` or `https://`.
    pub url: String,
    /// What about; empty is everything.
    #[serde(default)]
    pub event_types: Vec<WebhookEvent>,
}

/// What webhooks tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// The event of that name, as it was delivered.
    #[serde(rename = "gateway.health_changed")]
    HealthChanged,
    /// A provider's budget reached 80 % or 100 % of a period's limit; once for each period and threshold.
    #[serde(rename = "budget.threshold_reached")]
    BudgetThresholdReached,
    /// A provider is beyond a health threshold; once, until it has recovered.
    #[serde(rename = "health.threshold_breached")]
    ThresholdBreached,
    /// It is not any longer.
    #[serde(rename = "health.threshold_recovered")]
    ThresholdRecovered,
}

impl WebhookEvent {
    /// As `event_types` and messages write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::HealthChanged => "gateway.health_changed",
            Self::BudgetThresholdReached => "budget.threshold_reached",
            Self::ThresholdBreached => "health.threshold_breached",
            Self::ThresholdRecovered => "health.threshold_recovered",
        }
    }
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// `whk_…`
    pub id: String,
    /// Where it goes.
    pub url: String,
    /// What about; empty is everything.
    pub event_types: Vec<WebhookEvent>,
    /// Unix milliseconds.
    pub created_at_ms: u64,
    /// Why its record cannot be read, so that it is told nothing; `None` for all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A webhook, with the secret that signs its messages, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedWebhook {
    /// Key of the HMAC-SHA-256 in header `x-keeptrusts-signature`.
    pub secret: String,
    /// The rest.
    #[serde(flatten)]
    pub webhook: Webhook,
}

// The secret must not get into logs.
impl std::fmt::Debug for CreatedWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedWebhook")
            .field("webhook", &self.webhook)
            .finish_non_exhaustive()
    }
}
