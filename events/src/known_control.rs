//! What a gateway knows of keys and budgets. It learns from every answer of the collector, and an answer that holds less
//! than the one before takes nothing away unless somebody decided so: absence is no permission.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::control::{ControlState, ProviderBudget, SpendingLimit};

/// The control state in force, and what was ever heard that restricts.
///
/// - Keys stay required once they were, until the collector says that it lets everybody in by decision
///   ([`ControlState::allow_anonymous`]).
/// - A budget ends only when the store that held it answers without it. It outlasts a store that was replaced: there it has
///   to be set again before it can be deleted.
/// - What was spent in a period never becomes less before the period ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownControl {
    /// In force. Its [`ControlState::lost`] tells what holds although the collector does not know it any more.
    #[serde(flatten)]
    pub state: ControlState,
    /// Some answer required keys.
    #[serde(default)]
    pub keys_were_required: bool,
    /// Budgets of `state` that the collector does not know.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    kept: BTreeSet<(String, String)>,
}

// === impl KnownControl ===

impl KnownControl {
    /// Takes over what the collector answered. A period that is over stays as it was told: whoever spends from the budget
    /// knows the next one.
    pub fn learn(&mut self, mut heard: ControlState) {
        self.keys_were_required |= heard.keys_required;
        heard.lost.keys |=
            self.keys_were_required && !heard.keys_required && !heard.allow_anonymous;
        heard.keys_required = self.keys_were_required && !heard.allow_anonymous;

        let known = std::mem::take(&mut self.state);
        keep_amounts_of_keys(&known, &mut heard);
        self.kept = keep_budgets(&known, &mut heard, &self.kept);
        heard.lost.budgets |= !self.kept.is_empty();
        // Who does not say which store it has is no other store.
        heard.store_id = heard.store_id.take().or(known.store_id);
        self.state = heard;
    }

    /// What must outlive this process and its collector: no keys, and no amounts of its own, which are others' for the next
    /// process.
    pub fn to_remember(&self) -> Self {
        let mut state = ControlState {
            version: String::new(),
            keys: Vec::new(),
            allow_anonymous: false,
            send_policy: false,
            ..self.state.clone()
        };
        for ProviderBudget { limit, .. } in &mut state.budgets {
            limit.spent_elsewhere_usd += std::mem::take(&mut limit.spent_here_usd);
        }
        Self {
            state,
            ..self.clone()
        }
    }

    /// Budgets that hold although the collector does not know them.
    pub fn kept_budgets(&self) -> usize {
        self.kept.len()
    }
}

/// Those of `known` that nobody deleted stay in `heard`; which of them the collector does not know.
fn keep_budgets(
    known: &ControlState,
    heard: &mut ControlState,
    kept_before: &BTreeSet<(String, String)>,
) -> BTreeSet<(String, String)> {
    let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (budget, place) in heard.budgets.iter().zip(0..) {
        places.insert(name(budget), place);
    }
    let is_same_store = match (&known.store_id, &heard.store_id) {
        (Some(known), Some(heard)) => known == heard,
        // An older collector deletes one budget after the other. All at once looks like a loss.
        (None, None) => !heard.budgets.is_empty(),
        (Some(_), None) | (None, Some(_)) => false,
    };
    let mut kept = BTreeSet::new();
    for budget in &known.budgets {
        let name = name(budget);
        match places
            .get(&name)
            .and_then(|place| heard.budgets.get_mut(*place))
        {
            Some(heard) => heard.limit.keep_amounts(&budget.limit),
            None if is_same_store && !kept_before.contains(&name) => {}
            None => {
                heard.budgets.push(budget.clone());
                kept.insert(name);
            }
        }
    }
    kept
}

fn keep_amounts_of_keys(known: &ControlState, heard: &mut ControlState) {
    let known: BTreeMap<&str, &SpendingLimit> = known
        .keys
        .iter()
        .filter_map(|key| Some((key.id.as_str(), key.limit.as_ref()?)))
        .collect();
    if known.is_empty() {
        return;
    }
    for key in &mut heard.keys {
        if let (Some(limit), Some(known)) = (&mut key.limit, known.get(key.id.as_str())) {
            limit.keep_amounts(known);
        }
    }
}

/// A provider has one budget for each length of periods.
fn name(budget: &ProviderBudget) -> (String, String) {
    (
        budget.provider.clone(),
        budget.limit.period.name().to_owned(),
    )
}

// === impl SpendingLimit ===

impl SpendingLimit {
    /// What was spent in the same period, as far as `known` tells, was spent.
    fn keep_amounts(&mut self, known: &Self) {
        if (self.period, self.period_start_ms) == (known.period, known.period_start_ms) {
            self.spent_elsewhere_usd = self.spent_elsewhere_usd.max(known.spent_elsewhere_usd);
            self.spent_here_usd = self.spent_here_usd.max(known.spent_here_usd);
        }
    }
}

#[cfg(test)]
mod tests;
