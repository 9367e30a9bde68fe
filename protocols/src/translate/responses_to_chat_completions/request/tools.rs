//! Functions and tool choice.

use std::fmt;

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::json::{self, Object, Text, Writer};

/// The tools of a request.
pub(super) struct ToolPlan<'a> {
    functions: Vec<Function<'a>>,
    choice: Option<Choice<'a>>,
    parallel: Option<bool>,
}

struct Function<'a> {
    name: Text<'a>,
    description: Option<Text<'a>>,
    parameters: Option<&'a RawValue>,
    strict: Option<bool>,
}

/// `tool_choice`
enum Choice<'a> {
    /// `auto`, `none` or `required`
    Mode(&'static str),
    Function(Text<'a>),
    Allowed {
        mode: &'static str,
        names: Vec<Text<'a>>,
    },
}

impl<'a> ToolPlan<'a> {
    pub(super) fn new(
        tools: Option<&'a RawValue>,
        choice: Option<&'a RawValue>,
        parallel: Option<bool>,
    ) -> Result<Self, RequestError> {
        let functions = match tools {
            Some(raw) => read_functions(raw)?,
            None => Vec::new(),
        };
        let mut choice = choice.map(Choice::read).transpose()?;
        if functions.is_empty() {
            match &choice {
                None | Some(Choice::Mode("auto" | "none")) => choice = None,
                Some(Choice::Mode(_) | Choice::Function(_) | Choice::Allowed { .. }) => {
                    return Err(RequestError::invalid_value(
                        "tool_choice",
                        "chooses among tools, but `tools` names none",
                    ));
                }
            }
        }
        Ok(Self {
            parallel: parallel.filter(|_| !functions.is_empty()),
            functions,
            choice,
        })
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        if !self.functions.is_empty() {
            w.field("tools").array(|w| {
                for function in &self.functions {
                    w.object(|w| {
                        w.field("type").string("function");
                        w.field("function").object(|w| {
                            function.write_fields(w);
                            if let Some(parameters) = function.parameters {
                                w.field("parameters").raw(parameters);
                            }
                            if let Some(strict) = function.strict {
                                w.field("strict").bool(strict);
                            }
                        });
                    });
                }
            });
        }
        if let Some(choice) = &self.choice {
            choice.write(w.field("tool_choice"));
        }
        if let Some(parallel) = self.parallel {
            w.field("parallel_tool_calls").bool(parallel);
        }
    }

    /// `tools` as responses echo it: with all fields that clients' types require.
    pub(super) fn echo(&self) -> String {
        let mut out = Vec::new();
        Writer::new(&mut out).array(|w| {
            for function in &self.functions {
                w.object(|w| {
                    w.field("type").string("function");
                    function.write_fields(w);
                    match function.parameters {
                        Some(parameters) => w.field("parameters").raw(parameters),
                        None => w.field("parameters").null(),
                    }
                    match function.strict {
                        Some(strict) => w.field("strict").bool(strict),
                        None => w.field("strict").null(),
                    }
                });
            }
        });
        String::from_utf8(out).unwrap_or_else(|_| String::from("[]"))
    }
}

impl Function<'_> {
    fn write_fields(&self, w: &mut Writer<'_>) {
        w.field("name").text(self.name);
        if let Some(description) = self.description {
            w.field("description").text(description);
        }
    }
}

fn read_functions(raw: &RawValue) -> Result<Vec<Function<'_>>, RequestError> {
    let tools: Vec<Object<'_>> = json::read(raw, "tools", "an array of objects")?;
    let tools = tools.iter().enumerate();
    tools
        .map(|(index, tool)| read_function(tool, format_args!("tools[{index}]")))
        .collect()
}

fn read_function<'a>(
    tool: &Object<'a>,
    path: fmt::Arguments<'_>,
) -> Result<Function<'a>, RequestError> {
    let required = |name: &str| {
        tool.get(name)
            .ok_or_else(|| RequestError::missing(format!("{path}.{name}")))
    };
    let kind = json::characters(required("type")?, format_args!("{path}.type"))?;
    if kind != "function" {
        return Err(RequestError {
            code: Some("unsupported_value"),
            ..RequestError::unsupported(
                format!("{path}.type"),
                format_args!(
                    "the target of this request supports only function tools, found {kind:?}"
                ),
            )
        });
    }
    let mut function = Function {
        name: json::text(required("name")?, format_args!("{path}.name"))?,
        description: None,
        parameters: None,
        strict: None,
    };
    for (name, value) in tool.fields() {
        let path = format_args!("{path}.{name}");
        match name {
            "type" | "name" => {}
            "description" => function.description = Some(json::text(value, path)?),
            "parameters" => {
                json::require_object(value, path)?;
                function.parameters = Some(value);
            }
            "strict" => function.strict = Some(json::read(value, path, "a boolean")?),
            _ => {
                return Err(RequestError {
                    code: Some("unknown_parameter"),
                    ..RequestError::unsupported(path.to_string(), "unknown field")
                });
            }
        }
    }
    Ok(function)
}

impl<'a> Choice<'a> {
    fn read(raw: &'a RawValue) -> Result<Self, RequestError> {
        const PATH: &str = "tool_choice";
        if Text::of(raw).is_some() {
            return Ok(Self::Mode(mode(raw, format_args!("{PATH}"))?));
        }
        let choice: Object<'_> = json::read(raw, PATH, "a string or an object")?;
        let required = |name: &str| {
            choice
                .get(name)
                .ok_or_else(|| RequestError::missing(format!("{PATH}.{name}")))
        };
        match json::characters(required("type")?, "tool_choice.type")?.as_ref() {
            "function" => json::text(required("name")?, "tool_choice.name").map(Self::Function),
            "allowed_tools" => {
                let tools: Vec<Object<'_>> = json::read(
                    required("tools")?,
                    "tool_choice.tools",
                    "an array of objects",
                )?;
                let names = tools.iter().enumerate().map(|(index, tool)| {
                    let path = format_args!("{PATH}.tools[{index}].name");
                    let name = tool
                        .get("name")
                        .ok_or_else(|| RequestError::missing(path.to_string()))?;
                    json::text(name, path)
                });
                Ok(Self::Allowed {
                    mode: mode(required("mode")?, format_args!("{PATH}.mode"))?,
                    names: names.collect::<Result<_, _>>()?,
                })
            }
            found => Err(RequestError {
                code: Some("unsupported_value"),
                ..RequestError::unsupported(
                    "tool_choice.type",
                    format_args!(
                        "the target of this request supports only function and allowed_tools, found {found:?}"
                    ),
                )
            }),
        }
    }

    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Mode(mode) => w.string(mode),
            Self::Function(name) => w.object(|w| write_named(w, *name)),
            Self::Allowed { mode, names } => w.object(|w| {
                w.field("type").string("allowed_tools");
                w.field("allowed_tools").object(|w| {
                    w.field("mode").string(mode);
                    w.field("tools").array(|w| {
                        for name in names {
                            w.object(|w| write_named(w, *name));
                        }
                    });
                });
            }),
        }
    }
}

fn write_named(w: &mut Writer<'_>, name: Text<'_>) {
    w.field("type").string("function");
    w.field("function").object(|w| w.field("name").text(name));
}

fn mode(raw: &RawValue, path: fmt::Arguments<'_>) -> Result<&'static str, RequestError> {
    let found = json::characters(raw, path)?;
    ["auto", "none", "required"]
        .into_iter()
        .find(|known| *known == found)
        .ok_or_else(|| {
            RequestError::invalid_value(
                path.to_string(),
                format_args!("expected auto, none or required, found {found:?}"),
            )
        })
}
