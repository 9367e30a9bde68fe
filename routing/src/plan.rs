//! The plan of one request: the primary target, and the ones that follow when it fails.

mod builder;
pub(crate) mod context;
#[cfg(test)]
pub(crate) mod fixture;
mod preferred;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use policy::{Failover, GroupId, Price, TargetId};

use crate::index::PolicyIndex;
use crate::latency::DeploymentKey;
use crate::plan_error::{ExclusionReason, PlanError};
use crate::random::Random;
use crate::request::Request;
use crate::resolve::Resolution;
use crate::state::{StateSnapshot, StrategyState};

/// An ordered list of attempts: the primary that the strategy picked, then the rest of its group in failover order,
/// then the plan of the `fallback_group`.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The requested group; `None` for a model that is no group.
    pub group: Option<GroupId>,
    /// The strategy of that group, or the policy's default.
    pub strategy: &'static str,
    /// Never empty. No (target, model) occurs twice, and none is excluded.
    pub attempts: Vec<PlannedAttempt>,
    /// Excluded candidates, in the order of the groups.
    pub excluded: Vec<Excluded>,
    /// The candidate that the strategy would have picked as primary, if its target's health, budget or credential did
    /// not exclude it.
    pub preferred: Option<Excluded>,
    /// Cosine similarity of message and primary, if the strategy is semantic and could compare.
    pub similarity: Option<f32>,
    /// Of the primary, if its price is known.
    pub estimated_cost_usd: Option<f64>,
    /// The primary is half-open: apply [`crate::health::Signal::HalfOpenRequestStarted`] before the request is sent; if
    /// that is refused, plan again with the newer table.
    pub primary_is_half_open: bool,
    /// Session affinity picked the primary, not the strategy.
    pub by_session_affinity: bool,
    /// Every candidate was excluded and the group is `fail_open`: the only attempt is the one likely to recover first.
    pub fail_open: bool,
}

/// One planned attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedAttempt {
    /// The target.
    pub target: TargetId,
    /// The group and the member's position; `None` for a model that is no group.
    pub member: Option<(GroupId, usize)>,
    /// The model name sent to the target.
    pub model: Arc<str>,
    /// Milliseconds for the complete response, or to the first content of a stream.
    pub timeout_ms: u64,
    /// For the event.
    pub tag: Option<Arc<str>>,
    /// For the event.
    pub region: Option<Arc<str>>,
    /// The member's, the target's or the list price.
    pub price: Option<Price>,
    /// Cost of the prompt and the expected output at `price`.
    pub estimated_cost_usd: Option<f64>,
    /// The key for latency samples.
    pub deployment: DeploymentKey,
}

/// A target that could have served but was excluded.
#[derive(Debug, Clone, PartialEq)]
pub struct Excluded {
    /// The target.
    pub target: TargetId,
    /// The group and the member's position; `None` for a model that is no group.
    pub member: Option<(GroupId, usize)>,
    /// The model it would have been sent.
    pub model: Arc<str>,
    /// The reason.
    pub reason: ExclusionReason,
}

/// The most attempts that a plan may have.
pub fn max_attempts(failover: &Failover) -> usize {
    match failover.max_attempts {
        _ if !failover.enabled => 1,
        Some(further) => usize::try_from(further)
            .unwrap_or(usize::MAX)
            .saturating_add(1),
        None => usize::MAX,
    }
}

/// Makes the plan of `request`.
///
/// # Errors
/// See [`PlanError`].
pub fn make(
    index: &PolicyIndex,
    view: &StateSnapshot<'_>,
    worker: &mut StrategyState,
    request: &Request<'_>,
    random: &mut Random,
    now_ms: u64,
) -> Result<Plan, PlanError> {
    let resolution = index.resolve(request.model);
    let allowed_as = match resolution {
        Resolution::Group(group) => index
            .policy()
            .group(group)
            .map_or(request.model, |group| group.name.as_str()),
        Resolution::Targets(_) => request.model,
        Resolution::Unknown => {
            return Err(PlanError::UnknownModel {
                model: request.model.to_owned(),
                known: index.known_models(),
            });
        }
    };
    if request.allows.is_some_and(|allows| !allows(allowed_as)) {
        return Err(PlanError::NotAllowed {
            model: request.model.to_owned(),
        });
    }
    builder::PlanBuilder::new(index, view, worker, request, random, now_ms).complete(&resolution)
}
