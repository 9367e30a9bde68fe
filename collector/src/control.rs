//! The control state: what a gateway must know of keys and budgets.

use events::{ControlState, GatewayKey, ProviderBudget, SpendingLimit};

mod mark;

pub(crate) use mark::ControlMark;

use crate::api::ApiError;
use crate::budgets::for_instance;
use crate::key::KeyState;
use crate::records;
use crate::settings::KeyRule;
use crate::store::{Spender, Store, StoreError};

/// Digits of a version: enough that two states never have the same.
const VERSION_DIGITS: usize = 16;

/// For the gateway `instance_id`, whose own spending is left out.
pub(crate) fn state(
    store: &dyn Store,
    mark: &ControlMark,
    now_ms: u64,
    instance_id: &str,
    rule: KeyRule,
) -> Result<ControlState, ApiError> {
    let in_force = mark.follow(store, now_ms)?;
    let keys = in_force
        .keys
        .into_iter()
        .filter(|key| key.state(now_ms) == KeyState::Active)
        .map(|key| {
            let limit = key.limit.map(|limit| {
                let spender = Spender::Key(&key.name);
                for_instance(
                    store,
                    now_ms,
                    spender,
                    limit.limit_usd,
                    limit.period,
                    instance_id,
                )
            });
            let former = key.former(now_ms).cloned();
            let key = GatewayKey {
                limit: limit.transpose()?,
                id: key.id,
                name: key.name,
                sha256: key.sha256,
                team: key.team,
                models: key.models,
                expires_at_ms: key.expires_at_ms,
                requests_per_minute: key.requests_per_minute,
            };
            // The same key to gateways, with its limits: only what clients show is another.
            let former = former.map(|former| GatewayKey {
                sha256: former.sha256,
                expires_at_ms: Some(
                    key.expires_at_ms
                        .map_or(former.until_ms, |end| end.min(former.until_ms)),
                ),
                ..key.clone()
            });
            Ok(std::iter::once(key).chain(former))
        })
        .collect::<Result<Vec<_>, StoreError>>()?
        .into_iter()
        .flatten()
        .collect();
    let budgets = in_force
        .budgets
        .into_iter()
        .map(|budget| {
            let spender = Spender::Provider(&budget.provider);
            let limit = for_instance(
                store,
                now_ms,
                spender,
                budget.limit_usd,
                budget.period,
                instance_id,
            )?;
            let provider = budget.provider;
            Ok(ProviderBudget { provider, limit })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let mut state = ControlState {
        version: String::new(),
        keys_required: rule.requires_keys(in_force.had_keys),
        allow_anonymous: rule == KeyRule::Never,
        keys,
        budgets,
        store_id: Some(in_force.store_id),
        lost: in_force.lost,
        send_policy: false,
    };
    state.version = version(&state)?;
    Ok(state)
}

/// Says the same of states that differ in nothing but amounts spent.
fn version(state: &ControlState) -> Result<String, StoreError> {
    let mut state = state.clone();
    let limits = (state.keys.iter_mut().filter_map(|key| key.limit.as_mut()))
        .chain(state.budgets.iter_mut().map(|budget| &mut budget.limit));
    for SpendingLimit {
        spent_elsewhere_usd,
        spent_here_usd,
        ..
    } in limits
    {
        *spent_elsewhere_usd = 0.0;
        *spent_here_usd = 0.0;
    }
    let json =
        serde_json::to_vec(&state).map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok(records::sha256_hex(&json)
        .chars()
        .take(VERSION_DIGITS)
        .collect())
}
