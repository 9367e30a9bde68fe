//! The fields of Responses requests that are dropped for Chat Completions, with reasons. The documentation prints these
//! lists.

use crate::translate::dropped_param::DroppedParam;

/// Fields of a request.
pub const DROPPED_PARAMS: &[DroppedParam] = &[
    DroppedParam::always(
        "store",
        "asks OpenAI to keep the answer; nothing is kept here, whatever it says",
    ),
    DroppedParam::where_holds(
        "metadata",
        "always",
        "labels for stored answers; the answer repeats them",
    ),
    DroppedParam::where_holds(
        "include",
        "all but message.output_text.logprobs",
        "details of tools that are left out anyway; reasoning that can be replayed always comes with `encrypted_content`",
    ),
    DroppedParam::where_holds(
        "reasoning",
        "all but `effort`",
        "how OpenAI sums up reasoning; what the target says of it is passed on",
    ),
    DroppedParam::where_holds(
        "service_tier, prompt_cache_key, prompt_cache_retention, text.verbosity",
        "for upstreams that are neither OpenAI nor Azure",
        "prices, cache and models of OpenAI",
    ),
    DroppedParam::where_holds("user, safety_identifier", "for Ollama", "it has one user"),
    DroppedParam::where_holds(
        "tool_choice, parallel_tool_calls",
        "without `tools`",
        "there is nothing to choose",
    ),
    DroppedParam::where_holds(
        "input[] of type reasoning",
        "where the target has not signed it and does not demand its reasoning back",
        "no other provider takes reasoning back",
    ),
    DroppedParam::where_holds(
        "input[] of type web_search_call, file_search_call, code_interpreter_call, image_generation_call and mcp_*",
        "always",
        "the work of OpenAI's servers; the text that came of it stays",
    ),
    DroppedParam::where_holds(
        "tools[] of type web_search, file_search, code_interpreter, image_generation, computer, mcp and other types that run at OpenAI",
        "unless `tool_choice` demands one",
        "the target has no such servers, so its model is not offered them",
    ),
    DroppedParam::where_holds(
        "tools[].format",
        "grammars of custom tools",
        "the model is told the grammar, only OpenAI can keep it to it",
    ),
    DroppedParam::only("background", "false", "the answer comes at once"),
    DroppedParam::only("top_logprobs", "0", "none are asked for"),
    DroppedParam::always(
        "truncation",
        "what to leave out of a prompt that is too long; the target answers with an error then",
    ),
    DroppedParam::always("max_tool_calls", "counts calls of tools that run at OpenAI"),
    DroppedParam::always("stream_options", "how OpenAI pads its events"),
    DroppedParam::always(
        "context_management",
        "lets OpenAI shorten the prompt; the target gets all of it",
    ),
    DroppedParam::always("prompt_cache_options", "how OpenAI caches"),
    DroppedParam::always("client_metadata", "labels of Codex"),
    DroppedParam::always("access_programs", "labels of Codex"),
    DroppedParam::where_holds(
        "any other field",
        "unless the text above says otherwise",
        "agents add labels with every release; an answer without them is the one that was asked for",
    ),
];

/// Fields of input items and their parts.
pub const DROPPED_ITEM_PARAMS: &[DroppedParam] = &[
    DroppedParam::always("id", "names an item at OpenAI"),
    DroppedParam::always("status", "of an item that came in an answer"),
    DroppedParam::always("phase", "tells commentary from the final answer at OpenAI"),
    DroppedParam::always("annotations", "describe text and change nothing"),
    DroppedParam::always("logprobs", "describe text and change nothing"),
    DroppedParam::always("summary", "of reasoning: see `input[]` of type reasoning"),
    DroppedParam::always("caller", "which of OpenAI's tools made the call"),
    DroppedParam::always("created_by", "who made an item at OpenAI"),
    DroppedParam::always("prompt_cache_breakpoint", "how OpenAI caches"),
];
