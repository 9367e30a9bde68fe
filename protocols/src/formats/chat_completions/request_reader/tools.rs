//! Function tools and tool choice.

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::json::{self, Object, Text};

/// A function that the model may call.
#[derive(Debug, Clone)]
pub struct Tool<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Tells the model when to call it.
    pub description: Option<Text<'a>>,
    /// A JSON Schema object; absent for functions without parameters.
    pub parameters: Option<&'a RawValue>,
    /// The arguments must follow the schema exactly.
    pub strict: bool,
    /// Anthropic's `cache_control`, on the tool or its function.
    pub cache_control: Option<&'a RawValue>,
}

/// `tool_choice`
#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice<'a> {
    /// The model decides.
    Auto,
    /// No calls.
    None,
    /// At least one call.
    Required,
    /// A call of this function.
    Function(Text<'a>),
    /// [`ToolChoice::Auto`], or [`ToolChoice::Required`] if `required`, restricted to these functions.
    Allowed {
        /// At least one call.
        required: bool,
        /// The functions.
        names: Vec<Text<'a>>,
    },
}

pub(super) fn read_tools(raw: &RawValue) -> Result<Vec<Tool<'_>>, RequestError> {
    let tools: Vec<Object<'_>> = json::read(raw, "tools", "an array of objects")?;
    let tools = tools.iter().enumerate();
    tools
        .map(|(index, tool)| read_tool(tool, format_args!("tools[{index}]")))
        .collect()
}

fn read_tool<'a>(
    tool: &Object<'a>,
    path: std::fmt::Arguments<'_>,
) -> Result<Tool<'a>, RequestError> {
    let function = function(tool, path)?;
    for (name, _) in tool.fields() {
        if !["type", "function", "cache_control"].contains(&name) {
            return Err(RequestError::unsupported(
                format!("{path}.{name}"),
                "unknown field",
            ));
        }
    }
    let path = format_args!("{path}.function");
    let mut read = Tool {
        name: name(&function, path)?,
        description: None,
        parameters: None,
        strict: false,
        cache_control: tool.get("cache_control"),
    };
    for (field, value) in function.fields() {
        let path = format_args!("{path}.{field}");
        match field {
            "name" => {}
            "description" => read.description = Some(json::text(value, path)?),
            "parameters" => {
                json::require_object(value, path)?;
                read.parameters = Some(value);
            }
            "strict" => read.strict = json::read(value, path, "a boolean")?,
            "cache_control" => read.cache_control = read.cache_control.or(Some(value)),
            _ => return Err(RequestError::unsupported(path.to_string(), "unknown field")),
        }
    }
    Ok(read)
}

pub(super) fn read_tool_choice(raw: &RawValue) -> Result<ToolChoice<'_>, RequestError> {
    const PATH: &str = "tool_choice";
    if Text::of(raw).is_some() {
        return Ok(match json::characters(raw, PATH)?.as_ref() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            found => {
                return Err(RequestError::invalid_value(
                    PATH,
                    format_args!("expected auto, none, required or an object, found {found:?}"),
                ));
            }
        });
    }
    let choice: Object<'_> = json::read(raw, PATH, "a string or an object")?;
    if type_of(&choice, format_args!("{PATH}"))?.as_deref() == Some("allowed_tools") {
        return read_allowed(&choice);
    }
    let function = function(&choice, format_args!("{PATH}"))?;
    name(&function, format_args!("{PATH}.function")).map(ToolChoice::Function)
}

fn read_allowed<'a>(choice: &Object<'a>) -> Result<ToolChoice<'a>, RequestError> {
    const PATH: &str = "tool_choice.allowed_tools";
    let raw = choice
        .get("allowed_tools")
        .ok_or_else(|| RequestError::missing(PATH))?;
    let allowed: Object<'_> = json::read(raw, PATH, "an object")?;
    let mode = allowed
        .get("mode")
        .map(|mode| json::characters(mode, format_args!("{PATH}.mode")))
        .transpose()?;
    let required = match mode.as_deref() {
        None | Some("auto") => false,
        Some("required") => true,
        Some(found) => {
            return Err(RequestError::invalid_value(
                format!("{PATH}.mode"),
                format_args!("expected auto or required, found {found:?}"),
            ));
        }
    };
    let tools = allowed
        .get("tools")
        .ok_or_else(|| RequestError::missing(format!("{PATH}.tools")))?;
    let tools: Vec<Object<'_>> =
        json::read(tools, format_args!("{PATH}.tools"), "an array of objects")?;
    let names = tools.iter().enumerate().map(|(index, tool)| {
        let path = format_args!("{PATH}.tools[{index}]");
        name(&function(tool, path)?, format_args!("{path}.function"))
    });
    Ok(ToolChoice::Allowed {
        required,
        names: names.collect::<Result<_, _>>()?,
    })
}

/// The `function` object of a tool or tool choice; other kinds of tools are refused.
fn function<'a>(
    tool: &Object<'a>,
    path: std::fmt::Arguments<'_>,
) -> Result<Object<'a>, RequestError> {
    match type_of(tool, path)?.as_deref() {
        None | Some("function") => {}
        Some(found) => {
            return Err(RequestError {
                code: Some("unsupported_value"),
                ..RequestError::unsupported(
                    format!("{path}.type"),
                    format_args!(
                        "the target of this request supports only function tools, found {found:?}"
                    ),
                )
            });
        }
    }
    let raw = tool
        .get("function")
        .ok_or_else(|| RequestError::missing(format!("{path}.function")))?;
    json::read(raw, format_args!("{path}.function"), "an object")
}

fn type_of<'a>(
    object: &Object<'a>,
    path: std::fmt::Arguments<'_>,
) -> Result<Option<std::borrow::Cow<'a, str>>, RequestError> {
    let kind = object.get("type");
    kind.map(|kind| json::characters(kind, format_args!("{path}.type")))
        .transpose()
}

fn name<'a>(
    function: &Object<'a>,
    path: std::fmt::Arguments<'_>,
) -> Result<Text<'a>, RequestError> {
    let path = format_args!("{path}.name");
    let name = function
        .get("name")
        .ok_or_else(|| RequestError::missing(path.to_string()))?;
    json::text(name, path)
}
