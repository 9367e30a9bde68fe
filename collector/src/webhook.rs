//! Webhooks: who is told at once when a provider changes its health or a budget runs out.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Asks to be told.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// `http://` or `https://`. Of PagerDuty it may be empty: its public address. Of an Alertmanager its address is enough.
    #[serde(default)]
    pub url: String,
    /// How messages are written.
    #[serde(default)]
    pub format: WebhookFormat,
    /// PagerDuty's integration key, 32 characters; of no other format. It is shown nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<String>,
    /// What about; empty is everything.
    #[serde(default)]
    pub event_types: Vec<WebhookEvent>,
}

/// Who reads the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// Whoever checks `x-keeptrusts-signature`: the messages of this documentation.
    #[default]
    Generic,
    /// A Slack incoming webhook.
    Slack,
    /// PagerDuty's Events API v2.
    PagerDuty,
    /// Alertmanager's API v2.
    Alertmanager,
}

impl WebhookFormat {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Generic,
        Self::Slack,
        Self::PagerDuty,
        Self::Alertmanager,
    ];

    /// As `format` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Slack => "slack",
            Self::PagerDuty => "pagerduty",
            Self::Alertmanager => "alertmanager",
        }
    }
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
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::HealthChanged,
        Self::BudgetThresholdReached,
        Self::ThresholdBreached,
        Self::ThresholdRecovered,
    ];

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
    /// How messages are written.
    #[serde(default)]
    pub format: WebhookFormat,
    /// What about; empty is everything.
    pub event_types: Vec<WebhookEvent>,
    /// Unix milliseconds.
    pub created_at_ms: u64,
    /// What became of its latest message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_delivery: Option<LastDelivery>,
    /// Why its record cannot be read, so that it is told nothing; `None` for all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of a webhook's latest message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDelivery {
    /// Unix milliseconds of its latest try, or of when it was made.
    pub at_ms: u64,
    /// See [`Delivery::state`].
    pub state: DeliveryState,
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it was not delivered.
    pub error: Option<String>,
}

/// A message to a webhook, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// `dlv_…`
    pub id: String,
    /// To which webhook.
    pub webhook_id: String,
    /// What the message tells.
    pub event_type: String,
    /// Unix milliseconds.
    pub made_at_ms: u64,
    /// Whether it is delivered.
    pub state: DeliveryState,
    /// Tries so far.
    pub tries: u32,
    /// Unix milliseconds of the latest one.
    pub last_try_ms: Option<u64>,
    /// Unix milliseconds of the next one, where there will be one.
    pub next_try_ms: Option<u64>,
    /// Status of the latest answer, if there was one.
    pub status: Option<u16>,
    /// Why it is not delivered.
    pub error: Option<String>,
    /// How the body of the latest answer begins.
    pub answer: Option<String>,
    /// The message, before it is written in the webhook's format.
    pub message: Box<RawValue>,
}

/// Whether a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It will be tried (again).
    Waiting,
    /// It is.
    Delivered,
    /// It is not, and will not be tried again.
    GivenUp,
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

// Nor must the integration key.
impl std::fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewWebhook")
            .field("format", &self.format)
            .field("event_types", &self.event_types)
            .finish_non_exhaustive()
    }
}

// The secret must not get into logs.
impl std::fmt::Debug for CreatedWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedWebhook")
            .field("webhook", &self.webhook)
            .finish_non_exhaustive()
    }
}
