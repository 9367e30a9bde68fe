#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::PriceTier;

use super::*;

#[test]
fn what_was_read_from_a_cache_and_written_to_it_has_prices_of_its_own_where_there_are_any() {
    let price = |cached_input_per_1k, cache_write_per_1k| Price {
        input_per_1k: 0.01,
        output_per_1k: 0.03,
        cached_input_per_1k,
        cache_write_per_1k,
        tiers: &[],
    };
    let (plain, special) = (price(None, None), price(Some(0.005), Some(0.0125)));
    // Prompt, cache reads, cache writes, and output.
    let cases = [
        (plain, (1_000, 0, 0, 1_000), 0.04),
        // All input at one price.
        (plain, (1_000, 400, 200, 0), 0.01),
        // 600 × 0.01/1000 + 400 × 0.005/1000
        (special, (1_000, 400, 0, 0), 0.008),
        // 400 × 0.01/1000 + 400 × 0.005/1000 + 200 × 0.0125/1000
        (special, (1_000, 400, 200, 0), 0.008_5),
        // More cache reads than prompt tokens: all are reads.
        (special, (100, 400, 0, 0), 0.000_5),
        // More cache writes than remain: all that remain. 100 × 0.005/1000 + 100 × 0.0125/1000
        (special, (200, 100, 400, 0), 0.001_75),
    ];
    for (price, (prompt, cached, cache_written, completion), expected) in cases {
        let tokens = BilledTokens {
            prompt,
            cached,
            cache_written,
            completion,
        };
        let cost = billed_usd(price, tokens);
        assert!((cost - expected).abs() < 1e-12, "{cost} {expected}");
    }
}

#[test]
fn long_prompts_have_prices_of_their_own_for_all_of_their_tokens() {
    const LONG: &[PriceTier] = &[
        PriceTier {
            above_prompt_tokens: 1_000,
            input: 20_000_000,
            output: 45_000_000,
            cached: Some(2_000_000),
        },
        PriceTier {
            above_prompt_tokens: 2_000,
            input: 40_000_000,
            output: 90_000_000,
            cached: None,
        },
    ];
    let price = Price {
        input_per_1k: 0.01,
        output_per_1k: 0.03,
        cached_input_per_1k: Some(0.001),
        cache_write_per_1k: Some(0.0125),
        tiers: LONG,
    };
    // Prompt, cache reads, cache writes, and output.
    for ((prompt, cached, cache_written, completion), expected) in [
        ((1_000, 0, 0, 1_000), 0.04),
        // 1,001 × 0.02/1000 + 1,000 × 0.045/1000
        ((1_001, 0, 0, 1_000), 0.065_02),
        // 1,000 × 0.02/1000 + 500 × 0.002/1000
        ((1_500, 500, 0, 0), 0.021),
        // 500 × 0.02/1000 + 1,000 × 0.025/1000
        ((1_500, 0, 1_000, 0), 0.035),
        // 3,000 × 0.04/1000, whether or not read from the cache
        ((3_000, 1_000, 0, 0), 0.12),
    ] {
        let tokens = BilledTokens {
            prompt,
            cached,
            cache_written,
            completion,
        };
        let cost = billed_usd(price, tokens);
        assert!((cost - expected).abs() < 1e-12, "{cost} {expected}");
    }
    let tokens = ExpectedTokens {
        prompt: 1_001,
        output: 1_000,
        choices: 1,
    };
    assert!((estimate_usd(price, tokens) - 0.065_02).abs() < 1e-12);
}
