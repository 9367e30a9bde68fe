//! Tokens that an answer was billed for.

/// Token counts in OpenAI's sense: `prompt` includes what was read from or written to a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub prompt: u64,
    /// Output tokens, reasoning included.
    pub completion: u64,
    /// Input tokens read from the provider's cache; part of `prompt`.
    pub cached: u64,
    /// Input tokens written to the provider's cache; part of `prompt`.
    pub cache_written: u64,
    /// Output tokens spent on reasoning; part of `completion`.
    pub reasoning: u64,
}

impl Usage {
    /// `prompt + completion`, saturating.
    pub fn total(&self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }
}
