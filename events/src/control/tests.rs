use serde_json::json;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn an_older_collector_has_lost_nothing_and_names_no_store() {
    let state: ControlState =
        serde_json::from_value(json!({"version": "1", "keys_required": true})).unwrap();
    assert_eq!((state.store_id, state.lost), (None, LostState::default()));
}

#[test]
fn what_is_lost_is_told_and_what_is_not_takes_no_room() {
    let mut state = ControlState {
        store_id: Some("0f3a".to_owned()),
        ..ControlState::default()
    };
    let json = serde_json::to_value(&state).unwrap();
    assert_eq!(json.get("lost"), None);
    state.lost.budgets = true;
    let json = serde_json::to_value(&state).unwrap();
    assert_eq!(json["lost"], json!({"keys": false, "budgets": true}));
    assert_eq!(serde_json::from_value::<ControlState>(json).unwrap(), state);
}
