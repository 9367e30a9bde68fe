//! The control state: which keys are good and what may be spent. The collector keeps it, gateways ask for it.
//!
//! A gateway counts what it spends itself, at once; the collector tells it what everybody else has spent. So a budget
//! is overshot by no more than the difference between estimate and bill of the requests in flight, and by what other
//! gateways spend between two looks.

use serde::{Deserialize, Serialize};

/// What every gateway key begins with.
pub const KEY_PREFIX: &str = "kt_gk_";

/// Answer to `GET /v1/control?instance_id=…`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ControlState {
    /// Changes when anything but the amounts spent changes.
    pub version: String,
    /// Requests without a good key are refused. `false` lets everybody in, as long as no key was ever created.
    pub keys_required: bool,
    /// Somebody decided that everybody is let in: by this alone a gateway that knew of keys opens again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_anonymous: bool,
    /// Keys that are neither revoked nor expired.
    #[serde(default)]
    pub keys: Vec<GatewayKey>,
    /// Ceilings of providers.
    #[serde(default)]
    pub budgets: Vec<ProviderBudget>,
    /// Random identity of the store that this answer was made from. Another one than in the answer before: the store was
    /// replaced, and less spending, fewer keys or budgets may be its loss instead of somebody's decision. `null` from
    /// collectors that do not know it.
    #[serde(default)]
    pub store_id: Option<String>,
    /// What is missing here though nobody took it away.
    #[serde(default, skip_serializing_if = "LostState::is_none")]
    pub lost: LostState,
    /// The collector has not seen the policy of the version that the gateway reported, and would like to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub send_policy: bool,
}

/// What the collector knows to have existed, by a mark outside its store, and its store does not hold any more or cannot
/// read. A gateway that knows better keeps what it knows: absence is no permission.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostState {
    /// Keys: `keys_required` is `true`, unless the collector is told to let everybody in, and clients whose keys were lost
    /// are refused until they have new ones.
    #[serde(default)]
    pub keys: bool,
    /// Budgets, or what was spent of them in the present period: limits stay in force, and amounts spent do not go down
    /// before the period ends.
    #[serde(default)]
    pub budgets: bool,
}

impl LostState {
    /// Nothing is lost.
    pub fn is_none(&self) -> bool {
        !self.keys && !self.budgets
    }
}

/// A gateway key, as far as the gateway must know it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatewayKey {
    /// Stays the same for the key's life.
    pub id: String,
    /// For events.
    pub name: String,
    /// SHA-256 of the whole key, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Groups and models that it may ask for; `null` is all.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// Unix milliseconds; `null` is never.
    #[serde(default)]
    pub expires_at_ms: Option<u64>,
    /// Requests in any 60 seconds.
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// What it may spend.
    #[serde(default)]
    pub limit: Option<SpendingLimit>,
}

/// A provider's ceiling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderBudget {
    /// Target id.
    pub provider: String,
    /// What may be spent on it.
    #[serde(flatten)]
    pub limit: SpendingLimit,
}

/// An amount for a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpendingLimit {
    /// US dollars for each period.
    pub limit_usd: f64,
    /// How long a period is.
    pub period: BudgetPeriod,
    /// Begin of the present period, Unix milliseconds.
    pub period_start_ms: u64,
    /// Its end, Unix milliseconds: the first moment of the next one.
    pub period_end_ms: u64,
    /// US dollars spent in it by all but the instance that asks.
    pub spent_elsewhere_usd: f64,
    /// US dollars spent in it by the instance that asks, as far as its events have come. The instance itself knows more,
    /// except of what it spent before there was a limit.
    #[serde(default)]
    pub spent_here_usd: f64,
}

/// Periods begin at midnight UTC, weeks on Monday, months on the first.
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
    /// As it stands in JSON and on the command line.
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
