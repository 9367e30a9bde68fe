//! The fields of Anthropic Messages that are dropped for Chat Completions, with reasons. The documentation prints these
//! lists; every other field is translated or refused.

use crate::translate::dropped_param::DroppedParam;

/// Fields of a request.
pub const DROPPED_PARAMS: &[DroppedParam] = &[
    DroppedParam::where_holds(
        "top_k",
        "always",
        "a hint for sampling; Chat Completions has none like it",
    ),
    DroppedParam::where_holds(
        "thinking",
        "always",
        "Chat Completions has effort, not budgets; say `output_config.effort`, which becomes `reasoning_effort`",
    ),
    DroppedParam::where_holds(
        "output_config.effort",
        "for OpenAI's models before o1",
        "they do not reason, and OpenAI refuses `reasoning_effort` there; Ollama gets `high` for more than that",
    ),
    DroppedParam::where_holds(
        "output_format",
        "where it is no object",
        "an older name of `output_config.format`; other values mean nothing",
    ),
    DroppedParam::where_holds(
        "metadata",
        "all but `user_id`, and a `user_id` of more than 64 characters",
        "labels of the request; OpenAI's `user` takes 64 characters",
    ),
    DroppedParam::where_holds(
        "tools",
        "Anthropic's server tools: web_search, web_fetch, code_execution, tool_search, advisor and mcp_toolset",
        "the target has no such servers, so its model is not offered them; refused where `tool_choice` forces one",
    ),
    DroppedParam::where_holds(
        "tool_choice",
        "auto and none without `tools`",
        "there is nothing to choose",
    ),
    DroppedParam::where_holds(
        "messages[].content[] of type thinking and redacted_thinking",
        "where the target does not demand its reasoning back",
        "only the model that wrote it can take it back",
    ),
    DroppedParam::where_holds(
        "messages[].content[] of type server_tool_use, mcp_tool_use and their results",
        "always",
        "the work of Anthropic's servers; the text that came of it stays",
    ),
    DroppedParam::where_holds(
        "messages[].content[].is_error",
        "always",
        "the text of the result says it; tool messages have no flag for it",
    ),
    DroppedParam::where_holds(
        "cache_control",
        "everywhere",
        "asks Anthropic to cache; these upstreams cache without being asked",
    ),
    DroppedParam::always(
        "cache_control",
        "asks Anthropic to cache; these upstreams cache without being asked",
    ),
    DroppedParam::always(
        "context_management",
        "lets Anthropic shorten the prompt; the target gets all of it",
    ),
    DroppedParam::always("service_tier", "a choice among Anthropic's prices"),
    DroppedParam::always("speed", "a choice among Anthropic's prices"),
    DroppedParam::always("diagnostics", "asks for a report on Anthropic's cache"),
    DroppedParam::always("user_profile_id", "names a profile stored with Anthropic"),
    DroppedParam::always("workspace_id", "names a workspace of an Anthropic account"),
    DroppedParam::always("conversation", "the gateway's own, for session affinity"),
    DroppedParam::always("session_id", "the gateway's own, for session affinity"),
    DroppedParam::only("mcp_servers", "[]", "refused if it names any"),
];

/// Fields of a tool.
pub const DROPPED_TOOL_PARAMS: &[DroppedParam] = &[
    DroppedParam::always(
        "eager_input_streaming",
        "how Anthropic cuts a stream into pieces",
    ),
    DroppedParam::always(
        "defer_loading",
        "hides a tool until a search finds it; the target sees it from the beginning",
    ),
    DroppedParam::always("input_examples", "hints beside the schema, which stays"),
    DroppedParam::only(
        "allowed_callers",
        r#"["direct"]"#,
        "the model itself; Anthropic's code execution cannot call from elsewhere",
    ),
];
