//! Fields of Chat Completions that only mean something at OpenAI, whichever other vendor serves.

use crate::translate::dropped_param::DroppedParam;

pub(crate) const FREQUENCY_PENALTY: DroppedParam = DroppedParam::always(
    "frequency_penalty",
    "a hint for sampling; the target has none like it",
);
pub(crate) const PRESENCE_PENALTY: DroppedParam = DroppedParam::always(
    "presence_penalty",
    "a hint for sampling; the target has none like it",
);
pub(crate) const SEED: DroppedParam = DroppedParam::always(
    "seed",
    "OpenAI promises no more than best effort; the target has no seed",
);
pub(crate) const LOGPROBS: DroppedParam = DroppedParam::always(
    "logprobs",
    "the target reports none: `logprobs` of the answer is null",
);
pub(crate) const N: DroppedParam = DroppedParam::only(
    "n",
    "1",
    "one answer is what the target gives; more are refused",
);
pub(crate) const MODALITIES: DroppedParam = DroppedParam::only(
    "modalities",
    r#"["text"]"#,
    "text is what the target answers",
);
pub(crate) const STORE: DroppedParam = DroppedParam::always(
    "store",
    "asks OpenAI to keep the answer; the target keeps none",
);
pub(crate) const PROMPT_CACHE_KEY: DroppedParam = DroppedParam::always(
    "prompt_cache_key",
    "a hint for OpenAI's cache; the target's is asked for by `cache_control`",
);
pub(crate) const PROMPT_CACHE_OPTIONS: DroppedParam = DroppedParam::always(
    "prompt_cache_options",
    "a hint for OpenAI's cache; the target's is asked for by `cache_control`",
);
pub(crate) const PROMPT_CACHE_RETENTION: DroppedParam = DroppedParam::always(
    "prompt_cache_retention",
    "a hint for OpenAI's cache; the target's is asked for by `cache_control`",
);
pub(crate) const LOGIT_BIAS: DroppedParam = DroppedParam::always(
    "logit_bias",
    "token ids mean nothing to another vendor's tokenizer",
);
pub(crate) const TOP_LOGPROBS: DroppedParam =
    DroppedParam::always("top_logprobs", "goes with `logprobs`");
pub(crate) const FUNCTIONS: DroppedParam = DroppedParam::only(
    "functions",
    "[]",
    "the older form of `tools`; refused if it names any",
);
pub(crate) const FUNCTION_CALL: DroppedParam = DroppedParam::only(
    "function_call",
    r#""none""#,
    "the older form of `tool_choice`; without functions nothing can be called",
);
pub(crate) const SERVICE_TIER: DroppedParam =
    DroppedParam::always("service_tier", "a choice among OpenAI's prices");
pub(crate) const PREDICTION: DroppedParam = DroppedParam::always(
    "prediction",
    "makes OpenAI faster; the answer is the same without it",
);
pub(crate) const VERBOSITY: DroppedParam =
    DroppedParam::always("verbosity", "a hint for OpenAI's models");
pub(crate) const TOOL_CHOICE_WITHOUT_TOOLS: DroppedParam = DroppedParam::where_holds(
    "tool_choice, parallel_tool_calls",
    "without `tools`",
    "there is nothing to choose",
);
pub(crate) const IMAGE_DETAIL: DroppedParam = DroppedParam::where_holds(
    "messages[].content[].image_url.detail",
    "always",
    "how many tokens OpenAI spends on an image",
);
