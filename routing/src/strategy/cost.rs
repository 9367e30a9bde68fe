//! `cost`: the cheapest member within the request's budget and context window.
//!
//! Members that do not fit are excluded. If none fits, the request is refused, or the cheapest serves anyway
//! (`on_over_budget: cheapest`). A member without a known price counts as the most expensive.

use policy::{CostSettings, OnOverBudget};

use super::{LoadBalancer, Pick};
use crate::cost::{self, ExpectedTokens};
use crate::plan::context::{Candidate, Context};
use crate::plan_error::ExclusionReason;

pub(super) struct Cost<'s>(pub(super) &'s CostSettings);

impl Cost<'_> {
    fn estimate(&self, candidate: &Candidate<'_>, context: &mut Context<'_>) -> Option<f64> {
        let model = context.model_of(candidate);
        let price = context.model_mapper.price(candidate.deployment, &model)?;
        let tokens = ExpectedTokens {
            prompt: context.request.prompt_tokens,
            output: self.output_tokens(context),
            choices: context.request.choices,
        };
        Some(cost::estimate_usd(price, tokens))
    }

    fn output_tokens(&self, context: &Context<'_>) -> u32 {
        context
            .request
            .max_output_tokens
            .unwrap_or(self.0.assumed_output_tokens)
    }

    /// Stores the estimate in `candidate.score`, infinite if no price is known.
    fn obstacle(
        &self,
        candidate: &mut Candidate<'_>,
        context: &mut Context<'_>,
    ) -> Option<ExclusionReason> {
        candidate.score = self.estimate(candidate, context).unwrap_or(f64::INFINITY);
        let tokens = context
            .request
            .prompt_tokens
            .saturating_add(self.output_tokens(context));
        if candidate
            .deployment
            .context_window
            .is_some_and(|window| tokens > window)
        {
            return Some(ExclusionReason::ContextWindow);
        }
        let budget = self.0.budget_per_request_usd?;
        (candidate.score > budget).then_some(ExclusionReason::RequestBudget)
    }
}

impl LoadBalancer for Cost<'_> {
    fn filter(&self, candidates: &mut Vec<Candidate<'_>>, context: &mut Context<'_>) {
        let obstacles: Vec<Option<ExclusionReason>> = candidates
            .iter_mut()
            .map(|candidate| self.obstacle(candidate, context))
            .collect();
        if obstacles.iter().all(Option::is_none) {
            return;
        }
        let nobody_fits = obstacles.iter().all(Option::is_some);
        // A budget may be exceeded if configured; a context window cannot.
        let forgiven = match self.0.on_over_budget {
            OnOverBudget::Cheapest if nobody_fits => Some(ExclusionReason::RequestBudget),
            OnOverBudget::Cheapest | OnOverBudget::Refuse => None,
        };
        if nobody_fits && forgiven.is_none() {
            let least = candidates
                .iter()
                .zip(&obstacles)
                .filter(|(_, obstacle)| **obstacle == Some(ExclusionReason::RequestBudget))
                .map(|(candidate, _)| candidate.score)
                .filter(|estimate| estimate.is_finite())
                .min_by(f64::total_cmp);
            context
                .over_request_budget
                .get_or_insert((least, self.0.budget_per_request_usd));
        }
        let mut verdicts = obstacles.into_iter();
        candidates.retain(|candidate| {
            match verdicts
                .next()
                .flatten()
                .filter(|one| Some(*one) != forgiven)
            {
                Some(reason) => {
                    context.exclude(candidate, reason);
                    false
                }
                None => true,
            }
        });
    }

    fn pick(&self, candidates: &[Candidate<'_>], _context: &mut Context<'_>) -> Pick {
        let mut cheapest = 0;
        let mut least = f64::INFINITY;
        for (position, candidate) in candidates.iter().enumerate() {
            if candidate.score < least {
                (cheapest, least) = (position, candidate.score);
            }
        }
        Pick::primary(cheapest)
    }
}

#[cfg(test)]
mod tests;
