//! Why a target is left out of a plan, and why there is no plan at all.

use std::fmt;

use thiserror::Error;

use crate::health;
use crate::plan::Excluded;

/// Why a target is not in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExclusionReason {
    /// Its circuit is open.
    Unhealthy(health::Reason),
    /// It is half-open and all its trial requests are under way.
    HalfOpenLimitReached,
    /// The provider asked us to wait.
    RateLimited,
    /// Its key is missing.
    CredentialMissing,
    /// Its address is missing ([`policy::Target::endpoint_variable`]).
    EndpointMissing,
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

/// There is no plan. The client's answer is contract §4.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PlanError {
    /// 404 `model_not_found`.
    #[error("unknown model {model:?}; {}", known_names(known))]
    UnknownModel {
        /// As requested.
        model: String,
        /// See [`crate::PolicyIndex::known_models`].
        known: Vec<String>,
    },
    /// 403 `model_not_allowed`.
    #[error("this key may not use model {model:?}")]
    NotAllowed {
        /// As requested.
        model: String,
    },
    /// 400: nobody in the plan can say what the request asks for.
    #[error("no provider of {model:?} supports what this request asks for")]
    Unsupported {
        /// As requested.
        model: String,
        /// Everyone who was asked.
        excluded: Vec<Excluded>,
    },
    /// 429 `budget_exceeded`, `x-should-retry: false`.
    #[error("{}", budget_message(*cheapest_usd, *budget_usd))]
    BudgetExceeded {
        /// Estimate for the cheapest member whose price is known.
        cheapest_usd: Option<f64>,
        /// `budget_per_request_usd`; `None` when it is the provider's own budget that is spent, or a context window
        /// that is too small.
        budget_usd: Option<f64>,
        /// Everyone who could have served, and why not.
        excluded: Vec<Excluded>,
    },
    /// 503 `all_providers_unavailable` with `retry-after`.
    #[error("no provider of {model:?} is available")]
    NothingAvailable {
        /// As requested.
        model: String,
        /// Milliseconds until the first of them may be back. At least 1.
        retry_after_ms: u64,
        /// Everyone who could have served, and why not.
        excluded: Vec<Excluded>,
    },
}

impl PlanError {
    /// Everyone who could have served but for a reason.
    pub fn excluded(&self) -> &[Excluded] {
        match self {
            Self::UnknownModel { .. } | Self::NotAllowed { .. } => &[],
            Self::Unsupported { excluded, .. }
            | Self::BudgetExceeded { excluded, .. }
            | Self::NothingAvailable { excluded, .. } => excluded,
        }
    }

    /// HTTP status, `error.type` and `error.code` of the client's answer.
    pub fn answer(&self) -> (u16, &'static str, &'static str) {
        const INVALID: &str = "invalid_request_error";
        match self {
            Self::UnknownModel { .. } => (404, INVALID, "model_not_found"),
            Self::NotAllowed { .. } => (403, INVALID, "model_not_allowed"),
            Self::Unsupported { .. } => (400, INVALID, "unsupported_parameter"),
            Self::BudgetExceeded { .. } => (429, "budget_exceeded", "budget_exceeded"),
            Self::NothingAvailable { .. } => (503, "upstream_error", "all_providers_unavailable"),
        }
    }
}

impl ExclusionReason {
    /// Stable name for events, logs and `kt policy explain`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unhealthy(_) => "unhealthy",
            Self::HalfOpenLimitReached => "trials_under_way",
            Self::RateLimited => "cooling_down",
            Self::CredentialMissing => "credential_missing",
            Self::EndpointMissing => "endpoint_missing",
            Self::ProviderBudget => "provider_budget",
            Self::Unsupported => "unsupported",
            Self::TooSlow => "too_slow",
            Self::RequestBudget => "request_budget",
            Self::ContextWindow => "context_window",
        }
    }

    /// The target may be tried all the same when its group is `fail_open` and nobody else is left.
    pub(crate) fn is_health(self) -> bool {
        match self {
            Self::Unhealthy(_) | Self::HalfOpenLimitReached | Self::RateLimited => true,
            Self::CredentialMissing
            | Self::EndpointMissing
            | Self::ProviderBudget
            | Self::Unsupported
            | Self::TooSlow
            | Self::RequestBudget
            | Self::ContextWindow => false,
        }
    }

    /// The target itself is in no state to serve, whatever is asked of it.
    pub(crate) fn is_state_of_target(self) -> bool {
        match self {
            Self::Unhealthy(_)
            | Self::HalfOpenLimitReached
            | Self::RateLimited
            | Self::CredentialMissing
            | Self::EndpointMissing
            | Self::ProviderBudget => true,
            Self::Unsupported | Self::TooSlow | Self::RequestBudget | Self::ContextWindow => false,
        }
    }

    /// Money or room is the obstacle, which waiting does not remove.
    pub(crate) fn is_budget(self) -> bool {
        match self {
            Self::ProviderBudget | Self::RequestBudget | Self::ContextWindow => true,
            Self::Unhealthy(_)
            | Self::HalfOpenLimitReached
            | Self::RateLimited
            | Self::CredentialMissing
            | Self::EndpointMissing
            | Self::Unsupported
            | Self::TooSlow => false,
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

fn budget_message(cheapest_usd: Option<f64>, budget_usd: Option<f64>) -> String {
    match (cheapest_usd, budget_usd) {
        (Some(cheapest), Some(budget)) => format!(
            "the request is estimated at {cheapest:.6} USD on the cheapest model that can take it, above the budget of {budget:.6} USD"
        ),
        (None, Some(budget)) => format!("no model is known to fit the budget of {budget:.6} USD"),
        (_, None) => String::from("no provider can serve this request within its limits"),
    }
}

/// What a client could ask for instead.
fn known_names(known: &[String]) -> String {
    if known.is_empty() {
        String::from("there are no model groups, and no provider claims this name")
    } else {
        format!("known: {}", known.join(", "))
    }
}
