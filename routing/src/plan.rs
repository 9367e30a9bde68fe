//! The plan of one request: who serves, and who follows when it fails.

use std::sync::Arc;

use policy::{GroupId, ModelGroup, Price, Strategy, TargetId};

use crate::health::{Availability, Phase};
use crate::index::{Candidate, Choice, PolicyIndex, Resolution};
use crate::latency::PairKey;
use crate::random::Random;
use crate::refusal::{ExclusionReason, Refusal};
use crate::request::Request;
use crate::strategy;
use crate::view::{View, WorkerState};

/// `retry-after` when nothing says when a target may be back, in milliseconds.
const DEFAULT_RETRY_AFTER_MS: u64 = 5_000;

/// An ordered list of attempts: the head that the strategy picked, then the rest of its group in failover order, then the
/// `fallback_group`'s plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The group that was asked for; `None` for a model that is no group.
    pub group: Option<GroupId>,
    /// The strategy that picked the head.
    pub strategy: &'static str,
    /// Never empty. No (target, model) comes twice.
    pub entries: Vec<Entry>,
    /// Who was left out.
    pub excluded: Vec<Excluded>,
    /// Of the head, where the strategy is semantic.
    pub similarity: Option<f32>,
    /// Of the head, where its price is known.
    pub estimated_cost_usd: Option<f64>,
    /// The head is half-open: claim a trial with [`crate::health::Signal::TrialStarted`]; when that is refused, plan again.
    pub head_is_trial: bool,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who serves.
    pub target: TargetId,
    /// The group and the position in it; `None` for a model that is no group.
    pub member: Option<(GroupId, usize)>,
    /// Model name sent to the target.
    pub model: Arc<str>,
    /// Whole answer, or to the first content of a stream.
    pub timeout_ms: u64,
    /// For the event.
    pub tag: Option<Arc<str>>,
    /// For the event.
    pub region: Option<Arc<str>>,
    /// Member's, target's or built-in.
    pub price: Option<Price>,
    /// Prompt and expected answer at `price`.
    pub estimated_cost_usd: Option<f64>,
    /// Under which to record latency samples.
    pub pair: PairKey,
}

/// A target that could have served but was left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Excluded {
    /// Who.
    pub target: TargetId,
    /// With which model.
    pub model: Arc<str>,
    /// Why.
    pub reason: ExclusionReason,
}

/// Makes the plan of `request`.
///
/// # Errors
/// See [`Refusal`].
pub fn make(
    index: &PolicyIndex,
    view: &View<'_>,
    worker: &mut WorkerState,
    request: &Request<'_>,
    random: &mut Random,
    now_ms: u64,
) -> Result<Plan, Refusal> {
    let resolution = index.resolve(request.model);
    let name = match resolution {
        Resolution::Group(group) => index
            .policy()
            .group(group)
            .map_or(request.model, |group| group.name.as_str()),
        Resolution::Targets(_) => request.model,
        Resolution::Unknown => {
            return Err(Refusal::UnknownModel {
                model: request.model.to_owned(),
                known: index.known_models(),
            });
        }
    };
    if request.allows.is_some_and(|allows| !allows(name)) {
        return Err(Refusal::NotAllowed {
            model: request.model.to_owned(),
        });
    }
    let mut draft = Draft::new(index, view, request, now_ms);
    let _ = (worker, random);
    match resolution {
        Resolution::Group(group) => draft.add_chain(group),
        Resolution::Targets(choices) => draft.add_targets(&choices),
        Resolution::Unknown => {}
    }
    draft.finish()
}

/// A candidate on its way into the plan.
#[derive(Clone, Copy)]
struct Runner<'a> {
    candidate: &'a Candidate,
    class: u8,
    knows: bool,
    first: bool,
}

struct Draft<'a> {
    index: &'a PolicyIndex,
    view: &'a View<'a>,
    request: &'a Request<'a>,
    now_ms: u64,
    room: usize,
    group: Option<GroupId>,
    strategy: &'static str,
    entries: Vec<Entry>,
    excluded: Vec<Excluded>,
    similarity: Option<f32>,
    earliest_ms: Option<u64>,
}

impl<'a> Draft<'a> {
    fn new(
        index: &'a PolicyIndex,
        view: &'a View<'a>,
        request: &'a Request<'a>,
        now_ms: u64,
    ) -> Self {
        let failover = &index.policy().failover;
        let room = match failover.max_attempts {
            _ if !failover.enabled => 1,
            Some(further) => usize::try_from(further)
                .unwrap_or(usize::MAX)
                .saturating_add(1),
            None => usize::MAX,
        };
        Self {
            index,
            view,
            request,
            now_ms,
            room,
            group: None,
            strategy: index.policy().default_strategy.name(),
            entries: Vec::new(),
            excluded: Vec::new(),
            similarity: None,
            earliest_ms: None,
        }
    }

    fn add_chain(&mut self, head: GroupId) {
        let index = self.index;
        self.group = Some(head);
        let mut next = Some(head);
        // Chains are acyclic; the bound keeps a broken policy from hanging the worker.
        for _ in 0..=index.policy().groups.len() {
            let Some((id, group)) = next.and_then(|id| Some((id, index.policy().group(id)?)))
            else {
                break;
            };
            if id == head {
                self.strategy = group.strategy.name();
            }
            self.add_group(id, group);
            next = group.fallback_group;
        }
    }

    fn add_group(&mut self, id: GroupId, group: &ModelGroup) {
        let members = match group.strategy {
            Strategy::Single => 1,
            _ => usize::MAX,
        };
        let runners: Vec<Runner<'a>> = self
            .index
            .pool(id)
            .iter()
            .take(members)
            .enumerate()
            .map(|(position, candidate)| Runner {
                candidate,
                class: 0,
                knows: self
                    .index
                    .knows_by_vendor(candidate.target, self.request.model),
                first: position == 0,
            })
            .collect();
        self.add_runners(&group.strategy, &runners);
    }

    fn add_targets(&mut self, choices: &[Choice]) {
        let pool = self.index.default_pool();
        let strategy = &self.index.policy().default_strategy;
        let members = match strategy {
            Strategy::Single => 1,
            _ => usize::MAX,
        };
        let runners: Vec<Runner<'a>> = choices
            .iter()
            .take(members)
            .enumerate()
            .filter_map(|(position, choice)| {
                let candidate = pool.get(choice.position)?;
                Some(Runner {
                    candidate,
                    class: choice.class,
                    knows: choice.knows,
                    first: position == 0,
                })
            })
            .collect();
        self.add_runners(strategy, &runners);
    }

    fn add_runners(&mut self, strategy: &Strategy, runners: &[Runner<'a>]) {
        let mut able: Vec<Runner<'a>> = Vec::with_capacity(runners.len());
        for runner in runners {
            match self.obstacle(runner.candidate) {
                None => able.push(*runner),
                Some(reason) => {
                    let model = self.model_name(runner);
                    self.excluded.push(Excluded {
                        target: runner.candidate.target,
                        model,
                        reason,
                    });
                }
            }
        }
        let Some(best_class) = able.iter().map(|runner| runner.class).min() else {
            return;
        };
        let field: Vec<&Candidate> = able
            .iter()
            .filter(|runner| runner.class == best_class)
            .map(|runner| runner.candidate)
            .collect();
        let pick = strategy::pick(strategy, &field);
        if self.entries.is_empty() {
            self.similarity = pick.similarity;
        }
        if let Some(head) = able.get(pick.head) {
            self.push(head);
        }
        for (position, runner) in able.iter().enumerate() {
            if position != pick.head {
                self.push(runner);
            }
        }
    }

    fn obstacle(&mut self, candidate: &Candidate) -> Option<ExclusionReason> {
        if !(self.request.can_serve)(candidate.target) {
            return Some(ExclusionReason::Unsupported);
        }
        if self.view.over_budget.contains(&candidate.target) {
            return Some(ExclusionReason::ProviderBudget);
        }
        let (key, thresholds) = self.index.health_of(candidate.target)?;
        match self.view.health.availability(key, thresholds, self.now_ms) {
            Availability::Available | Availability::Ramping { .. } | Availability::HalfOpen => None,
            Availability::Out {
                until_ms,
                phase,
                reason,
            } => {
                self.earliest_ms = Some(
                    self.earliest_ms
                        .map_or(until_ms, |earliest| earliest.min(until_ms)),
                );
                Some(match phase {
                    Phase::Cooling => ExclusionReason::CoolingDown,
                    Phase::NoCredential => ExclusionReason::CredentialMissing,
                    Phase::HalfOpen => ExclusionReason::TrialsUnderWay,
                    Phase::Open | Phase::Closed => ExclusionReason::Unhealthy(reason),
                })
            }
        }
    }

    fn model_name(&self, runner: &Runner<'_>) -> Arc<str> {
        self.index.model_name(
            runner.candidate,
            self.request.model,
            runner.knows,
            runner.first,
        )
    }

    fn push(&mut self, runner: &Runner<'_>) {
        if self.entries.len() >= self.room {
            return;
        }
        let model = self.model_name(runner);
        let candidate = runner.candidate;
        if self
            .entries
            .iter()
            .any(|entry| entry.target == candidate.target && entry.model == model)
        {
            return;
        }
        self.entries.push(Entry {
            target: candidate.target,
            member: candidate.member,
            model,
            timeout_ms: candidate.timeout_ms,
            tag: candidate.tag.clone(),
            region: candidate.region.clone(),
            price: candidate.price,
            estimated_cost_usd: None,
            pair: candidate.pair,
        });
    }

    fn finish(self) -> Result<Plan, Refusal> {
        let Some(head) = self.entries.first() else {
            let model = self.request.model.to_owned();
            if self
                .excluded
                .iter()
                .all(|excluded| excluded.reason == ExclusionReason::Unsupported)
            {
                return Err(Refusal::Unsupported { model });
            }
            return Err(Refusal::NothingAvailable {
                model,
                retry_after_ms: self
                    .earliest_ms
                    .map_or(DEFAULT_RETRY_AFTER_MS, |at| at.saturating_sub(self.now_ms)),
                reasons: self
                    .excluded
                    .iter()
                    .map(|excluded| (excluded.target, excluded.reason))
                    .collect(),
            });
        };
        Ok(Plan {
            group: self.group,
            strategy: self.strategy,
            estimated_cost_usd: head.estimated_cost_usd,
            head_is_trial: false,
            similarity: self.similarity,
            excluded: self.excluded,
            entries: self.entries,
        })
    }
}
