#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn amounts_survive_the_way_to_nanos_and_back() {
    for amount in [0.0, 1e-9, 0.000_000_15, 0.01, 12.5, 4_050.0] {
        assert_eq!(usd(nanos(amount)), amount);
    }
    assert_eq!(nanos(-1.0), 0);
    assert_eq!(nanos(f64::NAN), 0);
    assert_eq!(whole_nanos(0.1 + 0.2), 0.3);
}
