//! The fields of Anthropic Messages that are left out of requests to Bedrock Converse, with the reasons. These lists are
//! printed in the documentation; a field that is not in them is either translated or refused.

use crate::translate::dropped_param::IgnoredField;

/// Fields at the top of a request, and what stands inside messages.
pub const IGNORED_FIELDS: &[IgnoredField] = &[
    IgnoredField::always(
        "metadata",
        "tells Anthropic whose request it is; Converse has no such field",
    ),
    IgnoredField::always("service_tier", "a choice among Anthropic's prices"),
    IgnoredField::always("speed", "a choice among Anthropic's prices"),
    IgnoredField::always(
        "context_management",
        "lets Anthropic leave out old parts of the conversation; the model gets all of it",
    ),
    IgnoredField::always("diagnostics", "asks for a report on Anthropic's cache"),
    IgnoredField::always("user_profile_id", "names a profile stored with Anthropic"),
    IgnoredField::always("workspace_id", "names a workspace of an Anthropic account"),
    IgnoredField::always("conversation", "the gateway's own, for session affinity"),
    IgnoredField::always("session_id", "the gateway's own, for session affinity"),
    IgnoredField::only("mcp_servers", "[]", "refused if it names any"),
    IgnoredField::where_holds(
        "output_format",
        "where it is no object",
        "Anthropic has never had such a value",
    ),
    IgnoredField::where_holds(
        "tools",
        "tools that Anthropic's servers run: web_search, web_fetch, code_execution, tool_search, advisor, MCP toolsets",
        "Bedrock has no servers for them: the model answers without",
    ),
    IgnoredField::where_holds(
        "cache_control",
        "for models of vendors whose models have no cache on Bedrock",
        "the model refuses cache points; the answer is the same without",
    ),
    IgnoredField::where_holds(
        "tool_choice",
        "without `tools`",
        "there is nothing to choose",
    ),
    IgnoredField::where_holds(
        "tool_choice.disable_parallel_tool_use",
        "for models other than Claude, and beside `any` and `tool`",
        "Converse has no such switch, only Claude's own field, which it refuses beside a forced tool",
    ),
    IgnoredField::where_holds(
        "tools[].strict",
        "for models other than Claude, and Claude before 4.5",
        "these models follow the schema without a guarantee",
    ),
    IgnoredField::where_holds(
        "stop_sequences",
        "entries of nothing but white space",
        "models refuse them",
    ),
    IgnoredField::where_holds(
        "messages[].content",
        "text of nothing but white space",
        "models refuse such blocks",
    ),
    IgnoredField::where_holds(
        "messages[].content",
        "calls of tools that Anthropic's servers ran, and their results",
        "what the model made of them is in its text; Converse has no such blocks",
    ),
    IgnoredField::where_holds(
        "messages[].content",
        "thinking without signature, and redacted thinking that is not base64",
        "models take thinking back only as they gave it",
    ),
    IgnoredField::where_holds(
        "anthropic-beta",
        "always",
        "a header of Anthropic's own endpoint; Bedrock refuses names that it does not know",
    ),
];

/// Fields of one tool.
pub const IGNORED_TOOL_FIELDS: &[IgnoredField] = &[
    IgnoredField::always(
        "defer_loading",
        "hides a tool until a search finds it; the model sees it from the beginning",
    ),
    IgnoredField::only(
        "allowed_callers",
        r#"["direct"]"#,
        "the model itself is the only caller; others are refused",
    ),
    IgnoredField::always(
        "eager_input_streaming",
        "how soon pieces of the input come; the input is the same",
    ),
    IgnoredField::always(
        "input_examples",
        "examples beside the description; Converse has no room for them",
    ),
];
