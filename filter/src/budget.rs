//! Money: what a request holds of budgets while it is on its way, and what it has cost in the end.

use std::collections::HashSet;

use policy::{Policy, TargetId};
use routing::Plan;
use routing::budget::{AccountKey, Claim, Ledger, Reservation};

use crate::control::{Budget, Control, Key};
use crate::host::{Host, Now};
use crate::shared::{key, update_shared};

/// Tries at a write that must not be lost, each of them several races.
const PATIENCE: usize = 4;

/// Reservations of one request, for every attempt that it may make and for its key.
#[derive(Debug, Default)]
#[must_use = "what is held stays reserved until it is settled"]
pub(crate) struct BudgetReservation {
    reservations: Vec<(AccountRef, Reservation)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AccountRef {
    /// The provider's budget, for this entry of the plan.
    Entry(usize),
    /// The gateway key's.
    Key,
}

/// Who has not enough left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InsufficientBudget {
    /// These providers: plan without them.
    Targets(Vec<TargetId>),
    /// The gateway key: nobody can serve it.
    Key,
}

/// Reserves what every entry of `plan` is expected to cost, and the dearest of them for the key. Touches shared data
/// only where there is a budget. Besides, gives the ledger as it was found.
pub(crate) fn hold(
    host: &impl Host,
    control: &Control,
    key: Option<&Key>,
    policy: &Policy,
    plan: &Plan,
    now: Now,
) -> (
    Result<BudgetReservation, InsufficientBudget>,
    Option<Ledger>,
) {
    let mut payers = Vec::new();
    let mut accounts = Vec::new();
    if !control.has_no_provider_budgets() {
        for (index, entry) in plan.attempts.iter().enumerate() {
            let target = policy.target(entry.target);
            for budget in target.into_iter().flat_map(|it| control.budgets_of(it)) {
                payers.push(AccountRef::Entry(index));
                accounts.push((budget.at(now.unix_ms), nanos(entry.estimated_cost_usd)));
            }
        }
    }
    if let Some(budget) = key.and_then(|key| key.budget.as_ref()) {
        let estimates = plan.attempts.iter().map(|entry| entry.estimated_cost_usd);
        let dearest = estimates.map(nanos).max().unwrap_or(0);
        payers.push(AccountRef::Key);
        accounts.push((budget.at(now.unix_ms), dearest));
    }
    if accounts.is_empty() {
        return (Ok(BudgetReservation::default()), None);
    }
    let claims: Vec<Claim<'_>> = accounts
        .iter()
        .map(|(account, estimate)| Claim {
            account,
            estimate: *estimate,
        })
        .collect();
    let every_account = || claims.iter().map(|claim| claim.account.key).collect();
    // A write that loses all its races reserves nothing, so nobody may spend.
    let mut outcome: Result<Vec<Reservation>, Vec<AccountKey>> = Err(every_account());
    let mut seen = None;
    let written = update_ledger(host, |ledger| {
        outcome = ledger.reserve(&claims);
        seen = Some(ledger.clone());
        outcome.is_ok()
    });
    if !written && outcome.is_ok() {
        outcome = Err(every_account());
    }
    let result = match outcome {
        Ok(granted) => Ok(BudgetReservation {
            reservations: payers.into_iter().zip(granted).collect(),
        }),
        Err(refused) => Err(broke(&refused, control, key, policy, plan, now)),
    };
    (result, seen)
}

fn broke(
    refused: &[AccountKey],
    control: &Control,
    key: Option<&Key>,
    policy: &Policy,
    plan: &Plan,
    now: Now,
) -> InsufficientBudget {
    let is_short = |budget: &Budget| refused.contains(&budget.at(now.unix_ms).key);
    if key
        .and_then(|key| key.budget.as_ref())
        .is_some_and(is_short)
    {
        return InsufficientBudget::Key;
    }
    let is_refused = |target: &TargetId| {
        policy
            .target(*target)
            .is_some_and(|target| control.budgets_of(target).any(is_short))
    };
    InsufficientBudget::Targets(
        plan.attempts
            .iter()
            .map(|entry| entry.target)
            .filter(is_refused)
            .collect(),
    )
}

impl BudgetReservation {
    /// Turns what was held into what was billed, in nano US dollars: `bills` says it of each entry of the plan, and is
    /// asked only where something is held.
    pub(crate) fn settle(self, host: &impl Host, bills: impl FnOnce() -> Vec<u64>) {
        if self.reservations.is_empty() {
            return;
        }
        let bills = bills();
        let total = bills.iter().copied().fold(0, u64::saturating_add);
        for _ in 0..PATIENCE {
            let settled = update_ledger(host, |ledger| {
                for (payer, reservation) in &self.reservations {
                    let billed = match payer {
                        AccountRef::Entry(index) => bills.get(*index).copied().unwrap_or(0),
                        AccountRef::Key => total,
                    };
                    ledger.settle(reservation, billed);
                }
                true
            });
            if settled {
                return;
            }
        }
        log::error!("a reservation could not be settled: it counts as spent until its period ends");
    }

    /// Nothing was spent.
    pub(crate) fn release(self, host: &impl Host) {
        self.settle(host, Vec::new);
    }
}

/// Targets that have a budget.
pub(crate) fn budgeted(policy: &Policy, control: &Control) -> Vec<TargetId> {
    if control.has_no_provider_budgets() {
        return Vec::new();
    }
    policy
        .targets
        .iter()
        .zip(0..)
        .filter(|(target, _)| control.budgets_of(target).next().is_some())
        .map(|(_, index)| TargetId(index))
        .collect()
}

/// Targets whose budget is spent.
pub(crate) fn over_budget(
    policy: &Policy,
    control: &Control,
    ledger: &Ledger,
    now: Now,
) -> Vec<TargetId> {
    if control.has_no_provider_budgets() {
        return Vec::new();
    }
    let is_spent = |budget: &Budget| ledger.usage(&budget.at(now.unix_ms)).is_spent();
    policy
        .targets
        .iter()
        .zip(0..)
        .filter(|(target, _)| control.budgets_of(target).any(is_spent))
        .map(|(_, index)| TargetId(index))
        .collect()
}

/// Forgets accounts that have no limit any more.
pub(crate) fn forget_other_accounts(host: &impl Host, control: &Control) {
    let kept: HashSet<AccountKey> = control.accounts().collect();
    update_ledger(host, |ledger| ledger.retain(|key| kept.contains(&key)));
}

/// Writes what `change` made of the ledger, unless it says that nothing changed. `false` when nothing was written.
fn update_ledger(host: &impl Host, mut change: impl FnMut(&mut Ledger) -> bool) -> bool {
    let written = update_shared(host, key::LEDGER, |blob| {
        let mut ledger = Ledger::decode(blob);
        change(&mut ledger).then(|| ledger.encode())
    });
    written.is_some()
}

fn nanos(usd: Option<f64>) -> u64 {
    usd.map_or(0, events::nanos)
}
