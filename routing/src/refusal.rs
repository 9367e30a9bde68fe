//! Why a target is left out of a plan, and why there is no plan at all.

use std::fmt;

use policy::TargetId;
use thiserror::Error;

use crate::health;

/// Why a target is not in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExclusionReason {
    /// Its circuit is open.
    Unhealthy(health::Reason),
    /// It is half-open and all its trial requests are under way.
    TrialsUnderWay,
    /// The provider asked us to wait.
    CoolingDown,
    /// Its key is missing.
    CredentialMissing,
    /// The provider's budget is spent.
    ProviderBudget,
    /// Its wire format cannot say what the request asks for.
    Unsupported,
    /// Slower than `max_latency_ms` in the window.
    TooSlow,
    /// The estimate is above `budget_per_request_usd`, or there is a budget and no known price.
    RequestBudget,
    /// Prompt and answer do not fit its `context_window`.
    ContextWindow,
}

impl ExclusionReason {
    /// Stable name for events, logs and `kt policy explain`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unhealthy(_) => "unhealthy",
            Self::TrialsUnderWay => "trials_under_way",
            Self::CoolingDown => "cooling_down",
            Self::CredentialMissing => "credential_missing",
            Self::ProviderBudget => "provider_budget",
            Self::Unsupported => "unsupported",
            Self::TooSlow => "too_slow",
            Self::RequestBudget => "request_budget",
            Self::ContextWindow => "context_window",
        }
    }
}

impl fmt::Display for ExclusionReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unhealthy(reason) => write!(formatter, "unhealthy ({})", reason.name()),
            other => formatter.write_str(other.name()),
        }
    }
}

/// There is no plan. The client's answer is contract §4.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refusal {
    /// 404 `model_not_found`.
    #[error("model {model:?} is neither a model group nor a model of any provider; known: {}", known.join(", "))]
    UnknownModel {
        /// As requested.
        model: String,
        /// Group names in document order, or known model names where there are no groups.
        known: Vec<String>,
    },
    /// 403 `model_not_allowed`.
    #[error("this key may not use model {model:?}")]
    NotAllowed {
        /// As requested.
        model: String,
    },
    /// 429 `budget_exceeded`, `x-should-retry: false`.
    #[error("no provider can serve this request within its budget{}", cheapest_usd.map_or(String::new(), |usd| format!("; the cheapest would cost {usd:.6} USD")))]
    BudgetExceeded {
        /// Estimate of the cheapest member, where prices are known.
        cheapest_usd: Option<f64>,
        /// `budget_per_request_usd`; `None` when the provider's own budget is spent.
        budget_usd: Option<f64>,
    },
    /// 503 `all_providers_unavailable` with `retry-after`.
    #[error("no provider is available for {model:?}")]
    NothingAvailable {
        /// As requested.
        model: String,
        /// Milliseconds until the first of them may be back.
        retry_after_ms: u64,
        /// Everyone who could have served, and why not.
        reasons: Vec<(TargetId, ExclusionReason)>,
    },
    /// 400: no target of the plan speaks a protocol that can say what the request asks for.
    #[error("no provider of {model:?} supports what this request asks for")]
    Unsupported {
        /// As requested.
        model: String,
    },
}
