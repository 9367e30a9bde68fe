//! The fields of Anthropic Messages that are dropped for Bedrock Converse, with reasons. The documentation prints these
//! lists; every other field is translated or refused.

use crate::translate::dropped_param::DroppedParam;

/// Fields of a request, and of its messages.
pub const DROPPED_PARAMS: &[DroppedParam] = &[
    DroppedParam::always(
        "metadata",
        "tells Anthropic whose request it is; Converse has no such field",
    ),
    DroppedParam::always("service_tier", "a choice among Anthropic's prices"),
    DroppedParam::always("speed", "a choice among Anthropic's prices"),
    DroppedParam::always(
        "context_management",
        "lets Anthropic leave out old parts of the conversation; the model gets all of it",
    ),
    DroppedParam::always("diagnostics", "asks for a report on Anthropic's cache"),
    DroppedParam::always("user_profile_id", "names a profile stored with Anthropic"),
    DroppedParam::always("workspace_id", "names a workspace of an Anthropic account"),
    DroppedParam::always("conversation", "the gateway's own, for session affinity"),
    DroppedParam::always("session_id", "the gateway's own, for session affinity"),
    DroppedParam::only("mcp_servers", "[]", "refused if it names any"),
    DroppedParam::where_holds(
        "output_format",
        "where it is no object",
        "Anthropic has never had such a value",
    ),
    DroppedParam::where_holds(
        "tools",
        "tools that Anthropic's servers run: web_search, web_fetch, code_execution, tool_search, advisor, MCP toolsets",
        "Bedrock has no servers for them: the model answers without",
    ),
    DroppedParam::where_holds(
        "cache_control",
        "for models of vendors whose models have no cache on Bedrock",
        "the model refuses cache points; the answer is the same without",
    ),
    DroppedParam::where_holds(
        "tool_choice",
        "without `tools`",
        "there is nothing to choose",
    ),
    DroppedParam::where_holds(
        "tool_choice.disable_parallel_tool_use",
        "for models other than Claude, and beside `any` and `tool`",
        "Converse has no such switch, only Claude's own field, which it refuses beside a forced tool",
    ),
    DroppedParam::where_holds(
        "tools[].strict",
        "for models other than Claude, and Claude before 4.5",
        "these models follow the schema without a guarantee",
    ),
    DroppedParam::where_holds(
        "stop_sequences",
        "entries of nothing but white space",
        "models refuse them",
    ),
    DroppedParam::where_holds(
        "messages[].content",
        "text of nothing but white space",
        "models refuse such blocks",
    ),
    DroppedParam::where_holds(
        "messages[].content",
        "calls of tools that Anthropic's servers ran, and their results",
        "what the model made of them is in its text; Converse has no such blocks",
    ),
    DroppedParam::where_holds(
        "messages[].content",
        "thinking without signature, and redacted thinking that is not base64",
        "models take thinking back only as they gave it",
    ),
    DroppedParam::where_holds(
        "anthropic-beta",
        "always",
        "a header of Anthropic's own endpoint; Bedrock refuses names that it does not know",
    ),
];

/// Fields of one tool.
pub const DROPPED_TOOL_PARAMS: &[DroppedParam] = &[
    DroppedParam::always(
        "defer_loading",
        "hides a tool until a search finds it; the model sees it from the beginning",
    ),
    DroppedParam::only(
        "allowed_callers",
        r#"["direct"]"#,
        "the model itself is the only caller; others are refused",
    ),
    DroppedParam::always(
        "eager_input_streaming",
        "how soon pieces of the input come; the input is the same",
    ),
    DroppedParam::always(
        "input_examples",
        "examples beside the description; Converse has no room for them",
    ),
];
