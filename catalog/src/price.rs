//! List prices.

pub use crate::tables::PRICES_AS_OF;

/// What a provider's price list says of one model. Every price is in US dollars per million tokens, times 1,000,000: whole
/// numbers, so that nothing is rounded. Lists know neither discounts nor batches nor regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPrice {
    /// Input.
    pub input: u32,
    /// Output.
    pub output: u32,
    /// Input that was read from the provider's cache; `None` is billed as input.
    pub cached: Option<u32>,
    /// Input that was written to the provider's cache, for its shortest life; `None` is billed as input.
    pub cache_write: Option<u32>,
    /// Prices of requests whose prompt is longer than some length, the shortest first.
    pub tiers: &'static [PriceTier],
    /// Day on which the price was found or became valid, `2026-11-30`; a month where no day is known.
    pub as_of: &'static str,
}

/// What a request costs whose prompt is longer than a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceTier {
    /// The limit, in tokens of the prompt: longer ones pay this tier's prices.
    pub above_prompt_tokens: u32,
    /// Input.
    pub input: u32,
    /// Output.
    pub output: u32,
    /// As [`ListPrice::cached`].
    pub cached: Option<u32>,
}
