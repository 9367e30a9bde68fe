//! Everyone who could have served a request: in the plan at which place, or left out for which reason, with the
//! numbers that strategies look at.

use ::policy::{GroupId, Policy, Price, Strategy, Target, TargetId};
use routing::cost::ExpectedTokens;
use routing::latency::{DeploymentKey, Measured};
use routing::price::{self, PriceSource};
use routing::{Excluded, PlannedAttempt, Resolution, cost};
use serde::Serialize;

use super::Case;

/// One row of an explanation.
#[derive(Debug, Serialize)]
pub(super) struct Member {
    pub(super) provider: String,
    pub(super) model: String,
    /// `null` for a model that is no group.
    pub(super) model_group: Option<String>,
    /// Its place in the plan, from 1; `null` if it is left out.
    pub(super) position: Option<usize>,
    /// Why it is left out.
    pub(super) reason: Option<String>,
    pub(super) weight: Option<u32>,
    pub(super) tag: Option<String>,
    pub(super) region: Option<String>,
    pub(super) timeout_ms: u64,
    pub(super) context_window: Option<u32>,
    pub(super) price: Option<PriceShown>,
    pub(super) estimated_cost_usd: Option<f64>,
    /// Of the strategy's window; `null` where the strategy does not look at it.
    pub(super) latency: Option<LatencyShown>,
    /// To the last user message, by the built-in embedding.
    pub(super) similarity: Option<f32>,
}

#[derive(Debug, Serialize)]
pub(super) struct PriceShown {
    pub(super) input_per_1k: f64,
    pub(super) output_per_1k: f64,
    cached_input_per_1k: Option<f64>,
    pub(super) source: String,
}

#[derive(Debug, Serialize)]
pub(super) struct LatencyShown {
    pub(super) average_ms: Option<f64>,
    pub(super) tokens_per_second: Option<f64>,
    pub(super) samples: u32,
}

/// Where a row comes from.
struct Candidate<'a> {
    place: Option<(GroupId, usize)>,
    id: TargetId,
    target: &'a Target,
    model: Option<&'a str>,
    strategy: &'a Strategy,
    similarity: Option<f32>,
    pair: Option<DeploymentKey>,
}

/// The members of the group and of its fallback groups, or all targets that the model resolves to.
pub(super) fn all(case: Case<'_>) -> Vec<Member> {
    let policy = case.index.policy();
    match case.index.resolve(&case.parsed.info.model) {
        Resolution::Group(head) => chain(policy, head)
            .flat_map(|id| of_group(case, policy, id))
            .collect(),
        Resolution::Targets(choices) => choices
            .iter()
            .filter_map(|choice| {
                let target = policy.target(choice.target)?;
                let candidate = Candidate {
                    place: None,
                    id: choice.target,
                    target,
                    model: None,
                    strategy: &policy.default_strategy,
                    similarity: None,
                    pair: None,
                };
                Some(candidate.row(case))
            })
            .collect(),
        Resolution::Unknown => Vec::new(),
    }
}

fn of_group(case: Case<'_>, policy: &Policy, id: GroupId) -> Vec<Member> {
    let Some(group) = policy.group(id) else {
        return Vec::new();
    };
    let message = case.parsed.info.last_user_message.as_deref();
    let similarities = message.and_then(|message| case.index.built_in_similarities(id, message));
    let members = group.members.iter().enumerate();
    members
        .filter_map(|(position, member)| {
            let target = policy.target(member.target)?;
            let candidate = Candidate {
                place: Some((id, position)),
                id: member.target,
                target,
                model: member.model.as_deref().or(target.model.as_deref()),
                strategy: &group.strategy,
                similarity: similarities
                    .as_ref()
                    .and_then(|all| all.get(position).copied()),
                pair: case.index.deployment_key(id, position),
            };
            let mut row = candidate.row(case);
            row.weight = member.weight;
            row.tag.clone_from(&member.tag);
            row.region = member.region.clone().or(row.region);
            row.timeout_ms = member.timeout_ms;
            row.context_window = member.context_window;
            row.add_cost(case, &candidate, member.price.or(target.price));
            Some(row)
        })
        .collect()
}

/// The group and those that it falls back to. Bounded, although lint allows no circle.
fn chain(policy: &Policy, head: GroupId) -> impl Iterator<Item = GroupId> {
    let next = |id: &GroupId| policy.group(*id)?.fallback_group;
    std::iter::successors(Some(head), next).take(policy.groups.len())
}

impl Candidate<'_> {
    fn row(&self, case: Case<'_>) -> Member {
        let (entries, excluded) = match case.made {
            Ok(plan) => (plan.attempts.as_slice(), plan.excluded.as_slice()),
            Err(refusal) => (&[][..], refusal.excluded()),
        };
        let own = |place, target| match self.place {
            Some(_) => place == self.place,
            None => target == self.id,
        };
        let same =
            |target, model: &str| target == self.id && self.model.is_none_or(|own| own == model);
        let position = entries
            .iter()
            .position(|entry| own(entry.member, entry.target));
        let left_out = excluded
            .iter()
            .find(|one| own(one.member, one.target))
            .or_else(|| excluded.iter().find(|one| same(one.target, &one.model)));
        let reason = match (position, left_out) {
            (Some(_), _) => None,
            (None, Some(excluded)) => Some(excluded.reason.name().to_owned()),
            (None, None) => Some(self.unsaid(
                case,
                entries.iter().any(|entry| same(entry.target, &entry.model)),
            )),
        };
        let mut row = Member {
            provider: self.target.id.clone(),
            model: self.model_name(case, position.and_then(|at| entries.get(at)), left_out),
            model_group: self
                .place
                .and_then(|(group, _)| case.index.policy().group(group))
                .map(|group| group.name.clone()),
            position: position.map(|at| at.saturating_add(1)),
            reason,
            weight: self.target.weight,
            tag: None,
            region: self.target.region.clone(),
            timeout_ms: self.target.timeout_ms,
            context_window: None,
            price: None,
            estimated_cost_usd: None,
            latency: self.latency(case),
            similarity: self.similarity,
        };
        row.add_cost(case, self, self.target.price);
        row
    }

    /// The planner gives a reason only for those who cannot serve.
    fn unsaid(&self, case: Case<'_>, repeated: bool) -> String {
        let not_first = self.place.is_some_and(|(_, position)| position > 0);
        String::from(match case.made {
            Err(refusal) => refusal.answer().2,
            Ok(_) if repeated => "same_as_another_member",
            Ok(_) if not_first && matches!(self.strategy, Strategy::Single) => "not_the_single_one",
            Ok(_) => "beyond_max_attempts",
        })
    }

    fn model_name(
        &self,
        case: Case<'_>,
        entry: Option<&PlannedAttempt>,
        excluded: Option<&Excluded>,
    ) -> String {
        let named = entry.map(|entry| &entry.model);
        let named = named.or(excluded.map(|one| &one.model));
        match (named, self.model) {
            (Some(model), _) => model.to_string(),
            (None, Some(model)) => model.to_owned(),
            (None, None) => case.parsed.info.model.to_string(),
        }
    }

    fn latency(&self, case: Case<'_>) -> Option<LatencyShown> {
        let (Strategy::Latency(settings) | Strategy::HighestThroughput(settings)) = self.strategy
        else {
            return None;
        };
        let measured: Measured = case
            .world
            .view()
            .latency
            .measured(self.pair?, settings.window_ms);
        Some(LatencyShown {
            average_ms: measured.latency_ms,
            tokens_per_second: measured.tokens_per_second,
            samples: measured.samples(),
        })
    }
}

impl Member {
    fn add_cost(&mut self, case: Case<'_>, candidate: &Candidate<'_>, configured: Option<Price>) {
        let info = &case.parsed.info;
        let unpriced = case.index.policy().gateway.unpriced;
        let Some((price, source)) =
            price::in_force(configured, unpriced, candidate.target, &self.model)
        else {
            return;
        };
        let tokens = ExpectedTokens {
            prompt: case.parsed.prompt_tokens,
            output: cost::output_tokens(info.max_output_tokens, candidate.strategy),
            choices: info.choices,
        };
        self.estimated_cost_usd = Some(events::whole_nanos(cost::estimate_usd(price, tokens)));
        self.price = Some(PriceShown::of(price, source));
    }
}

impl PriceShown {
    fn of(price: Price, source: PriceSource) -> Self {
        Self {
            input_per_1k: price.input_per_1k,
            output_per_1k: price.output_per_1k,
            cached_input_per_1k: price.cached_input_per_1k,
            source: source.to_string(),
        }
    }
}
