//! Tools, and the choice among them.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::responses::client_tools::{self, ClientTool, ClientTools, ToolKind};
use crate::json::{self, Object, Text, Writer};

/// The tools of a request.
pub(super) struct ToolPlan<'a> {
    functions: Vec<Function<'a>>,
    /// The tools among them that are not simply functions of the same name.
    client_tools: ClientTools,
    choice: Option<Choice<'a>>,
    parallel: Option<bool>,
}

/// A function, and the client's tool that it stands for. Texts are pieces.
struct Function<'a> {
    kind: ToolKind,
    name: Vec<Text<'a>>,
    description: Vec<Text<'a>>,
    /// JSON
    parameters: Option<&'a str>,
    strict: Option<bool>,
    /// The client's tool as it came.
    tool: &'a RawValue,
}

/// `tool_choice`
enum Choice<'a> {
    /// `auto`, `none` or `required`
    Mode(&'static str),
    Function(Vec<Text<'a>>),
    Allowed {
        mode: &'static str,
        names: Vec<Vec<Text<'a>>>,
    },
}

impl<'a> ToolPlan<'a> {
    /// `found` are the lists of tools that searches of the client have brought.
    pub(super) fn new(
        tools: Option<&'a RawValue>,
        found: &[&'a RawValue],
        choice: Option<&'a RawValue>,
        parallel: Option<bool>,
    ) -> Result<Self, RequestError> {
        let mut plan = Self {
            functions: Vec::new(),
            client_tools: ClientTools::default(),
            choice: None,
            parallel: None,
        };
        if let Some(raw) = tools {
            plan.read_tools(raw, None, format_args!("tools"))?;
        }
        for raw in found {
            plan.read_tools(raw, None, format_args!("input[].tools"))?;
        }
        let choice = choice.map(Choice::read).transpose()?;
        if plan.functions.is_empty() {
            match choice {
                None | Some(Choice::Mode("auto" | "none")) => {}
                Some(Choice::Mode(_) | Choice::Function(_) | Choice::Allowed { .. }) => {
                    return Err(RequestError::invalid_value(
                        "tool_choice",
                        "chooses among tools, but the target of this request is offered none",
                    ));
                }
            }
        } else {
            plan.choice = choice;
            plan.parallel = parallel;
        }
        Ok(plan)
    }

    fn read_tools(
        &mut self,
        raw: &'a RawValue,
        namespace: Option<Text<'a>>,
        path: fmt::Arguments<'_>,
    ) -> Result<(), RequestError> {
        let tools: Vec<&RawValue> = json::read(raw, path, "an array of objects")?;
        for (index, raw) in tools.into_iter().enumerate() {
            self.read_tool(raw, namespace, format_args!("{path}[{index}]"))?;
        }
        Ok(())
    }

    /// Tools that run at OpenAI are left out: no other target has them, and its model does well without them.
    fn read_tool(
        &mut self,
        raw: &'a RawValue,
        namespace: Option<Text<'a>>,
        path: fmt::Arguments<'_>,
    ) -> Result<(), RequestError> {
        let tool: Object<'_> = json::read(raw, path, "an object")?;
        let required = |name: &str| {
            tool.get(name)
                .ok_or_else(|| RequestError::missing(format!("{path}.{name}")))
        };
        let kind = json::characters(required("type")?, format_args!("{path}.type"))?;
        if kind == "namespace" {
            let name = json::text(required("name")?, format_args!("{path}.name"))?;
            let tools = required("tools")?;
            return self.read_tools(tools, Some(name), format_args!("{path}.tools"));
        }
        let kind = match kind.as_ref() {
            "function" => ToolKind::Function,
            "custom" => ToolKind::Custom,
            // Without a word about it OpenAI searches.
            "tool_search" if !is_run_by_client(&tool) => return Ok(()),
            found => match ToolKind::of_type(found) {
                Some(kind) => kind,
                None => return Ok(()),
            },
        };
        let own_name = match kind.function_name() {
            "" => json::text(required("name")?, format_args!("{path}.name"))?,
            name => Text::Plain(name),
        };
        let mut function = Function {
            kind,
            name: client_tools::name_in_namespace(namespace, own_name),
            description: Vec::new(),
            parameters: kind.parameters(),
            strict: None,
            tool: raw,
        };
        if !kind.description().is_empty() {
            function.description.push(Text::Plain(kind.description()));
        }
        for (name, value) in tool.fields() {
            let path = format_args!("{path}.{name}");
            match name {
                "description" => function.description = vec![json::text(value, path)?],
                "parameters" => {
                    json::require_object(value, path)?;
                    function.parameters = Some(value.get());
                }
                "strict" => function.strict = json::read(value, path, "a boolean")?,
                // Hints, and what only OpenAI can keep.
                _ => {}
            }
        }
        if let Some(format) = tool.get("format") {
            function.describe_grammar(format);
        }
        if kind != ToolKind::Function || function.name.len() > 1 {
            let decoded = |text: Text<'_>| text.decode().map(Cow::into_owned).unwrap_or_default();
            let client_tool = ClientTool {
                kind,
                namespace: namespace.map(decoded),
                name: decoded(own_name),
            };
            let name = function.name.iter().copied().map(decoded).collect();
            self.client_tools.add(name, client_tool);
        }
        self.functions.push(function);
        Ok(())
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
                                w.field("parameters").verbatim(parameters);
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
                if function.kind != ToolKind::Function || function.name.len() > 1 {
                    w.raw(function.tool);
                    continue;
                }
                w.object(|w| {
                    w.field("type").string("function");
                    function.write_fields(w);
                    match function.parameters {
                        Some(parameters) => w.field("parameters").verbatim(parameters),
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

    /// What calls of the functions mean to the client.
    pub(super) fn into_client_tools(self) -> ClientTools {
        self.client_tools
    }
}

impl<'a> Function<'a> {
    fn write_fields(&self, w: &mut Writer<'_>) {
        w.field("name").joined(self.name.iter().copied());
        if !self.description.is_empty() {
            w.field("description")
                .joined(self.description.iter().copied());
        }
    }

    /// Only OpenAI can keep a model to a grammar; others are told it.
    fn describe_grammar(&mut self, format: &'a RawValue) {
        let format: Object<'_> = json::parse_text(format.get()).unwrap_or_default();
        let text = |name| format.get(name).and_then(Text::of);
        if let Some(definition) = text("definition") {
            let syntax = text("syntax").unwrap_or(Text::Plain("formal"));
            self.description.extend([
                Text::Plain("\n\nThe input follows this "),
                syntax,
                Text::Plain(" grammar:\n"),
                definition,
            ]);
        }
    }
}

fn is_run_by_client(tool: &Object<'_>) -> bool {
    let execution = tool.get("execution").and_then(Text::of);
    execution.and_then(Text::decode).as_deref() == Some("client")
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
            "allowed_tools" => {
                let tools: Vec<Object<'_>> = json::read(
                    required("tools")?,
                    "tool_choice.tools",
                    "an array of objects",
                )?;
                let names = tools.iter().enumerate().filter_map(|(index, tool)| {
                    chosen_name(tool, format_args!("{PATH}.tools[{index}]")).transpose()
                });
                Ok(Self::Allowed {
                    mode: mode(required("mode")?, format_args!("{PATH}.mode"))?,
                    names: names.collect::<Result<_, _>>()?,
                })
            }
            found => match chosen_name(&choice, format_args!("{PATH}"))? {
                Some(name) => Ok(Self::Function(name)),
                None => Err(RequestError {
                    code: Some("unsupported_value"),
                    ..RequestError::unsupported(
                        "tool_choice.type",
                        format_args!("the target of this request has no tool like {found}"),
                    )
                }),
            },
        }
    }

    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Mode(mode) => w.string(mode),
            Self::Function(name) => w.object(|w| write_named(w, name)),
            Self::Allowed { mode, names } => w.object(|w| {
                w.field("type").string("allowed_tools");
                w.field("allowed_tools").object(|w| {
                    w.field("mode").string(mode);
                    w.field("tools").array(|w| {
                        for name in names {
                            w.object(|w| write_named(w, name));
                        }
                    });
                });
            }),
        }
    }
}

/// The function of a tool that is chosen; `None` for one that runs at OpenAI.
fn chosen_name<'a>(
    tool: &Object<'a>,
    path: fmt::Arguments<'_>,
) -> Result<Option<Vec<Text<'a>>>, RequestError> {
    let kind = tool.get("type").and_then(Text::of).and_then(Text::decode);
    let kind = match kind.as_deref() {
        None | Some("function" | "custom") => ToolKind::Function,
        Some(kind) => match ToolKind::of_type(kind) {
            Some(kind) => kind,
            None => return Ok(None),
        },
    };
    let name = match kind.function_name() {
        "" => {
            let raw = tool.get("name");
            let raw = raw.ok_or_else(|| RequestError::missing(format!("{path}.name")))?;
            json::text(raw, format_args!("{path}.name"))?
        }
        name => Text::Plain(name),
    };
    let namespace = tool.get("namespace").and_then(Text::of);
    Ok(Some(client_tools::name_in_namespace(namespace, name)))
}

fn write_named(w: &mut Writer<'_>, name: &[Text<'_>]) {
    w.field("type").string("function");
    w.field("function")
        .object(|w| w.field("name").joined(name.iter().copied()));
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
