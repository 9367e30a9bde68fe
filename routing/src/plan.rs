//! The plan of one request: who serves, and who follows when it fails.

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

/// An ordered list of attempts: the head that the strategy picked, then the rest of its group in failover order, then
/// the `fallback_group`'s plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The group that was asked for; `None` for a model that is no group.
    pub group: Option<GroupId>,
    /// The strategy of that group, or the policy's default.
    pub strategy: &'static str,
    /// Never empty. No (target, model) comes twice, and nobody who is excluded.
    pub attempts: Vec<PlannedAttempt>,
    /// Who was left out, in the order of the groups.
    pub excluded: Vec<Excluded>,
    /// Whom the strategy would have made the head, had its target's health, budget or credential not spoken against it.
    pub preferred: Option<Excluded>,
    /// Cosine similarity of message and head, where the strategy is semantic and could tell.
    pub similarity: Option<f32>,
    /// Of the head, where its price is known.
    pub estimated_cost_usd: Option<f64>,
    /// The head is half-open: claim a trial with [`crate::health::Signal::HalfOpenRequestStarted`] before the request is sent;
    /// when that is refused, plan again with the newer table.
    pub primary_is_half_open: bool,
    /// The head was picked by conversation (session affinity), not by the strategy.
    pub by_session_affinity: bool,
    /// Everyone was out and the group is `fail_open`: the only entry is the least bad one.
    pub fail_open: bool,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedAttempt {
    /// Who serves.
    pub target: TargetId,
    /// The group and the position in it; `None` for a model that is no group.
    pub member: Option<(GroupId, usize)>,
    /// Model name sent to the target.
    pub model: Arc<str>,
    /// Milliseconds for the whole answer, or to the first content of a stream.
    pub timeout_ms: u64,
    /// For the event.
    pub tag: Option<Arc<str>>,
    /// For the event.
    pub region: Option<Arc<str>>,
    /// The member's, the target's or the built-in one.
    pub price: Option<Price>,
    /// Prompt and expected answer at `price`.
    pub estimated_cost_usd: Option<f64>,
    /// Under which to record latency samples.
    pub deployment: DeploymentKey,
}

/// A target that could have served but was left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Excluded {
    /// Who.
    pub target: TargetId,
    /// The group and the position in it; `None` for a model that is no group.
    pub member: Option<(GroupId, usize)>,
    /// With which model.
    pub model: Arc<str>,
    /// Why.
    pub reason: ExclusionReason,
}

/// The most entries that a plan may have.
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
/// See [`Refusal`].
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
