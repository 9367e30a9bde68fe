//! The fields of Responses requests that are left out of Chat Completions, with the reasons. These lists are printed in
//! the documentation; a field that is not in them is either translated or refused.

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

/// Fields of a request.
pub const IGNORED_FIELDS: &[IgnoredField] = &[
    always(
        "store",
        "asks OpenAI to keep the answer; nothing is kept here, whatever it says",
    ),
    where_(
        "metadata",
        "always",
        "labels for stored answers; the answer repeats them",
    ),
    where_(
        "include",
        "all but message.output_text.logprobs",
        "details of tools that are refused anyway; reasoning that can be replayed always comes with `encrypted_content`",
    ),
    where_(
        "reasoning",
        "all but `effort`",
        "how OpenAI sums up reasoning; what the target says of it is passed on",
    ),
    where_(
        "service_tier, prompt_cache_key, prompt_cache_retention, text.verbosity",
        "for upstreams that are neither OpenAI nor Azure",
        "prices, cache and models of OpenAI",
    ),
    where_("user, safety_identifier", "for Ollama", "it has one user"),
    where_(
        "tool_choice, parallel_tool_calls",
        "without `tools`",
        "there is nothing to choose",
    ),
    where_(
        "input[] of type reasoning",
        "where the target has not signed it",
        "no provider takes the reasoning of another one back",
    ),
    where_(
        "input[] of type web_search_call, file_search_call, code_interpreter_call, mcp_call and mcp_list_tools",
        "always",
        "the work of OpenAI's servers; the text that came of it stays",
    ),
    only("background", "false", "the answer comes at once"),
    only("top_logprobs", "0", "none are asked for"),
    always(
        "truncation",
        "what to leave out of a prompt that is too long; the target answers with an error then",
    ),
    always("max_tool_calls", "counts calls of tools that run at OpenAI"),
    always("stream_options", "how OpenAI pads its events"),
    always(
        "context_management",
        "lets OpenAI shorten the prompt; the target gets all of it",
    ),
    always("prompt_cache_options", "how OpenAI caches"),
];

/// Fields of input items and their parts.
pub const IGNORED_ITEM_FIELDS: &[IgnoredField] = &[
    always("id", "names an item at OpenAI"),
    always("status", "of an item that came in an answer"),
    always("phase", "tells commentary from the final answer at OpenAI"),
    always("annotations", "describe text and change nothing"),
    always("logprobs", "describe text and change nothing"),
    always("summary", "of reasoning: see `input[]` of type reasoning"),
    always("caller", "which of OpenAI's tools made the call"),
    always("created_by", "who made an item at OpenAI"),
    always("prompt_cache_breakpoint", "how OpenAI caches"),
];
