#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn draws_stay_below_the_bound_and_spread_evenly() {
    let mut random = Random::seeded(7);
    let mut counts = [0_u32; 5];
    for _ in 0..50_000 {
        counts[random.below(5) as usize] += 1;
    }
    // Standard deviation of a count is sqrt(50,000 × 0.2 × 0.8) = 89.
    assert!(
        counts.iter().all(|&count| count.abs_diff(10_000) < 4 * 89),
        "{counts:?}"
    );
    assert_eq!(random.below(0), 0);
}

#[test]
fn a_seed_is_a_sequence() {
    let draw = |seed| {
        let mut random = Random::seeded(seed);
        (0..4).map(|_| random.next_u64()).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}
