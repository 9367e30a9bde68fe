//! Ceilings of providers: what may be spent on each in a day, week or month.

use events::BudgetPeriod;
use serde::{Deserialize, Serialize};

/// Asks for a budget. There is one for each provider and period: creating it again changes its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    /// Target id, or a vendor: then all its targets together. A name that is both means the vendor.
    pub provider: String,
    /// US dollars for each period, above 0.
    pub limit_usd: f64,
    /// How long a period is.
    pub period: BudgetPeriod,
    /// Also if no gateway has a target or vendor of this name: one may have it later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_unknown: bool,
}

/// A budget as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// `bdg_…`, made of provider and period.
    pub id: String,
    /// Target id or vendor.
    pub provider: String,
    /// US dollars for each period.
    pub limit_usd: f64,
    /// How long a period is.
    pub period: BudgetPeriod,
    /// Begin of the present period, Unix milliseconds.
    pub period_start_ms: u64,
    /// Its end, Unix milliseconds: the first moment of the next one.
    pub period_end_ms: u64,
    /// US dollars spent in it by everybody.
    pub spent_usd: f64,
    /// `limit_usd - spent_usd`, not below 0.
    pub remaining_usd: f64,
    /// Why its record cannot be read; `None` for all others. Of such a budget, only `id` and perhaps `provider` say
    /// something; creating it again, or deleting it by its id, ends that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
