//! Gateway keys: who may come in, what for, and how much.

use events::BudgetPeriod;
use serde::{Deserialize, Serialize};

/// Asks for a key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// For people and events. No two keys in force have the same name; a name that is free again goes on with the
    /// spending of the key that had it, so that a key can be replaced within its limit.
    pub name: String,
    /// Who answers for what it spends; stands in events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Groups and models that it may ask for; `None` is all.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// How long it is good, in seconds; `None` is for ever.
    #[serde(default)]
    pub expires_in_seconds: Option<u64>,
    /// Requests in any 60 seconds.
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// What it may spend.
    #[serde(default)]
    pub limit: Option<KeyLimit>,
}

/// What a key may spend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyLimit {
    /// US dollars for each period, above 0.
    pub limit_usd: f64,
    /// How long a period is.
    pub period: BudgetPeriod,
}

/// Asks for a key to be made anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the former key opens as well; nothing: not at all.
    #[serde(default)]
    pub grace_seconds: u64,
}

/// A key, shown this once.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CreatedKey {
    /// The key itself: `kt_gk_` and 43 characters. It is stored nowhere.
    pub key: String,
    /// What is known of it from now on.
    #[serde(flatten)]
    pub info: KeyInfo,
    /// Names among its models that no gateway has as a model group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// `key_…`
    pub id: String,
    /// For people and events.
    pub name: String,
    /// The key's first characters, to tell keys apart.
    pub prefix: String,
    /// Whether it opens.
    pub state: KeyState,
    /// Who answers for what it spends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Groups and models that it may ask for; `None` is all.
    pub models: Option<Vec<String>>,
    /// Requests in any 60 seconds.
    pub requests_per_minute: Option<u32>,
    /// What it may spend.
    pub limit: Option<KeyLimit>,
    /// US dollars spent under its name in the limit's present period; `None` without a limit.
    pub spent_usd: Option<f64>,
    /// Unix milliseconds.
    pub created_at_ms: u64,
    /// Unix milliseconds; `None` is never.
    pub expires_at_ms: Option<u64>,
    /// Unix milliseconds; `None` while it is not revoked.
    pub revoked_at_ms: Option<u64>,
    /// When the key itself was made anew, Unix milliseconds; `None` if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at_ms: Option<u64>,
    /// Until when the key that it was before opens as well, Unix milliseconds; `None` if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_until_ms: Option<u64>,
    /// Why its record cannot be read; `None` for all others. Of such a key, only `id`, `state` and perhaps `name` say
    /// something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody took it away.
    Revoked,
    /// Its record cannot be read: gateways refuse it.
    Unreadable,
}

// The key itself must not get into logs.
impl std::fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedKey")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}
