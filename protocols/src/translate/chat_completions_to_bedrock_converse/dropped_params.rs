//! The fields of Chat Completions that are left out of requests to Bedrock, with the reasons. This list is printed in the
//! documentation; a field that is not in it is either translated or refused.

use crate::formats::chat_completions::request_reader::no_counterpart;
use crate::translate::dropped_param::IgnoredField;

/// Fields at the top of a request.
pub const IGNORED_FIELDS: &[IgnoredField] = &[
    no_counterpart::FREQUENCY_PENALTY,
    no_counterpart::PRESENCE_PENALTY,
    no_counterpart::LOGIT_BIAS,
    no_counterpart::SEED,
    no_counterpart::LOGPROBS,
    no_counterpart::TOP_LOGPROBS,
    no_counterpart::N,
    no_counterpart::MODALITIES,
    no_counterpart::FUNCTIONS,
    no_counterpart::FUNCTION_CALL,
    IgnoredField::always("metadata", "labels for OpenAI's stored completions"),
    no_counterpart::STORE,
    no_counterpart::SERVICE_TIER,
    no_counterpart::PREDICTION,
    no_counterpart::VERBOSITY,
    no_counterpart::PROMPT_CACHE_KEY,
    no_counterpart::PROMPT_CACHE_OPTIONS,
    no_counterpart::PROMPT_CACHE_RETENTION,
    IgnoredField::always("conversation", "the gateway's own, for session affinity"),
    IgnoredField::always("session_id", "the gateway's own, for session affinity"),
    IgnoredField::where_holds(
        "cache_control, prompt_cache_breakpoint",
        "for models of vendors whose models have no cache on Bedrock",
        "the model refuses cache points; the answer is the same without",
    ),
    IgnoredField::where_holds(
        "user, safety_identifier",
        "always",
        "tells OpenAI whose request it is; Converse has no such field",
    ),
    IgnoredField::where_holds(
        "temperature",
        "with thinking, and for Claude 4.7 and later",
        "the model refuses it there; above 1 it is sent as 1, Converse's highest",
    ),
    IgnoredField::where_holds(
        "top_p",
        "with thinking, for Claude 4.7 and later, and beside `temperature` for Claude 4.1 and later",
        "the model refuses it there",
    ),
    IgnoredField::where_holds(
        "top_k",
        "with thinking, and for Claude 4.7 and later",
        "the model refuses it there",
    ),
    IgnoredField::where_holds(
        "stop",
        "entries of nothing but white space",
        "models refuse them",
    ),
    IgnoredField::where_holds(
        "reasoning_effort",
        "for models whose vendor has no such setting or is not named by the model's id; for Claude before 3.7; with `max_tokens` below 2048 before 4.6; where a tool is forced; in a tool loop whose thinking was not sent back",
        "the model has no such setting, or refuses it there",
    ),
    IgnoredField::where_holds(
        "tools[].function.strict",
        "for models other than Claude, and Claude before 4.5",
        "these models follow the schema without a guarantee",
    ),
    IgnoredField::where_holds(
        "response_format",
        "type `json_object`",
        "Converse has no JSON without a schema; OpenAI demands that the prompt asks for JSON, and that does it; a Markdown fence around the answer is taken off",
    ),
    no_counterpart::TOOL_CHOICE_WITHOUT_TOOLS,
    IgnoredField::where_holds(
        "parallel_tool_calls",
        "`true`; `false` for models other than Claude, and where a tool is forced",
        "Converse has no such switch, only Claude's own field, which it refuses beside a forced tool",
    ),
    IgnoredField::where_holds(
        "messages[].reasoning_content",
        "without `reasoning_signature`",
        "models take reasoning back only with its signature",
    ),
    no_counterpart::IMAGE_DETAIL,
    IgnoredField::where_holds(
        "messages[].content",
        "text of nothing but white space",
        "models refuse such blocks",
    ),
];
