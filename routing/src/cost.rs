//! What a request is expected to cost.

use policy::{CostSettings, Price, Strategy};

/// US dollars for `prompt_tokens` and `output_tokens` at `price`.
pub fn estimate_usd(price: Price, prompt_tokens: u32, output_tokens: u32) -> f64 {
    f64::from(prompt_tokens) / 1_000.0 * price.input_per_1k
        + f64::from(output_tokens) / 1_000.0 * price.output_per_1k
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
