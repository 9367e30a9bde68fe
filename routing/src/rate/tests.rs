#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const NOW: u64 = 1_700_000_000_000;

#[test]
fn the_limit_holds_and_the_wait_is_told() {
    let key = RateKey::of("a");
    let mut table = RateTable::default();
    for request in 0..3 {
        assert_eq!(table.grant(key, 3, NOW + request * 10_000), Ok(()));
    }
    // NOW starts a slot; it leaves the window 62 seconds later.
    assert_eq!(table.grant(key, 3, NOW + 30_000), Err(32_000));
    assert_eq!(table.grant(key, 3, NOW + 61_999), Err(1));
    assert_eq!(table.grant(key, 3, NOW + 62_000), Ok(()));
    assert_eq!(table.grant(key, 3, NOW + 62_000), Err(10_000));
    assert_eq!(table.grant(RateKey::of("b"), 3, NOW + 62_000), Ok(()));
    assert_eq!(table.grant(RateKey::of("c"), 0, NOW), Err(62_000));
}

#[test]
fn a_table_survives_shared_data_and_forgets_the_quiet() {
    let mut table = RateTable::default();
    table.grant(RateKey::of("a"), 3, NOW).unwrap();
    table.grant(RateKey::of("b"), 3, NOW + 50_000).unwrap();
    assert_eq!(RateTable::decode(&table.encode()), table);
    assert_eq!(RateTable::decode(b"nonsense"), RateTable::default());
    table.grant(RateKey::of("b"), 3, NOW + 70_000).unwrap();
    assert_eq!(table.windows.len(), 1);
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn no_sixty_seconds_hold_more_than_the_limit(
        limit in 1_u32..20,
        waits in proptest::collection::vec(0_u64..6_000, 1..300),
    ) {
        let key = RateKey::of("a");
        let mut table = RateTable::default();
        let mut now = NOW;
        let mut granted: Vec<u64> = Vec::new();
        for wait in waits {
            now += wait;
            match table.grant(key, limit, now) {
                Ok(()) => granted.push(now),
                Err(wait_ms) => {
                    let mut later = table.clone();
                    proptest::prop_assert!(later.grant(key, limit, now + wait_ms).is_ok());
                    proptest::prop_assert!(table.clone().grant(key, limit, now + wait_ms - 1).is_err());
                }
            }
            let recent = granted.iter().filter(|time| now - **time < 60_000).count();
            proptest::prop_assert!(recent <= limit as usize);
        }
    }
}
