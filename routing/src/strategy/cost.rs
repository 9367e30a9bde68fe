//! `cost`: the cheapest member that fits the request's budget and can take the request.
//!
//! Members that do not fit are out. When no member fits, the request is refused, or the cheapest serves anyway
//! (`on_over_budget: cheapest`). A member without a known price is taken for dearer than all others.

use policy::{CostSettings, OnOverBudget};

use super::{Pick, PickHead};
use crate::cost::{self, ExpectedTokens};
use crate::plan::context::{Contender, Context};
use crate::refusal::ExclusionReason;

pub(super) struct Cost<'s>(pub(super) &'s CostSettings);

impl Cost<'_> {
    fn estimate(&self, contender: &Contender<'_>, context: &mut Context<'_>) -> Option<f64> {
        let model = context.model_of(contender);
        let price = context.naming.price(contender.candidate, &model)?;
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

    /// Puts the estimate, infinite where no price is known, into `contender.score`.
    fn obstacle(
        &self,
        contender: &mut Contender<'_>,
        context: &mut Context<'_>,
    ) -> Option<ExclusionReason> {
        contender.score = self.estimate(contender, context).unwrap_or(f64::INFINITY);
        let tokens = context
            .request
            .prompt_tokens
            .saturating_add(self.output_tokens(context));
        if contender
            .candidate
            .context_window
            .is_some_and(|window| tokens > window)
        {
            return Some(ExclusionReason::ContextWindow);
        }
        let budget = self.0.budget_per_request_usd?;
        (contender.score > budget).then_some(ExclusionReason::RequestBudget)
    }
}

impl PickHead for Cost<'_> {
    fn screen(&self, field: &mut Vec<Contender<'_>>, context: &mut Context<'_>) {
        let obstacles: Vec<Option<ExclusionReason>> = field
            .iter_mut()
            .map(|contender| self.obstacle(contender, context))
            .collect();
        if obstacles.iter().all(Option::is_none) {
            return;
        }
        let nobody_fits = obstacles.iter().all(Option::is_some);
        // Over budget is money, which may be spent; over the context window is impossible.
        let forgiven = match self.0.on_over_budget {
            OnOverBudget::Cheapest if nobody_fits => Some(ExclusionReason::RequestBudget),
            OnOverBudget::Cheapest | OnOverBudget::Refuse => None,
        };
        if nobody_fits && forgiven.is_none() {
            let least = field
                .iter()
                .zip(&obstacles)
                .filter(|(_, obstacle)| **obstacle == Some(ExclusionReason::RequestBudget))
                .map(|(contender, _)| contender.score)
                .filter(|estimate| estimate.is_finite())
                .min_by(f64::total_cmp);
            context
                .too_dear
                .get_or_insert((least, self.0.budget_per_request_usd));
        }
        let mut verdicts = obstacles.into_iter();
        field.retain(|contender| {
            match verdicts
                .next()
                .flatten()
                .filter(|one| Some(*one) != forgiven)
            {
                Some(reason) => {
                    context.exclude(contender, reason);
                    false
                }
                None => true,
            }
        });
    }

    fn pick(&self, field: &[Contender<'_>], _context: &mut Context<'_>) -> Pick {
        let mut cheapest = 0;
        let mut least = f64::INFINITY;
        for (position, contender) in field.iter().enumerate() {
            if contender.score < least {
                (cheapest, least) = (position, contender.score);
            }
        }
        Pick::head(cheapest)
    }
}
