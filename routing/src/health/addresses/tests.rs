#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const NOW: u64 = 1_700_000_000_000;

#[test]
fn one_of_two_is_excused_as_long_as_the_other_serves() {
    let mut addresses = Addresses::default();
    addresses.served(b"a", NOW);
    addresses.served(b"b", NOW);
    for elapsed_ms in 0..20 {
        addresses.served(b"b", NOW + elapsed_ms);
        assert!(addresses.failed(b"a", NOW + elapsed_ms));
    }
    // No further success of `b`.
    assert!(addresses.failed(b"a", NOW + 19 + SUCCESS_MEMORY_MS));
    assert!(!addresses.failed(b"a", NOW + 20 + SUCCESS_MEMORY_MS));
}

#[test]
fn a_single_address_is_never_excused() {
    let mut addresses = Addresses::default();
    assert!(!addresses.failed(b"a", NOW));
    addresses.served(b"a", NOW);
    assert!(!addresses.failed(b"a", NOW));
}

#[test]
fn when_all_fail_each_is_excused_once_at_most() {
    let mut addresses = Addresses::default();
    for address in [b"a", b"b", b"c"] {
        addresses.served(address, NOW);
    }
    let excused =
        [b"a", b"b", b"c", b"a", b"b", b"c"].map(|address| addresses.failed(address, NOW));
    assert_eq!(excused, [true, true, false, false, false, false]);
}

#[test]
fn successes_are_noted_now_and_then() {
    let mut addresses = Addresses::default();
    assert!(addresses.should_record_success(NOW));
    addresses.served(b"a", NOW);
    assert!(!addresses.should_record_success(NOW + MIN_RECORD_INTERVAL_MS - 1));
    assert!(addresses.should_record_success(NOW + MIN_RECORD_INTERVAL_MS));
    // A clock that was set back does not suppress recording.
    assert!(addresses.should_record_success(NOW - MIN_RECORD_INTERVAL_MS));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut addresses = Addresses::default();
    for number in 0..1_000_u32 {
        addresses.served(&number.to_le_bytes(), NOW);
    }
    assert_eq!(addresses.known.len(), MAX_ADDRESSES);
}
