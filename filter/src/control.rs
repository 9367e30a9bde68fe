//! What the collector decides for gateways: which keys are good and what may be spent.
//!
//! The monitor asks for it and leaves it in shared data; workers take it from there on their tick.

mod key_hash;
mod poll;
mod report;

use std::collections::HashMap;
use std::rc::Rc;

use events::{BudgetPeriod, GatewayKey, KnownControl, LostState, SpendingLimit, nanos};
use policy::Target;
use routing::budget::{Account, AccountKey};
use routing::rate::{RateKey, RateTable};
use serde_json::{Value, json};

use crate::config::{AuthRule, Runtime};
use crate::host::{Host, Now};
use crate::shared;

use key_hash::KeyHash;
pub(crate) use poll::ControlPoll;
pub(crate) use report::report;

/// The control state, ready for lookups.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// As far as the collector decides it.
    keys_required: bool,
    /// Which keys are good is known.
    is_heard: bool,
    /// What holds although the collector does not know it any more.
    lost: LostState,
    keys: HashMap<KeyHash, Rc<Key>>,
    /// Budgets by target id or vendor. A provider has one for each length of periods.
    providers: HashMap<String, Vec<Budget>>,
}

/// A ceiling, as the collector told it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    told: Account,
    /// First moment after the period that was told.
    told_end_ms: u64,
    period: BudgetPeriod,
}

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AuthMode {
    /// Everybody.
    Open,
    /// Whoever has a good key.
    Keyed,
    /// Nobody yet: there are keys, but it is not known which.
    Unknown,
}

/// A good gateway key.
#[derive(Debug)]
pub(crate) struct Key {
    /// For events.
    pub(crate) name: String,
    /// For events.
    pub(crate) team: Option<String>,
    /// What it may spend.
    pub(crate) budget: Option<Budget>,
    rate: Option<(RateKey, u32)>,
    models: Option<Vec<String>>,
    expires_at_ms: Option<u64>,
}

/// Why a client is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RejectedRequest {
    /// There is no key.
    #[error(
        "this gateway needs a key: send it as `authorization: Bearer kt_gk_…`, `x-api-key` or `api-key`"
    )]
    NoKey,
    /// It is none of ours, or no longer.
    #[error("the gateway key is unknown, revoked or expired")]
    BadKey,
    /// Which keys are good is not known yet.
    #[error("the gateway has just started and does not know its keys yet")]
    NotReady,
}

// === impl Control ===

impl Control {
    /// Before the collector was heard: closed where there are keys, so that a restart opens no door.
    pub(crate) fn unheard(runtime: &Runtime) -> Self {
        let known = &runtime.known_control;
        Self {
            keys_required: runtime.keys_required || known.keys_were_required,
            is_heard: false,
            ..Self::of(known)
        }
    }

    /// What is known once the collector was heard.
    pub(crate) fn of(known: &KnownControl) -> Self {
        let state = &known.state;
        let mut providers: HashMap<String, Vec<Budget>> = HashMap::new();
        for budget in &state.budgets {
            let key = AccountKey::of_provider(&budget.provider, budget.limit.period.name());
            providers
                .entry(budget.provider.clone())
                .or_default()
                .push(Budget::of(key, &budget.limit));
        }
        Self {
            keys_required: state.keys_required,
            is_heard: true,
            lost: state.lost,
            keys: state
                .keys
                .iter()
                .filter_map(|key| Some((KeyHash::parse(&key.sha256)?, Rc::new(Key::of(key)))))
                .collect(),
            providers,
        }
    }

    fn auth_mode(&self, rule: AuthRule) -> AuthMode {
        let is_keyed = match rule {
            AuthRule::Collector => self.keys_required,
            AuthRule::Required => true,
            AuthRule::Disabled => false,
        };
        match (is_keyed, self.is_heard) {
            (false, _) => AuthMode::Open,
            (true, true) => AuthMode::Keyed,
            (true, false) => AuthMode::Unknown,
        }
    }

    /// No key is needed.
    pub(crate) fn lets_everybody_in(&self, rule: AuthRule) -> bool {
        self.auth_mode(rule) == AuthMode::Open
    }

    /// For `/health`: whether keys are required, and what the collector has lost that holds nevertheless.
    pub(crate) fn status(&self, rule: AuthRule) -> Value {
        let lost = [("keys", self.lost.keys), ("budgets", self.lost.budgets)];
        let lost: Vec<&str> = lost
            .into_iter()
            .filter_map(|(what, is_lost)| is_lost.then_some(what))
            .collect();
        let keys = match self.auth_mode(rule) {
            AuthMode::Open => "not_required",
            AuthMode::Keyed => "required",
            AuthMode::Unknown => "pending",
        };
        json!({"keys": keys, "lost_by_collector": lost})
    }

    /// Whose key this is; `None` where none is needed, whatever was presented.
    pub(crate) fn admit(
        &self,
        presented: Option<&[u8]>,
        now_ms: u64,
        rule: AuthRule,
    ) -> Result<Option<Rc<Key>>, RejectedRequest> {
        match self.auth_mode(rule) {
            AuthMode::Open => return Ok(None),
            AuthMode::Unknown if presented.is_some() => return Err(RejectedRequest::NotReady),
            AuthMode::Unknown | AuthMode::Keyed => {}
        }
        let presented = presented.ok_or(RejectedRequest::NoKey)?;
        let known = self.keys.get(&KeyHash::of(presented)).filter(|key| {
            key.expires_at_ms
                .is_none_or(|expires_at_ms| now_ms < expires_at_ms)
        });
        known.cloned().map(Some).ok_or(RejectedRequest::BadKey)
    }

    /// The budgets of a target, and those of its vendor, which all targets of the vendor share: it may spend what all of
    /// them allow.
    pub(crate) fn budgets_of(&self, target: &Target) -> impl Iterator<Item = &Budget> {
        let vendor = target.vendor.name();
        let of_vendor: &[Budget] = if vendor == target.id {
            &[]
        } else {
            self.named(vendor)
        };
        self.named(&target.id).iter().chain(of_vendor)
    }

    /// The budgets of a name, which is a target's id or a vendor.
    pub(crate) fn named(&self, provider: &str) -> &[Budget] {
        self.providers.get(provider).map_or(&[], Vec::as_slice)
    }

    /// The budgets of all providers, by target id or vendor.
    pub(crate) fn provider_budgets(&self) -> impl Iterator<Item = (&str, &Budget)> {
        let all = self.providers.iter();
        all.flat_map(|(name, budgets)| budgets.iter().map(|budget| (name.as_str(), budget)))
    }

    /// All good keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values().map(|key| &**key)
    }

    /// No target has a budget.
    pub(crate) fn has_no_provider_budgets(&self) -> bool {
        self.providers.is_empty()
    }

    /// Something is budgeted, so that estimates matter.
    pub(crate) fn has_budgets(&self) -> bool {
        !self.providers.is_empty() || self.keys.values().any(|key| key.budget.is_some())
    }

    /// Every account that has a limit.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = AccountKey> {
        let keys = self.keys.values().filter_map(|key| key.budget.as_ref());
        self.providers
            .values()
            .flatten()
            .chain(keys)
            .map(|budget| budget.told.key)
    }
}

// === impl Key ===

impl Key {
    fn of(key: &GatewayKey) -> Self {
        Self {
            name: key.name.clone(),
            team: key.team.clone(),
            budget: key
                .limit
                .as_ref()
                .map(|limit| Budget::of(AccountKey::of_gateway_key(&key.id), limit)),
            rate: key
                .requests_per_minute
                .map(|limit| (RateKey::of(&key.id), limit)),
            models: key.models.clone(),
            expires_at_ms: key.expires_at_ms,
        }
    }

    /// Whether it may ask for this group or model.
    pub(crate) fn allows(&self, name: &str) -> bool {
        self.models
            .as_ref()
            .is_none_or(|models| models.iter().any(|model| model == name))
    }

    /// How many requests it may still make in this minute; `None` where it has no limit.
    pub(crate) fn requests_left(&self, host: &impl Host, now: Now) -> Option<u64> {
        let (key, limit) = self.rate?;
        let granted = host.shared(shared::rate_table(key)).map_or(0, |table| {
            RateTable::decode(&table.value).granted(key, now.monotonic_ms())
        });
        Some(u64::from(limit).saturating_sub(granted))
    }

    /// Under which its requests are counted, and how many it may make in a minute.
    pub(crate) fn rate(&self) -> Option<(RateKey, u32)> {
        self.rate
    }
}

// === impl Budget ===

impl Budget {
    fn of(key: AccountKey, limit: &SpendingLimit) -> Self {
        Self {
            told: Account {
                key,
                limit: nanos(limit.limit_usd),
                period_start_ms: limit.period_start_ms,
                spent_elsewhere: nanos(limit.spent_elsewhere_usd),
                spent_here: nanos(limit.spent_here_usd),
            },
            told_end_ms: limit.period_end_ms,
            period: limit.period,
        }
    }

    /// `daily`, `weekly` or `monthly`.
    pub(crate) fn period_name(&self) -> &'static str {
        self.period.name()
    }

    /// The account in the period that is in force. The collector tells which one that is; while it does not, the calendar
    /// opens each further one, and what others spend in it is not known. A clock that runs behind the collector's opens no
    /// period that was over.
    pub(crate) fn at(&self, unix_ms: u64) -> Account {
        if unix_ms < self.told_end_ms {
            return self.told;
        }
        Account {
            period_start_ms: self.period.around(unix_ms).start.max(self.told_end_ms),
            spent_elsewhere: 0,
            spent_here: 0,
            ..self.told
        }
    }
}

#[cfg(test)]
mod tests {
    use events::key_hash_hex;
    use sha2::{Digest, Sha256};

    use super::*;

    fn control(keys_required: bool) -> Control {
        // SHA-256 of "kt_gk_good" and "kt_gk_old".
        let key = |id: &str, text: &str| serde_json::json!({"id": id, "name": id, "sha256": key_hash_hex(&Sha256::digest(text))});
        let mut old = key("old", "kt_gk_old");
        old["expires_at_ms"] = 1_000.into();
        old["models"] = serde_json::json!(["chat"]);
        let state = serde_json::json!({"version": "1", "keys_required": keys_required,
            "keys": [key("good", "kt_gk_good"), old]});
        Control::of(&serde_json::from_value(state).unwrap())
    }

    #[test]
    fn the_right_key_opens_and_no_other_does() {
        let closed = control(true);
        let admit = |key: &str, now_ms| {
            let admitted = closed.admit(Some(key.as_bytes()), now_ms, AuthRule::Collector)?;
            Ok(admitted.map(|key| key.name.clone()))
        };
        assert_eq!(admit("kt_gk_good", 5_000), Ok(Some(String::from("good"))));
        assert_eq!(admit("kt_gk_old", 999), Ok(Some(String::from("old"))));
        for (key, now_ms) in [
            ("kt_gk_old", 1_000),
            ("kt_gk_goo", 0),
            ("kt_gk_good ", 0),
            ("", 0),
            ("sk-client", 0),
        ] {
            assert_eq!(admit(key, now_ms), Err(RejectedRequest::BadKey), "{key}");
        }
        let without = closed.admit(None, 0, AuthRule::Collector);
        assert_eq!(without.map(|_| ()), Err(RejectedRequest::NoKey));
    }

    #[test]
    fn open_doors_ask_for_nothing_and_a_restart_opens_none() {
        let open = control(false);
        for key in [None, Some(&b"kt_gk_good"[..]), Some(b"anything")] {
            assert!(open.admit(key, 0, AuthRule::Collector).unwrap().is_none());
        }
        let runtime = Runtime {
            keys_required: true,
            ..Runtime::default()
        };
        let unheard = Control::unheard(&runtime);
        let admit = |key| unheard.admit(key, 0, AuthRule::Collector).map(|_| ());
        assert_eq!(admit(Some(b"kt_gk_good")), Err(RejectedRequest::NotReady));
        assert_eq!(admit(None), Err(RejectedRequest::NoKey));
        let fresh = Control::unheard(&Runtime::default());
        assert!(fresh.admit(None, 0, AuthRule::Collector).is_ok());
    }

    #[test]
    fn the_gateway_s_own_rule_goes_before_the_collector_s() {
        let unheard = Control::unheard(&Runtime::default());
        for (control, with_any_key) in [
            (control(false), RejectedRequest::BadKey),
            (control(true), RejectedRequest::BadKey),
            (unheard, RejectedRequest::NotReady),
        ] {
            let admit = |key, rule| control.admit(key, 0, rule).map(|_| ());
            assert_eq!(admit(None, AuthRule::Required), Err(RejectedRequest::NoKey));
            assert_eq!(
                admit(Some(b"sk-client"), AuthRule::Required),
                Err(with_any_key)
            );
            assert_eq!(admit(None, AuthRule::Disabled), Ok(()));
            assert!(control.lets_everybody_in(AuthRule::Disabled));
            assert!(!control.lets_everybody_in(AuthRule::Required));
        }
    }

    #[test]
    fn a_key_allows_what_it_lists_or_everything() {
        let closed = control(true);
        let admit = |key: &[u8]| closed.admit(Some(key), 0, AuthRule::Collector);
        let good = admit(b"kt_gk_good").unwrap().unwrap();
        let old = admit(b"kt_gk_old").unwrap().unwrap();
        assert!(good.allows("anything"));
        assert!(old.allows("chat") && !old.allows("other"));
    }
}
