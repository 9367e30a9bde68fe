#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn ids_sort_by_time_and_survive_text_and_bytes() {
    let early = EventId::new(1_700_000_000_000, u128::MAX);
    let late = EventId::new(1_700_000_000_001, 0);
    assert!(early < late);
    assert!(early.to_string() < late.to_string());
    for id in [early, late] {
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        assert_eq!(EventId::from_bytes(id.to_bytes()), id);
        assert_eq!(serde_json::to_value(id).unwrap(), id.to_string());
        assert_eq!(id.text(), *id.to_string().as_bytes());
    }
}

#[test]
fn nothing_else_is_an_id() {
    for text in [
        "",
        "evt_",
        "evt_1",
        "0123",
        "evt_0000000000000000000000000000000G",
        "evt_+0000000000000000000000000000001",
    ] {
        assert_eq!(EventId::parse(text), None, "{text}");
    }
}
