//! The plan of one request, with all that it takes to be allowed to follow it: trials of half-open targets are claimed,
//! and money is held.

use routing::health::Signal;
use routing::{Budgeted, Plan, PlanError, Request, StateSnapshot, plan};

use crate::budget::{self, BudgetReservation, InsufficientBudget};
use crate::config::GatewayConfig;
use crate::control::{Control, Key};
use crate::host::{Host, Now};
use crate::worker::Worker;

/// Plans may be made again when the last trial of a half-open target was taken by another worker.
const PLANNING_ROUNDS: usize = 3;

/// Makes the plans of one request.
pub(crate) struct Planner<'a> {
    pub(crate) vm: &'a Worker,
    pub(crate) config: &'a GatewayConfig,
    pub(crate) control: &'a Control,
    /// The gateway key that pays.
    pub(crate) key: Option<&'a Key>,
    pub(crate) now: Now,
}

impl Planner<'_> {
    /// A plan whose head may be tried and whose every entry can be paid.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is held then.
    pub(crate) fn plan(
        &self,
        host: &impl Host,
        request: &Request<'_>,
    ) -> Result<(Plan, BudgetReservation), PlanError> {
        let (mut plan, mut hold) = self.affordable(host, request)?;
        for _ in 0..PLANNING_ROUNDS {
            let Some(head) = plan.attempts.first().filter(|_| plan.primary_is_half_open) else {
                break;
            };
            let claimed = self.vm.signal_at(
                host,
                self.config,
                head.target,
                Signal::HalfOpenRequestStarted,
                self.now,
            );
            if !claimed.refused {
                break;
            }
            hold.release(host);
            (plan, hold) = self.affordable(host, request)?;
        }
        Ok((plan, hold))
    }

    /// Plans without those who turn out to have too little left, until all that is planned can be paid.
    fn affordable(
        &self,
        host: &impl Host,
        request: &Request<'_>,
    ) -> Result<(Plan, BudgetReservation), PlanError> {
        let now = self.now;
        let policy = &self.config.policy;
        if self.config.runtime.simulated {
            let plan = self.make(host, request, &[], Budgeted::None)?;
            return Ok((plan, BudgetReservation::default()));
        }
        let mut over_budget = self.vm.over_budget(self.config, self.control, now);
        let with_budget = budget::budgeted(policy, self.control);
        let budgeted = match self.key {
            Some(key) if key.budget.is_some() => Budgeted::All,
            _ => Budgeted::Targets(&with_budget),
        };
        loop {
            let plan = self.make(host, request, &over_budget, budgeted)?;
            let (held, ledger) = budget::hold(host, self.control, self.key, policy, &plan, now);
            if let Some(ledger) = ledger {
                self.vm.learn_ledger(ledger);
            }
            match held {
                Ok(hold) => return Ok((plan, hold)),
                // Each round leaves out targets that the plan had, so that there is an end.
                Err(InsufficientBudget::Targets(targets)) if !targets.is_empty() => {
                    over_budget.extend(targets);
                }
                Err(InsufficientBudget::Targets(_) | InsufficientBudget::Key) => {
                    return Err(PlanError::BudgetExceeded {
                        cheapest_usd: None,
                        budget_usd: None,
                        excluded: plan.excluded,
                    });
                }
            }
        }
    }

    fn make(
        &self,
        host: &impl Host,
        request: &Request<'_>,
        over_budget: &[policy::TargetId],
        budgeted: Budgeted<'_>,
    ) -> Result<Plan, PlanError> {
        let now_ms = self.now.monotonic_ms();
        self.vm.with_view(host, self.now, |view| {
            let view = StateSnapshot {
                over_budget,
                budgeted,
                ..view
            };
            plan::make(
                &self.config.index,
                &view,
                &mut self.vm.worker.borrow_mut(),
                request,
                &mut self.vm.random.borrow_mut(),
                now_ms,
            )
        })
    }
}
