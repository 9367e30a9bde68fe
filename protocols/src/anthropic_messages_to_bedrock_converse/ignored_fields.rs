//! The fields of Anthropic Messages that are left out of requests to Bedrock Converse, with the reasons. These lists are
//! printed in the documentation; a field that is not in them is either translated or refused.

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

/// Fields at the top of a request, and what stands inside messages.
pub const IGNORED_FIELDS: &[IgnoredField] = &[
    always(
        "metadata",
        "tells Anthropic whose request it is; Converse has no such field",
    ),
    always("service_tier", "a choice among Anthropic's prices"),
    always("speed", "a choice among Anthropic's prices"),
    always(
        "context_management",
        "lets Anthropic leave out old parts of the conversation; the model gets all of it",
    ),
    always("diagnostics", "asks for a report on Anthropic's cache"),
    always("user_profile_id", "names a profile stored with Anthropic"),
    always("workspace_id", "names a workspace of an Anthropic account"),
    always("conversation", "the gateway's own, for session affinity"),
    always("session_id", "the gateway's own, for session affinity"),
    only("mcp_servers", "[]", "refused if it names any"),
    where_(
        "output_format",
        "where it is no object",
        "Anthropic has never had such a value",
    ),
    where_(
        "tools",
        "tools that Anthropic's servers run: web_search, web_fetch, code_execution, tool_search, advisor, MCP toolsets",
        "Bedrock has no servers for them: the model answers without",
    ),
    where_(
        "cache_control",
        "for models of vendors whose models have no cache on Bedrock",
        "the model refuses cache points; the answer is the same without",
    ),
    where_(
        "tool_choice",
        "without `tools`",
        "there is nothing to choose",
    ),
    where_(
        "tool_choice.disable_parallel_tool_use",
        "for models other than Claude, and beside `any` and `tool`",
        "Converse has no such switch, only Claude's own field, which it refuses beside a forced tool",
    ),
    where_(
        "tools[].strict",
        "for models other than Claude, and Claude before 4.5",
        "these models follow the schema without a guarantee",
    ),
    where_(
        "stop_sequences",
        "entries of nothing but white space",
        "models refuse them",
    ),
    where_(
        "messages[].content",
        "text of nothing but white space",
        "models refuse such blocks",
    ),
    where_(
        "messages[].content",
        "calls of tools that Anthropic's servers ran, and their results",
        "what the model made of them is in its text; Converse has no such blocks",
    ),
    where_(
        "messages[].content",
        "thinking without signature, and redacted thinking that is not base64",
        "models take thinking back only as they gave it",
    ),
    where_(
        "anthropic-beta",
        "always",
        "a header of Anthropic's own endpoint; Bedrock refuses names that it does not know",
    ),
];

/// Fields of one tool.
pub const IGNORED_TOOL_FIELDS: &[IgnoredField] = &[
    always(
        "defer_loading",
        "hides a tool until a search finds it; the model sees it from the beginning",
    ),
    only(
        "allowed_callers",
        r#"["direct"]"#,
        "the model itself is the only caller; others are refused",
    ),
    always(
        "eager_input_streaming",
        "how soon pieces of the input come; the input is the same",
    ),
    always(
        "input_examples",
        "examples beside the description; Converse has no room for them",
    ),
];
