#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use super::*;
use crate::testing;

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
        let found = in_force(
            configured,
            Unpriced::Refuse,
            &testing::target("t", vendor),
            model,
        );
        assert_eq!(
            found.map(|(price, source)| (price.input_per_1k, source)),
            expected,
            "{vendor:?} {model}"
        );
    }
}

#[test]
fn an_unpriced_model_costs_what_the_policy_says() {
    let output = |unpriced, vendor| {
        let target = testing::target("t", vendor);
        assumed(unpriced, &target).map(|price| price.output_per_1k)
    };
    for (unpriced, vendor, expected) in [
        (Unpriced::Refuse, providers::MISTRAL, None),
        (Unpriced::Ignore, providers::MISTRAL, None),
        // Mistral's dearest is 7.50 for a million.
        (Unpriced::WorstKnown, providers::MISTRAL, Some(0.007_5)),
        // Nothing is known of Together's prices: the dearest of all is o1-pro.
        (Unpriced::WorstKnown, providers::TOGETHER, Some(0.6)),
        // Somebody else's server, although its software is one that people run themselves.
        (Unpriced::WorstKnown, providers::VLLM, Some(0.6)),
    ] {
        assert_eq!(
            output(unpriced, vendor),
            expected,
            "{unpriced:?} {vendor:?}"
        );
    }

    let mut own_server = testing::target("t", providers::VLLM);
    own_server.base_url.host = String::from("10.0.0.7");
    assert_eq!(assumed(Unpriced::WorstKnown, &own_server), None);
}
