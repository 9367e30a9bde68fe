//! Converts tools to functions.

use crate::error::RequestError;
use crate::formats::anthropic_messages::request_reader::{
    FunctionTool, Tool, ToolChoice, ToolChoiceKind,
};
use crate::json::Writer;
use crate::translate::anthropic_messages_to_chat_completions::DROPPED_TOOL_PARAMS;
use crate::translate::dropped_param;

/// Prefixes of the `type` of tools that run on Anthropic's servers. Anthropic's other tools run on the client, which
/// would wait for calls in vain.
const SERVER_TOOLS: &[&str] = &[
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "tool_search_tool_",
    "advisor_",
    "mcp_toolset",
];

/// The tools of a request.
pub(super) struct ToolPlan<'a> {
    functions: Vec<FunctionTool<'a>>,
    choice: Option<ToolChoiceKind<'a>>,
    one_call_only: bool,
}

impl<'a> ToolPlan<'a> {
    pub(super) fn new(
        tools: Vec<Tool<'a>>,
        choice: Option<ToolChoice<'a>>,
    ) -> Result<Self, RequestError> {
        let forced = match choice.as_ref().map(|choice| choice.kind) {
            Some(ToolChoiceKind::Tool(name)) => Some(name),
            Some(ToolChoiceKind::Auto | ToolChoiceKind::Any | ToolChoiceKind::None) | None => None,
        };
        let mut functions = Vec::with_capacity(tools.len());
        for (index, tool) in tools.into_iter().enumerate() {
            match tool {
                Tool::Function(function) => {
                    for (name, value) in &function.rest {
                        let path = format_args!("tools[{index}].{name}");
                        dropped_param::drop_or_refuse(DROPPED_TOOL_PARAMS, name, path, value)?;
                    }
                    functions.push(function);
                }
                Tool::Provider { kind, name } => {
                    let is_server_tool = SERVER_TOOLS.iter().any(|known| kind.starts_with(known));
                    if !is_server_tool || (forced.is_some() && forced == name) {
                        return Err(RequestError::unsupported(
                            format!("tools[{index}].type"),
                            format_args!("the target of this request has no tool like {kind}"),
                        ));
                    }
                }
            }
        }
        let has_functions = !functions.is_empty();
        let one_call_only = has_functions
            && choice
                .as_ref()
                .is_some_and(|choice| choice.disable_parallel_tool_use);
        let choice = match choice.map(|choice| choice.kind) {
            Some(ToolChoiceKind::Any | ToolChoiceKind::Tool(_)) if !has_functions => {
                return Err(RequestError::invalid_value(
                    "tool_choice",
                    "forces a tool, but the target of this request is offered none",
                ));
            }
            choice => choice.filter(|_| has_functions),
        };
        Ok(Self {
            functions,
            choice,
            one_call_only,
        })
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        if self.functions.is_empty() {
            return;
        }
        w.field("tools").array(|w| {
            for tool in &self.functions {
                w.object(|w| {
                    w.field("type").string("function");
                    w.field("function").object(|w| write_function(w, tool));
                });
            }
        });
        match self.choice {
            None => {}
            Some(ToolChoiceKind::Auto) => w.field("tool_choice").string("auto"),
            Some(ToolChoiceKind::Any) => w.field("tool_choice").string("required"),
            Some(ToolChoiceKind::None) => w.field("tool_choice").string("none"),
            Some(ToolChoiceKind::Tool(name)) => w.field("tool_choice").object(|w| {
                w.field("type").string("function");
                w.field("function").object(|w| w.field("name").text(name));
            }),
        }
        if self.one_call_only {
            w.field("parallel_tool_calls").bool(false);
        }
    }
}

fn write_function(w: &mut Writer<'_>, tool: &FunctionTool<'_>) {
    w.field("name").text(tool.name);
    if let Some(description) = tool.description {
        w.field("description").text(description);
    }
    w.field("parameters").raw(tool.input_schema);
    if let Some(strict) = tool.strict {
        w.field("strict").bool(strict);
    }
}
