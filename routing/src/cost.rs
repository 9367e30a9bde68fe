//! The expected and the billed cost of a request.

use policy::{CostSettings, Price, Strategy};

use crate::price::per_1k;

/// Tokens that a request is expected to be billed for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpectedTokens {
    /// Input; billed once, however many choices there are.
    pub prompt: u32,
    /// Output per choice.
    pub output: u32,
    /// Number of choices; at least 1.
    pub choices: u32,
}

/// The cost of `tokens` at `price`, in US dollars.
pub fn estimate_usd(price: Price, tokens: ExpectedTokens) -> f64 {
    let price = for_prompt(price, u64::from(tokens.prompt));
    let output = f64::from(tokens.output) * f64::from(tokens.choices.max(1));
    f64::from(tokens.prompt) / 1_000.0 * price.input_per_1k + output / 1_000.0 * price.output_per_1k
}

/// The price of a request with `prompt_tokens`: long prompts have their own list prices, for all of their tokens.
fn for_prompt(price: Price, prompt_tokens: u64) -> Price {
    let mut tiers = price.tiers.iter().rev();
    let tier = tiers.find(|tier| prompt_tokens > u64::from(tier.above_prompt_tokens));
    tier.map_or(price, |tier| {
        let input = per_1k(tier.input);
        // Price lists have no cache-write price for long prompts: it keeps its ratio to other input.
        let ratio = input / price.input_per_1k;
        Price {
            input_per_1k: input,
            output_per_1k: per_1k(tier.output),
            cached_input_per_1k: tier.cached.map(per_1k),
            cache_write_per_1k: price.cache_write_per_1k.map(|written| written * ratio),
            tiers: &[],
        }
    })
}

/// Tokens billed by a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BilledTokens {
    /// All input.
    pub prompt: u64,
    /// Read from the provider's cache; included in `prompt`.
    pub cached: u64,
    /// Written to the provider's cache; included in `prompt`.
    pub cache_written: u64,
    /// Output.
    pub completion: u64,
}

/// The cost of `tokens` at `price`, in US dollars.
pub fn billed_usd(price: Price, tokens: BilledTokens) -> f64 {
    let price = for_prompt(price, tokens.prompt);
    // Exact below 2⁵³ tokens.
    #[allow(clippy::cast_precision_loss)]
    let thousands = |tokens: u64| tokens as f64 / 1_000.0;
    let cached = tokens.cached.min(tokens.prompt);
    let uncached = tokens.prompt.saturating_sub(cached);
    let written = tokens.cache_written.min(uncached);
    let input_price = price.input_per_1k;
    thousands(uncached.saturating_sub(written)) * input_price
        + thousands(cached) * price.cached_input_per_1k.unwrap_or(input_price)
        + thousands(written) * price.cache_write_per_1k.unwrap_or(input_price)
        + thousands(tokens.completion) * price.output_per_1k
}

/// The expected output length: the client's limit, else the strategy's assumption.
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
}
