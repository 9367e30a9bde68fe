//! The fields of Chat Completions that are left out of requests to Bedrock, with the reasons. This list is printed in the
//! documentation; a field that is not in it is either translated or refused.

use crate::openai::ignored_field::{Ignorable, IgnoredField};

const fn always(name: &'static str, reason: &'static str) -> IgnoredField {
    IgnoredField {
        name,
        when: Ignorable::Always,
        reason,
    }
}

const fn only(name: &'static str, value: &'static str, reason: &'static str) -> IgnoredField {
    IgnoredField {
        name,
        when: Ignorable::Only(value),
        reason,
    }
}

const fn where_(name: &'static str, condition: &'static str, reason: &'static str) -> IgnoredField {
    IgnoredField {
        name,
        when: Ignorable::Where(condition),
        reason,
    }
}

/// Fields at the top of a request.
pub const IGNORED_FIELDS: &[IgnoredField] = &[
    always(
        "frequency_penalty",
        "a hint for sampling; Converse has none like it",
    ),
    always(
        "presence_penalty",
        "a hint for sampling; Converse has none like it",
    ),
    always(
        "logit_bias",
        "token ids mean nothing to another vendor's tokenizer",
    ),
    always(
        "seed",
        "OpenAI promises no more than best effort; Converse has no seed",
    ),
    always(
        "logprobs",
        "Converse reports none: `logprobs` of the answer is null",
    ),
    always("top_logprobs", "goes with `logprobs`"),
    only(
        "n",
        "1",
        "one answer is what Converse gives; more are refused",
    ),
    only("modalities", r#"["text"]"#, "text is what Converse answers"),
    only(
        "functions",
        "[]",
        "the older form of `tools`; refused if it names any",
    ),
    only(
        "function_call",
        r#""none""#,
        "the older form of `tool_choice`; without functions nothing can be called",
    ),
    always("metadata", "labels for OpenAI's stored completions"),
    always(
        "store",
        "asks OpenAI to keep the answer; Bedrock keeps none",
    ),
    always("service_tier", "a choice among OpenAI's prices"),
    always(
        "prediction",
        "makes OpenAI faster; the answer is the same without it",
    ),
    always("verbosity", "a hint for OpenAI's models"),
    always(
        "prompt_cache_key",
        "a hint for OpenAI's cache; Bedrock's is asked for by `cache_control`",
    ),
    always(
        "prompt_cache_options",
        "a hint for OpenAI's cache; Bedrock's is asked for by `cache_control`",
    ),
    always(
        "prompt_cache_retention",
        "a hint for OpenAI's cache; Bedrock's is asked for by `cache_control`",
    ),
    always("conversation", "the gateway's own, for session affinity"),
    always("session_id", "the gateway's own, for session affinity"),
    where_(
        "cache_control, prompt_cache_breakpoint",
        "for models of vendors whose models have no cache on Bedrock",
        "the model refuses cache points; the answer is the same without",
    ),
    where_(
        "user, safety_identifier",
        "always",
        "tells OpenAI whose request it is; Converse has no such field",
    ),
    where_(
        "temperature",
        "with thinking, and for Claude 4.7 and later",
        "the model refuses it there; above 1 it is sent as 1, Converse's highest",
    ),
    where_(
        "top_p",
        "with thinking, for Claude 4.7 and later, and beside `temperature` for Claude 4.1 and later",
        "the model refuses it there",
    ),
    where_(
        "top_k",
        "with thinking, and for Claude 4.7 and later",
        "the model refuses it there",
    ),
    where_(
        "stop",
        "entries of nothing but white space",
        "models refuse them",
    ),
    where_(
        "reasoning_effort",
        "for models whose vendor has no such setting or is not named by the model's id; for Claude before 3.7; with `max_tokens` below 2048 before 4.6; where a tool is forced; in a tool loop whose thinking was not sent back",
        "the model has no such setting, or refuses it there",
    ),
    where_(
        "tools[].function.strict",
        "for models other than Claude, and Claude before 4.5",
        "these models follow the schema without a guarantee",
    ),
    where_(
        "response_format",
        "type `json_object`",
        "Converse has no JSON without a schema; OpenAI demands that the prompt asks for JSON, and that does it; a Markdown fence around the answer is taken off",
    ),
    where_(
        "tool_choice, parallel_tool_calls",
        "without `tools`",
        "there is nothing to choose",
    ),
    where_(
        "parallel_tool_calls",
        "`true`; `false` for models other than Claude, and where a tool is forced",
        "Converse has no such switch, only Claude's own field, which it refuses beside a forced tool",
    ),
    where_(
        "messages[].reasoning_content",
        "without `reasoning_signature`",
        "models take reasoning back only with its signature",
    ),
    where_(
        "messages[].content[].image_url.detail",
        "always",
        "how many tokens OpenAI spends on an image",
    ),
    where_(
        "messages[].content",
        "text of nothing but white space",
        "models refuse such blocks",
    ),
];
