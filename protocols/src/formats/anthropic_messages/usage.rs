//! Token counts sent by an upstream.

use serde::Deserialize;

use crate::json::{lenient, lenient_u64};
use crate::usage::Usage;

/// A `usage` object. Counters that are absent, `null` or not a whole number are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct ReceivedUsage {
    /// Input neither read from nor written to a cache.
    #[serde(default, deserialize_with = "lenient_u64")]
    pub input_tokens: Option<u64>,
    /// Input read from a cache; not included in `input_tokens`.
    #[serde(default, deserialize_with = "lenient_u64")]
    pub cache_read_input_tokens: Option<u64>,
    /// Input written to a cache; not included in `input_tokens`.
    #[serde(default, deserialize_with = "lenient_u64")]
    pub cache_creation_input_tokens: Option<u64>,
    /// Output, including thinking.
    #[serde(default, deserialize_with = "lenient_u64")]
    pub output_tokens: Option<u64>,
    /// Breakdown of `output_tokens`.
    #[serde(default, deserialize_with = "lenient")]
    pub output_tokens_details: Option<OutputTokensDetails>,
}

/// Breakdown of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct OutputTokensDetails {
    /// Tokens spent on thinking.
    #[serde(default, deserialize_with = "lenient_u64")]
    pub thinking_tokens: Option<u64>,
}

impl ReceivedUsage {
    /// Merges a later count of the same message. Counts are cumulative and may correct earlier ones: they replace,
    /// never add; absent counters keep their value.
    pub fn update(&mut self, later: &Self) {
        let Self {
            input_tokens,
            cache_read_input_tokens,
            cache_creation_input_tokens,
            output_tokens,
            output_tokens_details,
        } = *later;
        self.input_tokens = input_tokens.or(self.input_tokens);
        self.cache_read_input_tokens = cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation_input_tokens =
            cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.output_tokens = output_tokens.or(self.output_tokens);
        self.output_tokens_details = output_tokens_details.or(self.output_tokens_details);
    }

    /// The counts in neutral terms: the prompt is the sum of uncached, read and written input.
    pub fn total(&self) -> Usage {
        let input = self.input_tokens.unwrap_or(0);
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let cache_written = self.cache_creation_input_tokens.unwrap_or(0);
        let details = self.output_tokens_details.unwrap_or_default();
        Usage {
            prompt: input.saturating_add(cached).saturating_add(cache_written),
            completion: self.output_tokens.unwrap_or(0),
            cached,
            cache_written,
            reasoning: details.thinking_tokens.unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests;
