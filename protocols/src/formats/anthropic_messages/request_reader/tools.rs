//! Tools and tool choice.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use super::only;
use crate::error::RequestError;
use crate::json::{self, Object, Text};

/// One tool.
#[derive(Debug, Clone)]
pub enum Tool<'a> {
    /// A tool of the client.
    Function(FunctionTool<'a>),
    /// A tool defined by Anthropic, such as `web_search_20250305`.
    Provider {
        /// Its `type`.
        kind: Cow<'a, str>,
        /// Its `name`, by which `tool_choice` can force it.
        name: Option<Text<'a>>,
    },
}

/// A tool of the client.
#[derive(Debug, Clone)]
pub struct FunctionTool<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Tells the model when to call it.
    pub description: Option<Text<'a>>,
    /// A JSON Schema object.
    pub input_schema: &'a RawValue,
    /// The arguments must follow the schema exactly.
    pub strict: Option<bool>,
    /// Marks the end of a cacheable prefix of the prompt.
    pub cache_control: Option<&'a RawValue>,
    /// All other fields that are not `null`, in order.
    pub rest: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// `tool_choice`
#[derive(Debug, Clone)]
pub struct ToolChoice<'a> {
    /// Which calls are allowed.
    pub kind: ToolChoiceKind<'a>,
    /// At most one call per response.
    pub disable_parallel_tool_use: bool,
}

/// `tool_choice.type`
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ToolChoiceKind<'a> {
    /// The model decides.
    Auto,
    /// At least one call.
    Any,
    /// A call of this tool.
    Tool(Text<'a>),
    /// No calls.
    None,
}

pub(super) fn read_tools(raw: &RawValue) -> Result<Vec<Tool<'_>>, RequestError> {
    let tools: Vec<Object<'_>> = json::read(raw, "tools", "an array of objects")?;
    let tools = tools.into_iter().enumerate();
    tools
        .map(|(index, tool)| read_tool(tool, format_args!("tools[{index}]")))
        .collect()
}

fn read_tool<'a>(tool: Object<'a>, path: fmt::Arguments<'_>) -> Result<Tool<'a>, RequestError> {
    let kind = match tool.get("type") {
        Some(kind) => json::characters(kind, format_args!("{path}.type"))?,
        None => Cow::Borrowed("custom"),
    };
    let text = |name: &str| {
        let raw = tool.get(name);
        raw.map(|raw| json::text(raw, format_args!("{path}.{name}")))
            .transpose()
    };
    let name = text("name")?;
    if kind != "custom" {
        return Ok(Tool::Provider { kind, name });
    }
    let missing = |name: &str| RequestError::missing(format!("{path}.{name}"));
    let input_schema = tool
        .get("input_schema")
        .ok_or_else(|| missing("input_schema"))?;
    json::require_object(input_schema, format_args!("{path}.input_schema"))?;
    Ok(Tool::Function(FunctionTool {
        name: name.ok_or_else(|| missing("name"))?,
        description: text("description")?,
        input_schema,
        strict: match tool.get("strict") {
            Some(raw) => Some(json::read(raw, format_args!("{path}.strict"), "a boolean")?),
            None => None,
        },
        cache_control: tool.get("cache_control"),
        rest: tool
            .0
            .into_iter()
            .filter(|(name, value)| {
                let known = [
                    "type",
                    "name",
                    "description",
                    "input_schema",
                    "strict",
                    "cache_control",
                ];
                !known.contains(&name.as_ref()) && value.get() != "null"
            })
            .collect(),
    }))
}

pub(super) fn read_tool_choice(raw: &RawValue) -> Result<ToolChoice<'_>, RequestError> {
    const PATH: &str = "tool_choice";
    let choice: Object<'_> = json::read(raw, PATH, "an object")?;
    only(
        &choice,
        PATH,
        &["type", "name", "disable_parallel_tool_use"],
    )?;
    let missing = |name: &str| RequestError::missing(format!("{PATH}.{name}"));
    let kind = choice.get("type").ok_or_else(|| missing("type"))?;
    let kind = match json::characters(kind, "tool_choice.type")?.as_ref() {
        "auto" => ToolChoiceKind::Auto,
        "any" => ToolChoiceKind::Any,
        "none" => ToolChoiceKind::None,
        "tool" => {
            let name = choice.get("name").ok_or_else(|| missing("name"))?;
            ToolChoiceKind::Tool(json::text(name, "tool_choice.name")?)
        }
        found => {
            return Err(RequestError::invalid_value(
                "tool_choice.type",
                format_args!("expected auto, any, tool or none, found {found:?}"),
            ));
        }
    };
    Ok(ToolChoice {
        kind,
        disable_parallel_tool_use: match choice.get("disable_parallel_tool_use") {
            Some(raw) => json::read(raw, "tool_choice.disable_parallel_tool_use", "a boolean")?,
            None => false,
        },
    })
}
