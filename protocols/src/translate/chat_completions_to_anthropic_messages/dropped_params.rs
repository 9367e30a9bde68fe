//! The fields of Chat Completions that are dropped for Anthropic Messages, with reasons. The documentation prints this
//! list; every other field is translated or refused.

use crate::formats::chat_completions::request_reader::unsupported_params;
use crate::translate::dropped_param::DroppedParam;

/// Fields of a request.
pub const DROPPED_PARAMS: &[DroppedParam] = &[
    unsupported_params::FREQUENCY_PENALTY,
    unsupported_params::PRESENCE_PENALTY,
    unsupported_params::LOGIT_BIAS,
    unsupported_params::SEED,
    unsupported_params::LOGPROBS,
    unsupported_params::TOP_LOGPROBS,
    unsupported_params::N,
    unsupported_params::MODALITIES,
    unsupported_params::FUNCTIONS,
    unsupported_params::FUNCTION_CALL,
    DroppedParam::always(
        "metadata",
        "labels for OpenAI's stored completions; only `user` has a counterpart",
    ),
    unsupported_params::STORE,
    unsupported_params::SERVICE_TIER,
    unsupported_params::PREDICTION,
    unsupported_params::VERBOSITY,
    unsupported_params::PROMPT_CACHE_KEY,
    unsupported_params::PROMPT_CACHE_OPTIONS,
    unsupported_params::PROMPT_CACHE_RETENTION,
    DroppedParam::where_holds(
        "temperature",
        "with thinking, and for Claude 4.7 and later",
        "Anthropic refuses it there; above 1 it is sent as 1, Anthropic's highest",
    ),
    DroppedParam::where_holds(
        "top_p",
        "with thinking, for Claude 4.7 and later, and beside `temperature` for Claude 4.1 and later",
        "Anthropic refuses it there",
    ),
    DroppedParam::where_holds(
        "top_k",
        "with thinking, and for Claude 4.7 and later",
        "Anthropic's own field, which it refuses there",
    ),
    DroppedParam::where_holds(
        "stop",
        "entries of nothing but white space",
        "Anthropic refuses them",
    ),
    DroppedParam::where_holds(
        "reasoning_effort",
        "for Claude before 3.7; with `max_tokens` below 2048 before 4.6; where a tool is forced; in a tool loop whose thinking was not sent back",
        "Anthropic refuses thinking there",
    ),
    DroppedParam::where_holds(
        "tools[].function.strict",
        "for Claude before 4.5",
        "these models follow the schema without a guarantee",
    ),
    DroppedParam::where_holds(
        "response_format",
        "type `json_object`",
        "Anthropic has no JSON without a schema; OpenAI demands that the prompt asks for JSON, and that does it; a Markdown fence around the answer is taken off",
    ),
    unsupported_params::TOOL_CHOICE_WITHOUT_TOOLS,
    DroppedParam::where_holds(
        "messages[].reasoning_content",
        "without `reasoning_signature`",
        "Anthropic takes thinking back only with its signature",
    ),
    unsupported_params::IMAGE_DETAIL,
    DroppedParam::where_holds(
        "messages[].content[].prompt_cache_breakpoint",
        "always",
        "a hint for OpenAI's cache; Anthropic's is asked for by `cache_control`",
    ),
    DroppedParam::where_holds(
        "messages[].content",
        "text of nothing but white space",
        "Anthropic refuses such blocks",
    ),
];
