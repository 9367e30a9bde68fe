//! The fields of Chat Completions requests that some provider refuses and another takes.

use std::fmt;

/// Every known field below the top of a request, sorted. What is not here is judged by
/// [`crate::UnknownFields`] alone.
const NAMES: &[&str] = &[
    "audio",
    "chat_template_kwargs",
    "citation_options",
    "clear_thinking",
    "client_metadata",
    "compound_custom",
    "context_length_exceeded_behavior",
    "disable_reasoning",
    "disable_tool_validation",
    "documents",
    "enable_thinking",
    "exclude_domains",
    "extra_body",
    "frequency_penalty",
    "function_call",
    "functions",
    "guardrails",
    "ignore_eos",
    "include_domains",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "min_completion_tokens",
    "min_p",
    "min_tokens",
    "modalities",
    "model",
    "models",
    "n",
    "parallel_tool_calls",
    "plugins",
    "prediction",
    "presence_penalty",
    "preserve_thinking",
    "prompt_cache_isolation_key",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "prompt_mode",
    "provider",
    "random_seed",
    "reasoning",
    "reasoning_effort",
    "reasoning_format",
    "reasoning_history",
    "reasoning_split",
    "reasoning_summary",
    "repetition_penalty",
    "response_format",
    "route",
    "safe_prompt",
    "safety_identifier",
    "search_parameters",
    "search_settings",
    "seed",
    "service_tier",
    "session_id",
    "speculation",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "thinking",
    "thinking_budget",
    "tool_choice",
    "tool_stream",
    "tools",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "transforms",
    "usage",
    "user",
    "verbosity",
    "web_search_options",
];

/// How many fields a [`Fields`] can hold.
pub const MAX_FIELDS: usize = 128;
const _: () = assert!(NAMES.len() <= MAX_FIELDS, "more fields than bits");

/// A set of the fields that the catalogue knows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Fields(u128);

impl Fields {
    /// No field.
    pub const NONE: Self = Self(0);
    /// Every field.
    pub const ALL: Self = Self(u128::MAX);

    /// The fields of `bits`.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// One bit for each field.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// The set of that one field; `None` for a name that the catalogue does not know.
    pub fn one(name: &str) -> Option<Self> {
        let index = NAMES.binary_search(&name).ok()?;
        1_u128.checked_shl(u32::try_from(index).ok()?).map(Self)
    }

    /// Every name that the catalogue knows, sorted.
    pub fn known_names() -> &'static [&'static str] {
        NAMES
    }

    /// Fields of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Fields of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `name` is in the set; `None` for a name that the catalogue does not know.
    pub fn contains(self, name: &str) -> Option<bool> {
        Self::one(name).map(|one| self.0 & one.0 != 0)
    }

    /// The names of the set, sorted.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES
            .iter()
            .copied()
            .filter(move |name| self.contains(name) == Some(true))
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}
