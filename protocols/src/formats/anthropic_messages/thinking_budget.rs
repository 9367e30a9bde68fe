//! Budgets of thinking, for models that take one instead of an effort.

use catalog::Effort;

/// The least budget that Anthropic takes, in tokens.
pub const MIN_THINKING_BUDGET: u64 = 1024;

/// Tokens of thinking that an effort stands for.
pub fn thinking_budget(effort: Effort) -> u64 {
    match effort {
        Effort::None => 0,
        Effort::Minimal | Effort::Low => MIN_THINKING_BUDGET,
        Effort::Medium => 4096,
        Effort::High => 16_384,
        Effort::XHigh | Effort::Max => 32_000,
    }
}
