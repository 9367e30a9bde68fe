//! What a request is expected to cost, and what it has cost.

use policy::{CostSettings, Price, Strategy};

/// US dollars for `prompt_tokens` and `output_tokens` at `price`.
pub fn estimate_usd(price: Price, prompt_tokens: u32, output_tokens: u32) -> f64 {
    f64::from(prompt_tokens) / 1_000.0 * price.input_per_1k
        + f64::from(output_tokens) / 1_000.0 * price.output_per_1k
}

/// US dollars for billed tokens at `price`. `cached_tokens` are part of `prompt_tokens`.
pub fn billed_usd(
    price: Price,
    prompt_tokens: u64,
    cached_tokens: u64,
    completion_tokens: u64,
) -> f64 {
    // Exact below 2⁵³ tokens.
    #[allow(clippy::cast_precision_loss)]
    let thousands = |tokens: u64| tokens as f64 / 1_000.0;
    let cached_tokens = cached_tokens.min(prompt_tokens);
    let cached_price = price.cached_input_per_1k.unwrap_or(price.input_per_1k);
    thousands(prompt_tokens - cached_tokens) * price.input_per_1k
        + thousands(cached_tokens) * cached_price
        + thousands(completion_tokens) * price.output_per_1k
}

/// How long the answer may get: the client's limit, else what the strategy assumes.
pub fn output_tokens(max_output_tokens: Option<u32>, strategy: &Strategy) -> u32 {
    max_output_tokens.unwrap_or_else(|| match strategy {
        Strategy::Cost(settings) => settings.assumed_output_tokens,
        Strategy::Failover
        | Strategy::Weighted
        | Strategy::WeightedRoundRobin
        | Strategy::RoundRobin
        | Strategy::Random
        | Strategy::Single
        | Strategy::Latency(_)
        | Strategy::HighestThroughput(_)
        | Strategy::Semantic(_) => CostSettings::default().assumed_output_tokens,
    })
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn cached_tokens_have_a_price_of_their_own_where_there_is_one() {
        let price = |cached_input_per_1k| Price {
            input_per_1k: 0.01,
            output_per_1k: 0.03,
            cached_input_per_1k,
        };
        let cases = [
            // 1,000 in, 1,000 out
            (price(None), (1_000, 0, 1_000), 0.04),
            // 400 cached ones at the price of the others
            (price(None), (1_000, 400, 0), 0.01),
            // 600 × 0.01/1000 + 400 × 0.005/1000
            (price(Some(0.005)), (1_000, 400, 0), 0.008),
            // More cached than there are: all are.
            (price(Some(0.005)), (100, 400, 0), 0.0005),
        ];
        for (price, (prompt, cached, completion), expected) in cases {
            let cost = billed_usd(price, prompt, cached, completion);
            assert!((cost - expected).abs() < 1e-12, "{cost} {expected}");
        }
    }
}
