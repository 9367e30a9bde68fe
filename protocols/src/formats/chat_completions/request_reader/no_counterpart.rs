//! Fields of Chat Completions that have a meaning at OpenAI only, whichever other vendor serves.

use crate::translate::dropped_param::IgnoredField;

pub(crate) const FREQUENCY_PENALTY: IgnoredField = IgnoredField::always(
    "frequency_penalty",
    "a hint for sampling; the target has none like it",
);
pub(crate) const PRESENCE_PENALTY: IgnoredField = IgnoredField::always(
    "presence_penalty",
    "a hint for sampling; the target has none like it",
);
pub(crate) const SEED: IgnoredField = IgnoredField::always(
    "seed",
    "OpenAI promises no more than best effort; the target has no seed",
);
pub(crate) const LOGPROBS: IgnoredField = IgnoredField::always(
    "logprobs",
    "the target reports none: `logprobs` of the answer is null",
);
pub(crate) const N: IgnoredField = IgnoredField::only(
    "n",
    "1",
    "one answer is what the target gives; more are refused",
);
pub(crate) const MODALITIES: IgnoredField = IgnoredField::only(
    "modalities",
    r#"["text"]"#,
    "text is what the target answers",
);
pub(crate) const STORE: IgnoredField = IgnoredField::always(
    "store",
    "asks OpenAI to keep the answer; the target keeps none",
);
pub(crate) const PROMPT_CACHE_KEY: IgnoredField = IgnoredField::always(
    "prompt_cache_key",
    "a hint for OpenAI's cache; the target's is asked for by `cache_control`",
);
pub(crate) const PROMPT_CACHE_OPTIONS: IgnoredField = IgnoredField::always(
    "prompt_cache_options",
    "a hint for OpenAI's cache; the target's is asked for by `cache_control`",
);
pub(crate) const PROMPT_CACHE_RETENTION: IgnoredField = IgnoredField::always(
    "prompt_cache_retention",
    "a hint for OpenAI's cache; the target's is asked for by `cache_control`",
);
pub(crate) const LOGIT_BIAS: IgnoredField = IgnoredField::always(
    "logit_bias",
    "token ids mean nothing to another vendor's tokenizer",
);
pub(crate) const TOP_LOGPROBS: IgnoredField =
    IgnoredField::always("top_logprobs", "goes with `logprobs`");
pub(crate) const FUNCTIONS: IgnoredField = IgnoredField::only(
    "functions",
    "[]",
    "the older form of `tools`; refused if it names any",
);
pub(crate) const FUNCTION_CALL: IgnoredField = IgnoredField::only(
    "function_call",
    r#""none""#,
    "the older form of `tool_choice`; without functions nothing can be called",
);
pub(crate) const SERVICE_TIER: IgnoredField =
    IgnoredField::always("service_tier", "a choice among OpenAI's prices");
pub(crate) const PREDICTION: IgnoredField = IgnoredField::always(
    "prediction",
    "makes OpenAI faster; the answer is the same without it",
);
pub(crate) const VERBOSITY: IgnoredField =
    IgnoredField::always("verbosity", "a hint for OpenAI's models");
pub(crate) const TOOL_CHOICE_WITHOUT_TOOLS: IgnoredField = IgnoredField::where_holds(
    "tool_choice, parallel_tool_calls",
    "without `tools`",
    "there is nothing to choose",
);
pub(crate) const IMAGE_DETAIL: IgnoredField = IgnoredField::where_holds(
    "messages[].content[].image_url.detail",
    "always",
    "how many tokens OpenAI spends on an image",
);
