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
mod tests;
