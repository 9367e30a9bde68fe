//! Builds a plan pool by pool: filters the pool, picks its primary, and appends the rest.

use std::cell::OnceCell;

use catalog::Provider;
use policy::{GroupId, ModelGroup, Strategy, Target, Unpriced};

use super::context::{Candidate, Context, Eligibility};
use super::preferred::{self, ExcludedCandidate};
use super::{Excluded, Plan, PlannedAttempt, max_attempts};
use crate::cost::{self, ExpectedTokens};
use crate::health::{Availability, Phase};
use crate::index::{Deployment, PolicyIndex};
use crate::model_mapper::ModelMapper;
use crate::plan_error::{ExclusionReason, PlanError};
use crate::random::Random;
use crate::request::Request;
use crate::resolve::{Match, MatchQuality, Resolution};
use crate::state::{StateSnapshot, StrategyState};
use crate::strategy;
use crate::vendor_models;

/// `retry-after` if the recovery time is unknown, in milliseconds.
const DEFAULT_RETRY_AFTER_MS: u64 = 5_000;

pub(super) struct PlanBuilder<'a> {
    context: Context<'a>,
    /// The most attempts that the plan may have.
    max_attempts: usize,
    /// Expected output length in the current pool.
    output_tokens: u32,
    attempts: Vec<PlannedAttempt>,
    similarity: Option<f32>,
    primary_is_half_open: bool,
    preferred: Option<Excluded>,
    by_session_affinity: bool,
    /// When the first of the excluded may recover.
    back_at_ms: Option<u64>,
}

impl<'a> PlanBuilder<'a> {
    pub(super) fn new(
        index: &'a PolicyIndex,
        view: &'a StateSnapshot<'a>,
        worker: &'a mut StrategyState,
        request: &'a Request<'a>,
        random: &'a mut Random,
        now_ms: u64,
    ) -> Self {
        Self {
            context: Context {
                view,
                index,
                request,
                worker,
                random,
                now_ms,
                group: None,
                model_mapper: ModelMapper::new(index, request.model),
                excluded: Vec::new(),
                over_request_budget: None,
            },
            max_attempts: max_attempts(&index.policy().failover),
            output_tokens: 0,
            attempts: Vec::new(),
            similarity: None,
            primary_is_half_open: false,
            preferred: None,
            by_session_affinity: false,
            back_at_ms: None,
        }
    }

    pub(super) fn complete(mut self, resolution: &Resolution) -> Result<Plan, PlanError> {
        let index = self.context.index;
        let (group, strategy) = match resolution {
            Resolution::Group(id) => {
                self.add_chain(*id);
                let group = index.policy().group(*id);
                (
                    Some(*id),
                    group.map_or("failover", |group| group.strategy.name()),
                )
            }
            Resolution::Targets(matches) => {
                self.add_matches(matches);
                (None, index.policy().default_strategy.name())
            }
            Resolution::Unknown => (None, index.policy().default_strategy.name()),
        };
        let fail_open = self.attempts.is_empty() && group.is_some_and(|id| self.add_fail_open(id));
        let Some(primary) = self.attempts.first() else {
            return Err(self.refusal());
        };
        // A fallback group may include a target that the first group's strategy excluded.
        let attempts = &self.attempts;
        self.context.excluded.retain(|excluded| {
            !attempts
                .iter()
                .any(|attempt| attempt.target == excluded.target && attempt.model == excluded.model)
        });
        Ok(Plan {
            group,
            strategy,
            estimated_cost_usd: primary.estimated_cost_usd,
            similarity: self.similarity,
            primary_is_half_open: self.primary_is_half_open,
            by_session_affinity: self.by_session_affinity,
            fail_open,
            preferred: self.preferred.filter(|preferred| {
                preferred.target != primary.target || preferred.model != primary.model
            }),
            excluded: self.context.excluded,
            attempts: self.attempts,
        })
    }

    /// The group and its fallback groups.
    fn add_chain(&mut self, primary: GroupId) {
        for (id, group) in chain(self.context.index, primary) {
            if self.attempts.len() >= self.max_attempts {
                break;
            }
            self.context.group = Some(id);
            self.add_pool(
                &group.strategy,
                group.session_affinity,
                id == primary,
                members(self.context.index, id, group, self.context.request.model),
            );
        }
    }

    fn add_matches(&mut self, choices: &[Match]) {
        let index = self.context.index;
        let strategy = &index.policy().default_strategy;
        let candidates = choices.iter().enumerate().filter_map(|(order, choice)| {
            Some(Candidate {
                deployment: index.default_pool().get(choice.position)?,
                position: choice.position,
                first_choice: order == 0,
                rank: choice.fit,
                fit: choice.fit,
                eligibility: Eligibility::Healthy,
                score: 0.0,
            })
        });
        self.add_pool(strategy, false, true, candidates.take(length(strategy)));
    }

    fn add_pool(
        &mut self,
        strategy: &Strategy,
        sticky: bool,
        is_first: bool,
        pool: impl Iterator<Item = Candidate<'a>>,
    ) {
        self.output_tokens = cost::output_tokens(self.context.request.max_output_tokens, strategy);
        let most = pool.size_hint().1.unwrap_or(0);
        let mut candidates: Vec<Candidate<'a>> = Vec::with_capacity(most);
        let mut excluded: Vec<ExcludedCandidate<'a>> = Vec::new();
        self.attempts
            .reserve(most.min(self.max_attempts.saturating_sub(self.attempts.len())));
        for mut candidate in pool {
            let eligibility = self
                .eligibility(candidate.deployment)
                .and_then(|eligibility| self.with_price(&candidate, eligibility));
            match eligibility {
                Ok(eligibility) => {
                    candidate.eligibility = eligibility;
                    candidates.push(candidate);
                }
                Err(reason) => {
                    if reason.is_state_of_target() {
                        excluded.push(ExcludedCandidate {
                            candidate,
                            reason,
                            place: candidates.len(),
                        });
                    }
                    self.context.exclude(&candidate, reason);
                }
            }
        }
        if is_first {
            self.preferred =
                preferred::find(strategy, sticky, &candidates, &excluded, &mut self.context);
        }
        strategy::filter(strategy, &mut candidates, &mut self.context);
        let Some(pick) = strategy::pick_best(strategy, sticky, &candidates, &mut self.context)
        else {
            return;
        };
        if let Some(primary) = candidates.get(pick.primary) {
            if self.attempts.is_empty() {
                self.similarity = pick.similarity;
                self.by_session_affinity = pick.by_session_affinity;
                self.primary_is_half_open = primary.eligibility == Eligibility::HalfOpen;
            }
            self.push(primary);
        }
        for (position, candidate) in candidates.iter().enumerate() {
            if position != pick.primary {
                self.push(candidate);
            }
        }
    }

    /// Whether the target may serve this request.
    fn eligibility(&mut self, deployment: &Deployment) -> Result<Eligibility, ExclusionReason> {
        let context = &self.context;
        if !(context.request.can_serve)(deployment.target) {
            return Err(ExclusionReason::Unsupported);
        }
        if context.view.over_budget.contains(&deployment.target) {
            return Err(ExclusionReason::ProviderBudget);
        }
        if deployment.unreachable {
            return Err(ExclusionReason::EndpointMissing);
        }
        let Some((key, thresholds)) = context.index.health_config(deployment.target) else {
            return Ok(Eligibility::Healthy);
        };
        let availability = context
            .view
            .health
            .availability(key, thresholds, context.now_ms);
        match availability {
            Availability::Available => Ok(Eligibility::Healthy),
            Availability::Recovering { since_ms } => Ok(Eligibility::Recovering { since_ms }),
            Availability::HalfOpen => Ok(Eligibility::HalfOpen),
            Availability::Out {
                until_ms,
                phase,
                reason,
            } => {
                self.back_at_ms = [self.back_at_ms, until_ms].into_iter().flatten().min();
                Err(match phase {
                    Phase::RateLimited => ExclusionReason::RateLimited,
                    Phase::NoCredential => ExclusionReason::CredentialMissing,
                    Phase::HalfOpen => ExclusionReason::HalfOpenLimitReached,
                    Phase::Open | Phase::Closed => ExclusionReason::Unhealthy(reason),
                })
            }
        }
    }

    /// `eligibility`, unless a budget has to be kept and nobody could say what the request costs.
    fn with_price(
        &mut self,
        candidate: &Candidate<'_>,
        eligibility: Eligibility,
    ) -> Result<Eligibility, ExclusionReason> {
        let deployment = candidate.deployment;
        let policy = self.context.index.policy();
        if !self.context.view.budgeted.contains(deployment.target)
            || policy.gateway.unpriced != Unpriced::Refuse
            || policy
                .target(deployment.target)
                .is_some_and(Target::costs_nothing)
        {
            return Ok(eligibility);
        }
        let model = self.context.model_of(candidate);
        match self.context.model_mapper.price(deployment, &model) {
            Some(_) => Ok(eligibility),
            None => Err(ExclusionReason::Unpriced),
        }
    }

    fn push(&mut self, candidate: &Candidate<'_>) {
        if self.attempts.len() >= self.max_attempts {
            return;
        }
        let deployment = candidate.deployment;
        let model = self.context.model_of(candidate);
        let repeated = |attempt: &PlannedAttempt| {
            attempt.target == deployment.target && attempt.model == model
        };
        if self.attempts.iter().any(repeated) {
            return;
        }
        let price = self.context.model_mapper.price(deployment, &model);
        self.attempts.push(PlannedAttempt {
            target: deployment.target,
            member: deployment.member,
            model,
            timeout_ms: deployment.timeout_ms,
            tag: deployment.tag.clone(),
            region: deployment.region.clone(),
            price,
            estimated_cost_usd: price.map(|price| {
                let tokens = ExpectedTokens {
                    prompt: self.context.request.prompt_tokens,
                    output: self.output_tokens,
                    choices: self.context.request.choices,
                };
                cost::estimate_usd(price, tokens)
            }),
            deployment: deployment.key(),
        });
    }

    /// Every candidate is excluded: adds the one likely to recover first, from the first group of the chain that is
    /// `fail_open`.
    fn add_fail_open(&mut self, primary: GroupId) -> bool {
        let index = self.context.index;
        for (id, group) in chain(index, primary).filter(|(_, group)| group.fail_open) {
            let pool = members(index, id, group, self.context.request.model);
            let mut soonest: Option<(u64, Candidate<'a>)> = None;
            for candidate in pool {
                let eligibility = self.eligibility(candidate.deployment);
                if !eligibility.is_err_and(ExclusionReason::is_health) {
                    continue;
                }
                let back_at_ms = self.returns_at(candidate.deployment);
                if soonest.is_none_or(|(earliest, _)| back_at_ms < earliest) {
                    soonest = Some((back_at_ms, candidate));
                }
            }
            if let Some((_, candidate)) = soonest {
                self.push(&candidate);
                return true;
            }
        }
        false
    }

    fn returns_at(&self, deployment: &Deployment) -> u64 {
        let availability =
            self.context
                .index
                .health_config(deployment.target)
                .map(|(key, thresholds)| {
                    self.context
                        .view
                        .health
                        .availability(key, thresholds, self.context.now_ms)
                });
        match availability {
            Some(Availability::Out {
                until_ms: Some(until_ms),
                ..
            }) => until_ms,
            _ => u64::MAX,
        }
    }

    fn refusal(self) -> PlanError {
        let model = self.context.request.model.to_owned();
        let excluded = self.context.excluded;
        let all_are =
            |test: fn(ExclusionReason) -> bool| excluded.iter().all(|one| test(one.reason));
        if !excluded.is_empty() && all_are(|reason| reason == ExclusionReason::Unsupported) {
            return PlanError::Unsupported { model, excluded };
        }
        if !excluded.is_empty()
            && all_are(|reason| reason.is_budget() || reason == ExclusionReason::Unsupported)
        {
            let (cheapest_usd, budget_usd) = self.context.over_request_budget.unwrap_or_default();
            return PlanError::BudgetExceeded {
                cheapest_usd,
                budget_usd,
                excluded,
            };
        }
        let now_ms = self.context.now_ms;
        let retry_after_ms = self
            .back_at_ms
            .map_or(DEFAULT_RETRY_AFTER_MS, |at| at.saturating_sub(now_ms))
            .max(1);
        let is_cooling = |one: &Excluded| one.reason == ExclusionReason::RateLimited;
        if excluded.iter().any(is_cooling)
            && all_are(|reason| reason == ExclusionReason::RateLimited || reason.is_lasting())
        {
            return PlanError::RateLimited {
                model,
                retry_after_ms,
                excluded,
            };
        }
        PlanError::NothingAvailable {
            model,
            retry_after_ms,
            excluded,
        }
    }
}

/// The group and its fallback groups. Chains are acyclic; the bound keeps an invalid policy from hanging the worker.
fn chain(index: &PolicyIndex, primary: GroupId) -> impl Iterator<Item = (GroupId, &ModelGroup)> {
    let groups = &index.policy().groups;
    let look_up = |id: GroupId| groups.get(id.0).map(|group| (id, group));
    std::iter::successors(look_up(primary), move |(_, group)| {
        group.fallback_group.and_then(look_up)
    })
    .take(groups.len())
}

/// The members that the group's strategy may use, all of one rank.
fn members<'a>(
    index: &'a PolicyIndex,
    id: GroupId,
    group: &ModelGroup,
    model: &'a str,
) -> impl Iterator<Item = Candidate<'a>> {
    let owner = OnceCell::new();
    index
        .pool(id)
        .iter()
        .take(length(&group.strategy))
        .enumerate()
        .map(move |(position, deployment)| {
            let fit = match &deployment.model {
                Some(_) => MatchQuality::Named,
                None => index.policy().target(deployment.target).map_or(
                    MatchQuality::Fallback,
                    |target| {
                        let owner = *owner.get_or_init(|| Provider::of_model(model));
                        vendor_models::fit(target, model, owner)
                    },
                ),
            };
            Candidate {
                deployment,
                position,
                first_choice: position == 0,
                rank: MatchQuality::Named,
                fit,
                eligibility: Eligibility::Healthy,
                score: 0.0,
            }
        })
}

/// The most members that a plan may take from one pool.
fn length(strategy: &Strategy) -> usize {
    match strategy {
        Strategy::Single => 1,
        Strategy::Failover
        | Strategy::Weighted
        | Strategy::WeightedRoundRobin
        | Strategy::RoundRobin
        | Strategy::Random
        | Strategy::Latency(_)
        | Strategy::HighestThroughput(_)
        | Strategy::Cost(_)
        | Strategy::Semantic(_) => usize::MAX,
    }
}
