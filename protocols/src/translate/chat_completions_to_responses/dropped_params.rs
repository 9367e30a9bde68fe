//! The fields of Chat Completions that are dropped for Responses, with reasons. The documentation prints this list; every
//! other field is translated or refused.

use crate::formats::chat_completions::request_reader::unsupported_params;
use crate::translate::dropped_param::DroppedParam;

/// Fields of a request.
pub const DROPPED_PARAMS: &[DroppedParam] = &[
    unsupported_params::FREQUENCY_PENALTY,
    unsupported_params::PRESENCE_PENALTY,
    DroppedParam::always(
        "logit_bias",
        "a hint for sampling; Responses has none like it",
    ),
    unsupported_params::SEED,
    unsupported_params::LOGPROBS,
    unsupported_params::TOP_LOGPROBS,
    unsupported_params::N,
    unsupported_params::MODALITIES,
    unsupported_params::FUNCTIONS,
    unsupported_params::FUNCTION_CALL,
    unsupported_params::PREDICTION,
    DroppedParam::where_holds(
        "stop",
        "always",
        "Responses has no stop sequences, nor have the models that are asked over it",
    ),
    unsupported_params::TOOL_CHOICE_WITHOUT_TOOLS,
    DroppedParam::where_holds(
        "messages[].reasoning_content",
        "without `reasoning_signature`",
        "OpenAI takes reasoning back only with its encrypted content",
    ),
];
