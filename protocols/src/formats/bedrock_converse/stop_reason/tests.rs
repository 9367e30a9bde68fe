#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn the_stop_sequence_is_found_where_models_put_it() {
    for (fields, expected) in [
        (Some(r#"{"stop_sequence":"END"}"#), Some("END")),
        (Some(r#"{"delta":{"stop_sequence":"\u00e9"}}"#), Some("é")),
        (Some(r#"{"delta":{"stop_sequence":null}}"#), None),
        (Some(r#"{"stop_sequence":7,"delta":[]}"#), None),
        (Some("[]"), None),
        (None, None),
    ] {
        let raw = fields.map(|fields| RawValue::from_string(fields.to_owned()).unwrap());
        let stop = Stop::read(Some("stop_sequence".into()), raw.as_deref());
        assert_eq!(stop.reason, StopReason::StopSequence);
        assert_eq!(stop.sequence.as_deref(), expected, "{fields:?}");
    }
}
