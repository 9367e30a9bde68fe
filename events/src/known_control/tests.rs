use serde_json::{Value, json};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// 2023-11-01.
const MONTH: u64 = 1_698_796_800_000;
const MS_PER_DAY: u64 = 86_400_000;

fn budget(provider: &str, elsewhere: f64, here: f64) -> Value {
    json!({"provider": provider, "limit_usd": 10.0, "period": "monthly", "period_start_ms": MONTH,
        "period_end_ms": MONTH + 30 * MS_PER_DAY, "spent_elsewhere_usd": elsewhere, "spent_here_usd": here})
}

fn heard(store: Option<&str>, keys_required: bool, budgets: &[Value]) -> ControlState {
    let state = json!({"version": "1", "keys_required": keys_required, "store_id": store, "budgets": budgets});
    serde_json::from_value(state).unwrap()
}

fn known(answers: &[ControlState]) -> KnownControl {
    let mut known = KnownControl::default();
    for answer in answers {
        known.learn(answer.clone());
    }
    known
}

fn providers(known: &KnownControl) -> Vec<&str> {
    let budgets = known.state.budgets.iter();
    budgets.map(|budget| budget.provider.as_str()).collect()
}

#[test]
fn keys_stay_required_whatever_store_the_collector_comes_back_with() {
    for store in [None, Some("a"), Some("b")] {
        let known = known(&[heard(Some("a"), true, &[]), heard(store, false, &[])]);
        assert!(known.state.keys_required, "{store:?}");
        assert!(known.state.lost.keys, "{store:?}");
    }
    let never = known(&[heard(Some("a"), false, &[]), heard(Some("b"), false, &[])]);
    assert!(!never.state.keys_required && never.state.lost.is_none());
}

#[test]
fn a_collector_that_was_told_to_let_everybody_in_does_as_long_as_it_says_so() {
    let mut open = heard(Some("a"), false, &[]);
    open.allow_anonymous = true;
    let mut known = known(&[heard(Some("a"), true, &[]), open]);
    assert!(!known.state.keys_required && known.state.lost.is_none());
    known.learn(heard(Some("b"), false, &[]));
    assert!(known.state.keys_required && known.state.lost.keys);
}

#[test]
fn a_budget_ends_when_its_own_store_answers_without_it() {
    let both = [budget("p", 1.0, 0.0), budget("q", 1.0, 0.0)];
    let known = known(&[
        heard(Some("a"), false, &both),
        heard(Some("a"), false, &both[..1]),
    ]);
    assert_eq!(providers(&known), ["p"]);
    assert!(known.state.lost.is_none());
    let mut known = known;
    known.learn(heard(Some("a"), false, &[]));
    assert_eq!(providers(&known), [""; 0]);
}

#[test]
fn a_budget_outlasts_another_store_until_it_is_set_there_and_deleted() {
    let mut known = known(&[
        heard(Some("a"), false, &[budget("p", 4.0, 2.0)]),
        heard(Some("b"), false, &[]),
        // That store has said so before, and still nobody has decided anything.
        heard(Some("b"), false, &[]),
        heard(Some("b"), false, &[budget("q", 0.0, 0.0)]),
    ]);
    assert_eq!(providers(&known), ["q", "p"]);
    assert_eq!(known.kept_budgets(), 1);
    assert!(known.state.lost.budgets);

    known.learn(heard(Some("b"), false, &[budget("p", 0.0, 0.0)]));
    assert_eq!(providers(&known), ["p"]);
    assert!(known.state.lost.is_none());
    // What was spent before the loss was spent.
    let limit = &known.state.budgets[0].limit;
    assert_eq!(
        (limit.spent_elsewhere_usd, limit.spent_here_usd),
        (4.0, 2.0)
    );

    known.learn(heard(Some("b"), false, &[]));
    assert_eq!(providers(&known), [""; 0]);
}

#[test]
fn an_older_collector_is_believed_but_when_all_budgets_are_gone_at_once() {
    let both = [budget("p", 0.0, 0.0), budget("q", 0.0, 0.0)];
    let known_one = known(&[heard(None, false, &both), heard(None, false, &both[..1])]);
    assert_eq!(providers(&known_one), ["p"]);
    let known_none = known(&[heard(None, false, &both), heard(None, false, &[])]);
    assert_eq!(providers(&known_none), ["p", "q"]);
}

#[test]
fn limits_follow_the_collector_and_amounts_only_upwards_within_a_period() {
    let mut lower = budget("p", 3.0, 9.0);
    lower["limit_usd"] = json!(5.0);
    let known_lower = known(&[
        heard(Some("a"), false, &[budget("p", 4.0, 2.0)]),
        heard(Some("a"), false, &[lower.clone()]),
    ]);
    let limit = &known_lower.state.budgets[0].limit;
    assert_eq!(limit.limit_usd, 5.0);
    assert_eq!(
        (limit.spent_elsewhere_usd, limit.spent_here_usd),
        (4.0, 9.0)
    );
    lower["period_start_ms"] = json!(MONTH + MS_PER_DAY);
    let known_next = known(&[
        heard(Some("a"), false, &[budget("p", 4.0, 2.0)]),
        heard(Some("a"), false, &[lower]),
    ]);
    assert_eq!(known_next.state.budgets[0].limit.spent_elsewhere_usd, 3.0);
}

#[test]
fn what_a_key_has_spent_stays_spent_too() {
    let with_key = |spent: f64| -> ControlState {
        let mut state = heard(Some("a"), true, &[]);
        let limit = budget("p", spent, 0.0);
        let key = json!({"id": "k", "name": "k", "sha256": "", "limit": limit});
        state.keys.push(serde_json::from_value(key).unwrap());
        state
    };
    let mut later = with_key(1.0);
    later.store_id = Some("b".to_owned());
    let known = known(&[with_key(7.0), later]);
    let limit = known.state.keys[0].limit.as_ref().unwrap();
    assert_eq!(limit.spent_elsewhere_usd, 7.0);
}

#[test]
fn what_is_remembered_restricts_the_next_process_and_holds_no_keys() {
    let mut state = heard(Some("a"), true, &[budget("p", 4.0, 2.0)]);
    let key = json!({"id": "k", "name": "k", "sha256": "00"});
    state.keys.push(serde_json::from_value(key).unwrap());
    let text = serde_json::to_string(&known(&[state]).to_remember()).unwrap();
    assert!(!text.contains("sha256"), "{text}");
    let mut next: KnownControl = serde_json::from_str(&text).unwrap();
    assert!(next.keys_were_required);
    next.learn(heard(Some("b"), false, &[]));
    assert!(next.state.keys_required);
    let limit = &next.state.budgets[0].limit;
    // The process that spent here is another one now.
    assert_eq!(
        (limit.spent_elsewhere_usd, limit.spent_here_usd),
        (6.0, 0.0)
    );
}
