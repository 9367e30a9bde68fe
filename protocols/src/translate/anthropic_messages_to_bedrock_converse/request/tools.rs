//! Tools and tool choice.

use crate::error::RequestError;
use crate::formats::anthropic_messages::request_reader::{
    FunctionTool, Tool, ToolChoice, ToolChoiceKind,
};
use crate::formats::bedrock_converse::{self, AdditionalField, CachePoint, ToolNames, ToolSpec};
use crate::translate::anthropic_messages_to_bedrock_converse::DROPPED_TOOL_PARAMS;
use crate::translate::dropped_param;
use catalog::Dialect;

/// Prefixes of tools that Anthropic's servers run; a version follows.
const SERVERS_TOOLS: [&str; 6] = [
    "web_search",
    "web_fetch",
    "code_execution",
    "tool_search_tool",
    "advisor",
    "mcp_toolset",
];

/// The tools to send.
pub(super) struct ToolPlan<'a> {
    tools: Vec<ToolSpec<'a>>,
    choice: bedrock_converse::ToolChoice<'a>,
    /// Claude should make at most one call.
    one_call: bool,
}

impl<'a> ToolPlan<'a> {
    /// Plans the tools of a request.
    ///
    /// # Errors
    /// A tool defined by Anthropic that the client runs, or a required call without tools.
    pub(super) fn new(
        dialect: &Dialect,
        tools: Vec<Tool<'a>>,
        choice: Option<ToolChoice<'a>>,
        names: &mut ToolNames,
    ) -> Result<Self, RequestError> {
        let mut functions = Vec::with_capacity(tools.len());
        for (index, tool) in tools.into_iter().enumerate() {
            if let Some(function) = own_tool(tool, index)? {
                functions.push(function);
            }
        }
        let one_call = choice
            .as_ref()
            .is_some_and(|choice| choice.disable_parallel_tool_use);
        let kind = choice.map_or(ToolChoiceKind::Auto, |choice| choice.kind);
        let refusal = match kind {
            ToolChoiceKind::Any if functions.is_empty() => {
                Some("a call of a tool is demanded, but tools has none that the target can call")
            }
            ToolChoiceKind::Tool(name) if functions.iter().all(|tool| tool.name != name) => Some(
                "a call is demanded of a tool that is not in tools, or that the target cannot call",
            ),
            ToolChoiceKind::Any
            | ToolChoiceKind::Tool(_)
            | ToolChoiceKind::Auto
            | ToolChoiceKind::None => None,
        };
        if let Some(why) = refusal {
            return Err(RequestError::invalid_value("tool_choice", why));
        }
        let choice = match kind {
            ToolChoiceKind::Auto => bedrock_converse::ToolChoice::Auto,
            // Converse cannot forbid calls, so the tools are omitted.
            ToolChoiceKind::None => {
                functions.clear();
                bedrock_converse::ToolChoice::Auto
            }
            ToolChoiceKind::Any => bedrock_converse::ToolChoice::Any,
            ToolChoiceKind::Tool(name) => bedrock_converse::ToolChoice::Tool(names.wire_name(name)),
        };
        let is_free = choice == bedrock_converse::ToolChoice::Auto && !functions.is_empty();
        let specs = functions.into_iter().map(|tool| ToolSpec {
            name: names.wire_name(tool.name),
            description: tool.description,
            schema: Some(tool.input_schema),
            strict: tool.strict == Some(true) && dialect.strict_tools,
            cache: tool.cache_control.map(CachePoint::read),
        });
        Ok(Self {
            tools: specs.collect(),
            choice,
            one_call: one_call && dialect.takes("parallel_tool_calls") && is_free,
        })
    }

    /// A vendor-specific field. Converse refuses this one together with `toolChoice`.
    pub(super) fn additional(&self) -> Option<AdditionalField<'static>> {
        const ONE_CALL: &str = r#"{"type":"auto","disable_parallel_tool_use":true}"#;
        self.one_call
            .then(|| AdditionalField::new("tool_choice", ONE_CALL))
    }

    /// The tools and the tool choice.
    pub(super) fn into_config(self) -> (Vec<ToolSpec<'a>>, bedrock_converse::ToolChoice<'a>) {
        (self.tools, self.choice)
    }
}

/// A tool of the client; `None` for one that Anthropic's servers run.
fn own_tool(tool: Tool<'_>, index: usize) -> Result<Option<FunctionTool<'_>>, RequestError> {
    match tool {
        Tool::Function(function) => {
            for (name, value) in &function.rest {
                let path = format_args!("tools[{index}].{name}");
                dropped_param::drop_or_refuse(DROPPED_TOOL_PARAMS, name, path, value)?;
            }
            Ok(Some(function))
        }
        Tool::Provider { kind, .. } if SERVERS_TOOLS.iter().any(|tool| kind.starts_with(tool)) => {
            Ok(None)
        }
        Tool::Provider { kind, .. } => Err(RequestError {
            code: Some("unsupported_value"),
            ..RequestError::unsupported(
                format!("tools[{index}].type"),
                format_args!(
                    "the target of this request supports only tools with a schema of their own, found {kind:?}"
                ),
            )
        }),
    }
}
