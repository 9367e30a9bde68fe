//! The control state: which keys are valid and what may be spent. The collector owns it; gateways poll it.
//!
//! A gateway counts its own spending immediately; the collector reports what all others have spent. A budget is
//! therefore exceeded at most by the difference between estimates and bills of requests in flight, and by what other
//! gateways spend between two polls.

use serde::{Deserialize, Serialize};

/// The prefix of every gateway key.
pub const KEY_PREFIX: &str = "kt_gk_";

/// Response to `GET /v1/control?instance_id=…`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ControlState {
    /// Changes whenever anything but the spent amounts changes.
    pub version: String,
    /// Requests without a valid key are refused. `false` allows anonymous requests, as long as no key was ever created.
    pub keys_required: bool,
    /// Somebody decided that everybody is let in: by this alone a gateway that knew of keys opens again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_anonymous: bool,
    /// Keys that are neither revoked nor expired.
    #[serde(default)]
    pub keys: Vec<GatewayKey>,
    /// Budgets of providers.
    #[serde(default)]
    pub budgets: Vec<ProviderBudget>,
    /// Random identity of the store behind this response. A changed id means that the store was replaced: less
    /// spending, fewer keys or fewer budgets may then be lost data instead of a decision. `null` from collectors
    /// without this field.
    #[serde(default)]
    pub store_id: Option<String>,
    /// What is missing although it was not removed.
    #[serde(default, skip_serializing_if = "LostState::is_none")]
    pub lost: LostState,
    /// The collector has not seen the policy version that the gateway reported, and asks for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub send_policy: bool,
}

/// Data that the collector knows to have existed, by a record outside its store, but that its store has lost or cannot
/// read. A gateway that still has the data keeps it: absence is no permission.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostState {
    /// Keys: `keys_required` is `true`, unless the collector is told to allow anonymous requests, and clients whose
    /// keys were lost are refused until they have new ones.
    #[serde(default)]
    pub keys: bool,
    /// Budgets, or the spending of the current period: limits stay in force, and spent amounts do not decrease before
    /// the period ends.
    #[serde(default)]
    pub budgets: bool,
}

impl LostState {
    /// Nothing is lost.
    pub fn is_none(&self) -> bool {
        !self.keys && !self.budgets
    }
}

/// What a gateway needs to know of a gateway key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatewayKey {
    /// Constant for the key's lifetime.
    pub id: String,
    /// For events.
    pub name: String,
    /// SHA-256 of the whole key, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Its team, for events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Groups and models that it may request; `null` is all.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// Unix milliseconds; `null` is never.
    #[serde(default)]
    pub expires_at_ms: Option<u64>,
    /// Requests allowed in any 60 seconds.
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// Its budget.
    #[serde(default)]
    pub limit: Option<SpendingLimit>,
}

/// A provider's budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderBudget {
    /// Target id.
    pub provider: String,
    /// The limit.
    #[serde(flatten)]
    pub limit: SpendingLimit,
}

/// A spending limit per period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpendingLimit {
    /// US dollars per period.
    pub limit_usd: f64,
    /// The length of a period.
    pub period: BudgetPeriod,
    /// Start of the current period, Unix milliseconds.
    pub period_start_ms: u64,
    /// End of the current period, Unix milliseconds: the start of the next one.
    pub period_end_ms: u64,
    /// US dollars spent in it by all instances except the one that asks.
    pub spent_elsewhere_usd: f64,
    /// US dollars spent in it by the instance that asks, according to the events received. The instance itself knows
    /// more, except for spending before there was a limit.
    #[serde(default)]
    pub spent_here_usd: f64,
}

/// Periods start at midnight UTC, weeks on Monday, months on the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BudgetPeriod {
    /// A day.
    Daily,
    /// Seven days from Monday.
    Weekly,
    /// A calendar month.
    Monthly,
}

impl BudgetPeriod {
    /// The name in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

/// The form in which a key's SHA-256 is stored and compared.
pub fn key_hash_hex(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing into a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests;
