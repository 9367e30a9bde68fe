#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use super::*;

const OWN: Price = Price {
    input_per_1k: 1.0,
    output_per_1k: 2.0,
    cached_input_per_1k: None,
    cache_write_per_1k: None,
    tiers: &[],
};

#[test]
fn the_policys_price_wins_and_the_users_own_servers_have_none_by_their_models_names() {
    for (configured, vendor, model, expected) in [
        (
            Some(OWN),
            providers::OPENAI,
            "gpt-4o-mini",
            Some((1.0, PriceSource::Policy)),
        ),
        (
            None,
            providers::OPENAI,
            "gpt-4o-mini",
            Some((0.000_15, PriceSource::BuiltIn)),
        ),
        (None, providers::OPENAI, "house-special", None),
        (None, providers::VLLM, "gpt-4o-mini", None),
        (
            Some(OWN),
            providers::VLLM,
            "gpt-4o-mini",
            Some((1.0, PriceSource::Policy)),
        ),
    ] {
        let found = in_force(configured, vendor, model);
        assert_eq!(
            found.map(|(price, source)| (price.input_per_1k, source)),
            expected,
            "{vendor:?} {model}"
        );
    }
}
