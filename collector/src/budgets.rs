//! Budgets in a store.

use events::{BudgetPeriod, SpendingLimit};
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::budget::{Budget, NewBudget};
use crate::fleet;
use crate::period;
use crate::records::{self, Records, Unreadable};
use crate::store::{RecordKind, Spender, Store, StoreError};

/// No Envoy process in particular.
pub(crate) const EVERYBODY: &str = "";

/// How many there may be: every gateway asks for all of them every second.
const MAX_BUDGETS: usize = 1_000;
/// Shares of a budget that webhooks are told, in percent.
pub(crate) const THRESHOLDS: [u64; 2] = [80, 100];

/// As it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredBudget {
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) limit_usd: f64,
    pub(crate) period: BudgetPeriod,
}

pub(crate) fn stored(store: &dyn Store) -> Result<Records<StoredBudget>, StoreError> {
    let mut all: Records<StoredBudget> = records::all(store, RecordKind::Budget, "provider")?;
    all.readable
        .sort_by(|a, b| (&a.provider, a.period.name()).cmp(&(&b.provider, b.period.name())));
    Ok(all)
}

pub(crate) fn list(store: &dyn Store, now_ms: u64) -> Result<Vec<Budget>, ApiError> {
    let Records {
        readable,
        unreadable,
    } = stored(store)?;
    let readable = readable
        .into_iter()
        .map(|budget| Ok(as_it_stands(store, now_ms, budget)?))
        .collect::<Result<Vec<_>, ApiError>>()?;
    let unreadable = unreadable.into_iter().map(unreadable_budget);
    // First, because something has to be done about them.
    Ok(unreadable.chain(readable).collect())
}

fn unreadable_budget(budget: Unreadable) -> Budget {
    Budget {
        id: budget.id,
        provider: budget.name,
        limit_usd: 0.0,
        period: BudgetPeriod::Daily,
        period_start_ms: 0,
        period_end_ms: 0,
        spent_usd: 0.0,
        remaining_usd: 0.0,
        error: Some(budget.reason),
    }
}

pub(crate) fn create(store: &dyn Store, now_ms: u64, new: &NewBudget) -> Result<Budget, ApiError> {
    records::check_name("provider", &new.provider)?;
    records::check_limit(new.limit_usd)?;
    let name = format!("{}\0{}", new.provider, new.period.name());
    let budget = StoredBudget {
        id: records::id_of("bdg_", name.as_bytes()),
        provider: new.provider.clone(),
        limit_usd: new.limit_usd,
        period: new.period,
    };
    let others = stored(store)?.readable;
    let is_new = others.iter().all(|other| other.id != budget.id);
    if is_new && !new.allow_unknown {
        fleet::check_provider(store, &new.provider)?;
    }
    if is_new && others.len() >= MAX_BUDGETS {
        return Err(ApiError::Conflict(format!(
            "there are {MAX_BUDGETS} budgets: delete one first"
        )));
    }
    records::put(store, RecordKind::Budget, &budget.id, &budget)?;
    Ok(as_it_stands(store, now_ms, budget)?)
}

pub(crate) fn delete(store: &dyn Store, id: &str) -> Result<(), ApiError> {
    records::delete(store, RecordKind::Budget, "budget", id)?;
    // Created again, it is told again.
    for threshold in THRESHOLDS {
        store.delete_record(RecordKind::Notice, &notice_id(id, threshold))?;
    }
    Ok(())
}

/// Under which it is kept that webhooks were told of a threshold.
pub(crate) fn notice_id(budget_id: &str, threshold: u64) -> String {
    format!("{budget_id}:{threshold}")
}

fn as_it_stands(
    store: &dyn Store,
    now_ms: u64,
    budget: StoredBudget,
) -> Result<Budget, StoreError> {
    let days = period::around(budget.period, now_ms);
    let spent = store
        .spent(Spender::Provider(&budget.provider), days, EVERYBODY)?
        .everywhere();
    let spent_usd = events::usd(spent);
    Ok(Budget {
        id: budget.id,
        provider: budget.provider,
        limit_usd: budget.limit_usd,
        period: budget.period,
        period_start_ms: period::start_ms(days),
        period_end_ms: period::end_ms(days),
        spent_usd,
        remaining_usd: (budget.limit_usd - spent_usd).max(0.0),
        error: None,
    })
}

/// A limit as the gateway `instance_id` must know it.
pub(crate) fn for_instance(
    store: &dyn Store,
    now_ms: u64,
    spender: Spender<'_>,
    limit_usd: f64,
    period: BudgetPeriod,
    instance_id: &str,
) -> Result<SpendingLimit, StoreError> {
    let days = period::around(period, now_ms);
    let spent = store.spent(spender, days, instance_id)?;
    Ok(SpendingLimit {
        limit_usd,
        period,
        period_start_ms: period::start_ms(days),
        period_end_ms: period::end_ms(days),
        spent_elsewhere_usd: events::usd(spent.elsewhere),
        spent_here_usd: events::usd(spent.here),
    })
}
