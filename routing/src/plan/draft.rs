//! A plan in the making: pools are added one after the other, each screened, headed and appended.

use std::cell::OnceCell;

use catalog::Provider;
use policy::{GroupId, ModelGroup, Strategy};

use super::context::{Contender, Context, Standing};
use super::passed_over::{self, Absent};
use super::{Entry, Excluded, Plan, most_entries};
use crate::cost::{self, ExpectedTokens};
use crate::health::{Availability, Phase};
use crate::index::{Candidate, PolicyIndex};
use crate::naming::Naming;
use crate::random::Random;
use crate::refusal::{ExclusionReason, Refusal};
use crate::request::Request;
use crate::resolve::{Choice, Fit, Resolution};
use crate::strategy;
use crate::vendor_models;
use crate::view::{View, WorkerState};

/// `retry-after` when nothing says when a target may be back, in milliseconds.
const DEFAULT_RETRY_AFTER_MS: u64 = 5_000;

pub(super) struct Draft<'a> {
    context: Context<'a>,
    /// How many entries the plan may have.
    room: usize,
    /// Expected length of the answer in the pool that is being added.
    output_tokens: u32,
    entries: Vec<Entry>,
    similarity: Option<f32>,
    head_is_trial: bool,
    passed_over: Option<Excluded>,
    by_conversation: bool,
    /// When the first of the excluded may be back.
    back_at_ms: Option<u64>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        index: &'a PolicyIndex,
        view: &'a View<'a>,
        worker: &'a mut WorkerState,
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
                naming: Naming::new(index, request.model),
                excluded: Vec::new(),
                too_dear: None,
            },
            room: most_entries(&index.policy().failover),
            output_tokens: 0,
            entries: Vec::new(),
            similarity: None,
            head_is_trial: false,
            passed_over: None,
            by_conversation: false,
            back_at_ms: None,
        }
    }

    pub(super) fn complete(mut self, resolution: &Resolution) -> Result<Plan, Refusal> {
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
            Resolution::Targets(choices) => {
                self.add_choices(choices);
                (None, index.policy().default_strategy.name())
            }
            Resolution::Unknown => (None, index.policy().default_strategy.name()),
        };
        let fail_open = self.entries.is_empty() && group.is_some_and(|id| self.add_least_bad(id));
        let Some(head) = self.entries.first() else {
            return Err(self.refusal());
        };
        // A fallback group may take whom the first group's strategy ruled out.
        let entries = &self.entries;
        self.context.excluded.retain(|excluded| {
            !entries
                .iter()
                .any(|entry| entry.target == excluded.target && entry.model == excluded.model)
        });
        Ok(Plan {
            group,
            strategy,
            estimated_cost_usd: head.estimated_cost_usd,
            similarity: self.similarity,
            head_is_trial: self.head_is_trial,
            by_conversation: self.by_conversation,
            fail_open,
            passed_over: self.passed_over.filter(|passed_over| {
                passed_over.target != head.target || passed_over.model != head.model
            }),
            excluded: self.context.excluded,
            entries: self.entries,
        })
    }

    /// The group and its fallback groups.
    fn add_chain(&mut self, head: GroupId) {
        for (id, group) in chain(self.context.index, head) {
            if self.entries.len() >= self.room {
                break;
            }
            self.context.group = Some(id);
            self.add_pool(
                &group.strategy,
                group.session_affinity,
                id == head,
                members(self.context.index, id, group, self.context.request.model),
            );
        }
    }

    fn add_choices(&mut self, choices: &[Choice]) {
        let index = self.context.index;
        let strategy = &index.policy().default_strategy;
        let contenders = choices.iter().enumerate().filter_map(|(order, choice)| {
            Some(Contender {
                candidate: index.default_pool().get(choice.position)?,
                position: choice.position,
                first_choice: order == 0,
                rank: choice.fit,
                fit: choice.fit,
                standing: Standing::Healthy,
                score: 0.0,
            })
        });
        self.add_pool(strategy, false, true, contenders.take(length(strategy)));
    }

    fn add_pool(
        &mut self,
        strategy: &Strategy,
        sticky: bool,
        is_first: bool,
        pool: impl Iterator<Item = Contender<'a>>,
    ) {
        self.output_tokens = cost::output_tokens(self.context.request.max_output_tokens, strategy);
        let most = pool.size_hint().1.unwrap_or(0);
        let mut field: Vec<Contender<'a>> = Vec::with_capacity(most);
        let mut absent: Vec<Absent<'a>> = Vec::new();
        self.entries
            .reserve(most.min(self.room.saturating_sub(self.entries.len())));
        for mut contender in pool {
            match self.standing(contender.candidate) {
                Ok(standing) => {
                    contender.standing = standing;
                    field.push(contender);
                }
                Err(reason) => {
                    if reason.is_state_of_target() {
                        absent.push(Absent {
                            contender,
                            reason,
                            place: field.len(),
                        });
                    }
                    self.context.exclude(&contender, reason);
                }
            }
        }
        if is_first {
            self.passed_over =
                passed_over::find(strategy, sticky, &field, &absent, &mut self.context);
        }
        strategy::screen(strategy, &mut field, &mut self.context);
        let Some(pick) = strategy::pick_best(strategy, sticky, &field, &mut self.context) else {
            return;
        };
        if let Some(head) = field.get(pick.head) {
            if self.entries.is_empty() {
                self.similarity = pick.similarity;
                self.by_conversation = pick.by_conversation;
                self.head_is_trial = head.standing == Standing::Trial;
            }
            self.push(head);
        }
        for (position, contender) in field.iter().enumerate() {
            if position != pick.head {
                self.push(contender);
            }
        }
    }

    /// Whether the target may be used for this request at all.
    fn standing(&mut self, candidate: &Candidate) -> Result<Standing, ExclusionReason> {
        let context = &self.context;
        if !(context.request.can_serve)(candidate.target) {
            return Err(ExclusionReason::Unsupported);
        }
        if context.view.over_budget.contains(&candidate.target) {
            return Err(ExclusionReason::ProviderBudget);
        }
        if candidate.unreachable {
            return Err(ExclusionReason::EndpointMissing);
        }
        let Some((key, thresholds)) = context.index.health_of(candidate.target) else {
            return Ok(Standing::Healthy);
        };
        let availability = context
            .view
            .health
            .availability(key, thresholds, context.now_ms);
        match availability {
            Availability::Available => Ok(Standing::Healthy),
            Availability::Recovering { since_ms } => Ok(Standing::Recovering { since_ms }),
            Availability::Trial => Ok(Standing::Trial),
            Availability::Out {
                until_ms,
                phase,
                reason,
            } => {
                self.back_at_ms = [self.back_at_ms, until_ms].into_iter().flatten().min();
                Err(match phase {
                    Phase::Cooling => ExclusionReason::CoolingDown,
                    Phase::NoCredential => ExclusionReason::CredentialMissing,
                    Phase::HalfOpen => ExclusionReason::TrialsUnderWay,
                    Phase::Open | Phase::Closed => ExclusionReason::Unhealthy(reason),
                })
            }
        }
    }

    fn push(&mut self, contender: &Contender<'_>) {
        if self.entries.len() >= self.room {
            return;
        }
        let candidate = contender.candidate;
        let model = self.context.model_of(contender);
        let repeated = |entry: &Entry| entry.target == candidate.target && entry.model == model;
        if self.entries.iter().any(repeated) {
            return;
        }
        let price = self.context.naming.price(candidate, &model);
        self.entries.push(Entry {
            target: candidate.target,
            member: candidate.member,
            model,
            timeout_ms: candidate.timeout_ms,
            tag: candidate.tag.clone(),
            region: candidate.region.clone(),
            price,
            estimated_cost_usd: price.map(|price| {
                let tokens = ExpectedTokens {
                    prompt: self.context.request.prompt_tokens,
                    output: self.output_tokens,
                    choices: self.context.request.choices,
                };
                cost::estimate_usd(price, tokens)
            }),
            pair: candidate.pair(),
        });
    }

    /// Everyone is out: adds the one that is likely to be back first, from the first group of the chain that is
    /// `fail_open`.
    fn add_least_bad(&mut self, head: GroupId) -> bool {
        let index = self.context.index;
        for (id, group) in chain(index, head).filter(|(_, group)| group.fail_open) {
            let pool = members(index, id, group, self.context.request.model);
            let mut least_bad: Option<(u64, Contender<'a>)> = None;
            for contender in pool {
                let standing = self.standing(contender.candidate);
                if !standing.is_err_and(ExclusionReason::is_health) {
                    continue;
                }
                let back_at_ms = self.returns_at(contender.candidate);
                if least_bad.is_none_or(|(earliest, _)| back_at_ms < earliest) {
                    least_bad = Some((back_at_ms, contender));
                }
            }
            if let Some((_, contender)) = least_bad {
                self.push(&contender);
                return true;
            }
        }
        false
    }

    fn returns_at(&self, candidate: &Candidate) -> u64 {
        let availability =
            self.context
                .index
                .health_of(candidate.target)
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

    fn refusal(self) -> Refusal {
        let model = self.context.request.model.to_owned();
        let excluded = self.context.excluded;
        let all_are =
            |test: fn(ExclusionReason) -> bool| excluded.iter().all(|one| test(one.reason));
        if !excluded.is_empty() && all_are(|reason| reason == ExclusionReason::Unsupported) {
            return Refusal::Unsupported { model, excluded };
        }
        if !excluded.is_empty()
            && all_are(|reason| reason.is_budget() || reason == ExclusionReason::Unsupported)
        {
            let (cheapest_usd, budget_usd) = self.context.too_dear.unwrap_or_default();
            return Refusal::BudgetExceeded {
                cheapest_usd,
                budget_usd,
                excluded,
            };
        }
        let now_ms = self.context.now_ms;
        Refusal::NothingAvailable {
            model,
            retry_after_ms: self
                .back_at_ms
                .map_or(DEFAULT_RETRY_AFTER_MS, |at| at.saturating_sub(now_ms))
                .max(1),
            excluded,
        }
    }
}

/// The group and its fallback groups. Chains are acyclic; the bound keeps a broken policy from hanging the worker.
fn chain(index: &PolicyIndex, head: GroupId) -> impl Iterator<Item = (GroupId, &ModelGroup)> {
    let groups = &index.policy().groups;
    let look_up = |id: GroupId| groups.get(id.0).map(|group| (id, group));
    std::iter::successors(look_up(head), move |(_, group)| {
        group.fallback_group.and_then(look_up)
    })
    .take(groups.len())
}

/// The members that the group's strategy lets in, all of one rank.
fn members<'a>(
    index: &'a PolicyIndex,
    id: GroupId,
    group: &ModelGroup,
    model: &'a str,
) -> impl Iterator<Item = Contender<'a>> {
    let owner = OnceCell::new();
    index
        .pool(id)
        .iter()
        .take(length(&group.strategy))
        .enumerate()
        .map(move |(position, candidate)| {
            let fit = match &candidate.model {
                Some(_) => Fit::Named,
                None => index
                    .policy()
                    .target(candidate.target)
                    .map_or(Fit::Fallback, |target| {
                        let owner = *owner.get_or_init(|| Provider::of_model(model));
                        vendor_models::fit(target, model, owner)
                    }),
            };
            Contender {
                candidate,
                position,
                first_choice: position == 0,
                rank: Fit::Named,
                fit,
                standing: Standing::Healthy,
                score: 0.0,
            }
        })
}

/// How many members a plan may take from one pool.
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
