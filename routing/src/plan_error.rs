//! Why a target is excluded from a plan, and why there is no plan at all.

use std::fmt;

use thiserror::Error;

use crate::health;
use crate::plan::Excluded;

/// Why a target is excluded from a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExclusionReason {
    /// Its circuit is open.
    Unhealthy(health::Reason),
    /// It is half-open and all half-open requests are in use.
    HalfOpenLimitReached,
    /// The provider asked to wait.
    RateLimited,
    /// Its key is missing.
    CredentialMissing,
    /// Its address is missing ([`policy::Target::endpoint_variable`]).
    EndpointMissing,
    /// The provider's budget is exhausted.
    ProviderBudget,
    /// Its wire format cannot express the request.
    Unsupported,
    /// Slower than `max_latency_ms` in the window.
    TooSlow,
    /// The estimate exceeds `budget_per_request_usd`, or there is a budget and no known price.
    RequestBudget,
    /// A budget has to be kept, and nobody could say when it is spent: no price is known, and the policy's `unpriced` is
    /// `refuse`.
    Unpriced,
    /// Prompt and output exceed its `context_window`.
    ContextWindow,
}

/// There is no plan. Contract §4 defines the client's response.
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
    /// 400: no target in the plan can express the request.
    #[error("no provider of {model:?} supports what this request asks for")]
    Unsupported {
        /// As requested.
        model: String,
        /// All candidates.
        excluded: Vec<Excluded>,
    },
    /// 429 `budget_exceeded`, `x-should-retry: false`.
    #[error("{}", budget_message(*cheapest_usd, *budget_usd, excluded))]
    BudgetExceeded {
        /// Estimate of the cheapest member with a known price.
        cheapest_usd: Option<f64>,
        /// `budget_per_request_usd`; `None` if the provider's own budget is exhausted, or a context window is too
        /// small.
        budget_usd: Option<f64>,
        /// All candidates, and why they are excluded.
        excluded: Vec<Excluded>,
    },
    /// 429 `rate_limit_exceeded` with `retry-after`: whoever could serve has asked to wait.
    #[error("every provider of {model:?} that could serve has asked to wait")]
    RateLimited {
        /// As requested.
        model: String,
        /// Milliseconds until the first of them may be asked again. At least 1.
        retry_after_ms: u64,
        /// All candidates, and why they are excluded.
        excluded: Vec<Excluded>,
    },
    /// 503 `all_providers_unavailable` with `retry-after`.
    #[error("no provider of {model:?} is available")]
    NothingAvailable {
        /// As requested.
        model: String,
        /// Milliseconds until the first of them may recover. At least 1.
        retry_after_ms: u64,
        /// All candidates, and why they are excluded.
        excluded: Vec<Excluded>,
    },
}

impl PlanError {
    /// All candidates that were excluded.
    pub fn excluded(&self) -> &[Excluded] {
        match self {
            Self::UnknownModel { .. } | Self::NotAllowed { .. } => &[],
            Self::Unsupported { excluded, .. }
            | Self::BudgetExceeded { excluded, .. }
            | Self::RateLimited { excluded, .. }
            | Self::NothingAvailable { excluded, .. } => excluded,
        }
    }

    /// HTTP status, `error.type` and `error.code` of the client's response.
    pub fn answer(&self) -> (u16, &'static str, &'static str) {
        const INVALID: &str = "invalid_request_error";
        match self {
            Self::UnknownModel { .. } => (404, INVALID, "model_not_found"),
            Self::NotAllowed { .. } => (403, INVALID, "model_not_allowed"),
            Self::Unsupported { .. } => (400, INVALID, "unsupported_parameter"),
            Self::BudgetExceeded { .. } => (429, "budget_exceeded", "budget_exceeded"),
            Self::RateLimited { .. } => (429, "rate_limit", "rate_limit_exceeded"),
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
            Self::Unpriced => "unpriced",
            Self::ContextWindow => "context_window",
        }
    }

    /// No wait makes it serve this request: somebody has to change something.
    pub(crate) fn is_lasting(self) -> bool {
        match self {
            Self::CredentialMissing
            | Self::EndpointMissing
            | Self::ProviderBudget
            | Self::Unsupported
            | Self::RequestBudget
            | Self::Unpriced
            | Self::ContextWindow => true,
            Self::Unhealthy(_) | Self::HalfOpenLimitReached | Self::RateLimited | Self::TooSlow => {
                false
            }
        }
    }

    /// The target may still be tried if its group is `fail_open` and no other is left.
    pub(crate) fn is_health(self) -> bool {
        match self {
            Self::Unhealthy(_) | Self::HalfOpenLimitReached | Self::RateLimited => true,
            Self::CredentialMissing
            | Self::EndpointMissing
            | Self::ProviderBudget
            | Self::Unsupported
            | Self::TooSlow
            | Self::RequestBudget
            | Self::Unpriced
            | Self::ContextWindow => false,
        }
    }

    /// The target itself cannot serve, whatever the request.
    pub(crate) fn is_state_of_target(self) -> bool {
        match self {
            Self::Unhealthy(_)
            | Self::HalfOpenLimitReached
            | Self::RateLimited
            | Self::CredentialMissing
            | Self::EndpointMissing
            | Self::ProviderBudget => true,
            Self::Unsupported
            | Self::TooSlow
            | Self::RequestBudget
            | Self::Unpriced
            | Self::ContextWindow => false,
        }
    }

    /// Budget or context window is the obstacle; waiting does not help.
    pub(crate) fn is_budget(self) -> bool {
        match self {
            Self::ProviderBudget | Self::RequestBudget | Self::Unpriced | Self::ContextWindow => {
                true
            }
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

fn budget_message(
    cheapest_usd: Option<f64>,
    budget_usd: Option<f64>,
    excluded: &[Excluded],
) -> String {
    let unpriced = excluded
        .iter()
        .find(|one| one.reason == ExclusionReason::Unpriced);
    if let Some(Excluded { model, .. }) = unpriced {
        return format!(
            "a budget has to be kept, and no price is known for model {model:?}: give it one in the policy, or set `unpriced`"
        );
    }
    match (cheapest_usd, budget_usd) {
        (Some(cheapest), Some(budget)) => format!(
            "the request is estimated at {cheapest:.6} USD on the cheapest model that can take it, above the budget of {budget:.6} USD"
        ),
        (None, Some(budget)) => format!("no model is known to fit the budget of {budget:.6} USD"),
        (_, None) => String::from("no provider can serve this request within its limits"),
    }
}

/// The names that a client could request instead.
fn known_names(known: &[String]) -> String {
    if known.is_empty() {
        String::from("there are no model groups, and no provider claims this name")
    } else {
        format!("known: {}", known.join(", "))
    }
}
