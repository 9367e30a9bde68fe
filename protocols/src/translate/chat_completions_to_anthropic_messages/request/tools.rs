//! Tools, tool choice, and responses that must follow a schema.

use std::borrow::Cow;

use catalog::{Dialect, JsonSchemaSupport, SchemaSubset};
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::chat_completions::request_reader::{ResponseFormat, Tool, ToolChoice};
use crate::json::{self, Object, Text, Writer};
use crate::schema_subset::{self, SchemaUse};

/// Name of the synthetic tool, unless the client has a tool of that name.
const ANSWER_TOOL: &str = "structured_answer";

/// The tools to send.
pub(super) struct ToolPlan<'a> {
    tools: Vec<Tool<'a>>,
    /// The model supports `strict` tools.
    strict: bool,
    /// What schemas that have to be followed may say.
    schema: SchemaSubset,
    choice: Choice<'a>,
    disable_parallel: bool,
    structure: Structure<'a>,
}

/// `tool_choice`
enum Choice<'a> {
    /// Omitted.
    Default,
    None,
    Any,
    Tool(Text<'a>),
    AnswerTool,
}

/// How a schema is enforced.
enum Structure<'a> {
    Free,
    /// `output_config.format`
    Format(Cow<'a, str>),
    /// For older models: a forced tool whose arguments are the response.
    AnswerTool {
        name: String,
        description: Option<Text<'a>>,
        schema: &'a RawValue,
    },
}

impl<'a> ToolPlan<'a> {
    /// Plans the tools of a request.
    ///
    /// # Errors
    /// A required call without tools, or a schema that the model cannot be held to.
    pub(super) fn new(
        dialect: &Dialect,
        mut tools: Vec<Tool<'a>>,
        choice: Option<ToolChoice<'a>>,
        parallel: Option<bool>,
        format: ResponseFormat<'a>,
    ) -> Result<Self, RequestError> {
        let choice = match choice {
            None | Some(ToolChoice::Auto) => Choice::Default,
            Some(ToolChoice::None) => Choice::None,
            Some(ToolChoice::Required) => Choice::Any,
            Some(ToolChoice::Function(name)) => Choice::Tool(name),
            Some(ToolChoice::Allowed { required, names }) => {
                tools.retain(|tool| names.contains(&tool.name));
                if required {
                    Choice::Any
                } else {
                    Choice::Default
                }
            }
        };
        let choice = match (tools.is_empty(), choice) {
            (true, Choice::Any | Choice::Tool(_)) => {
                return Err(RequestError::invalid_value(
                    "tool_choice",
                    "a call of a tool is demanded, but tools has none to call",
                ));
            }
            (true, _) => Choice::Default,
            (false, choice) => choice,
        };
        for (index, tool) in tools.iter().enumerate() {
            check_schema(
                tool.parameters,
                format_args!("tools[{index}].function.parameters"),
            )?;
        }
        let mut plan = Self {
            strict: dialect.strict_tools,
            schema: dialect.schema,
            disable_parallel: parallel == Some(false) && !tools.is_empty(),
            tools,
            choice,
            structure: Structure::Free,
        };
        match format {
            // Without a schema there is nothing to send: the prompt must ask for JSON, which OpenAI also requires.
            ResponseFormat::Text | ResponseFormat::JsonObject => {}
            ResponseFormat::JsonSchema { schema, .. }
                if dialect.json_schema == JsonSchemaSupport::Native =>
            {
                let schema = schema_subset::fitted(dialect.schema, SchemaUse::Strict, schema);
                plan.structure = Structure::Format(schema);
            }
            ResponseFormat::JsonSchema {
                description,
                schema,
                ..
            } => plan.force_answer(description, schema)?,
        }
        Ok(plan)
    }

    fn force_answer(
        &mut self,
        description: Option<Text<'a>>,
        schema: &'a RawValue,
    ) -> Result<(), RequestError> {
        self.choice = match self.choice {
            // The client requires a call of its own tools, so there is no text to hold to the schema.
            Choice::Any | Choice::Tool(_) => return Ok(()),
            Choice::Default if !self.tools.is_empty() => Choice::Any,
            Choice::Default | Choice::None | Choice::AnswerTool => Choice::AnswerTool,
        };
        check_schema(
            Some(schema),
            format_args!("response_format.json_schema.schema"),
        )?;
        let mut name = String::from(ANSWER_TOOL);
        while self
            .tools
            .iter()
            .any(|tool| tool.name == Text::Plain(&name))
        {
            name.push('_');
        }
        self.structure = Structure::AnswerTool {
            name,
            description,
            schema,
        };
        Ok(())
    }

    /// The model must call a tool.
    pub(super) fn forces_a_call(&self) -> bool {
        match self.choice {
            Choice::Default | Choice::None => false,
            Choice::Any | Choice::Tool(_) | Choice::AnswerTool => true,
        }
    }

    /// The schema for `output_config.format`.
    pub(super) fn schema(&self) -> Option<&str> {
        match &self.structure {
            Structure::Format(schema) => Some(schema),
            Structure::Free | Structure::AnswerTool { .. } => None,
        }
    }

    /// The name of the synthetic tool.
    pub(super) fn into_answer_tool(self) -> Option<String> {
        match self.structure {
            Structure::AnswerTool { name, .. } => Some(name),
            Structure::Free | Structure::Format(_) => None,
        }
    }

    /// Writes the fields `tools` and `tool_choice`.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        let answer_tool = match &self.structure {
            Structure::AnswerTool {
                name,
                description,
                schema,
            } => Some((name.as_str(), *description, *schema)),
            Structure::Free | Structure::Format(_) => None,
        };
        if self.tools.is_empty() && answer_tool.is_none() {
            return;
        }
        w.field("tools").array(|w| {
            for tool in &self.tools {
                self.write_tool(w, tool);
            }
            if let Some((name, description, schema)) = answer_tool {
                w.object(|w| {
                    w.field("name").string(name);
                    w.field("description")
                        .text(description.unwrap_or(Text::Plain(
                            "Gives the answer. Its input is the whole answer to the user.",
                        )));
                    w.field("input_schema").raw(schema);
                });
            }
        });
        let kind = match self.choice {
            Choice::Default if !self.disable_parallel => return,
            Choice::Default => "auto",
            Choice::None => "none",
            Choice::Any => "any",
            Choice::Tool(_) | Choice::AnswerTool => "tool",
        };
        w.field("tool_choice").object(|w| {
            w.field("type").string(kind);
            match (&self.choice, answer_tool) {
                (Choice::Tool(name), _) => w.field("name").text(*name),
                (Choice::AnswerTool, Some((name, ..))) => w.field("name").string(name),
                (Choice::Default | Choice::None | Choice::Any | Choice::AnswerTool, _) => {}
            }
            // Not a field of `none`.
            let one_answer = matches!(self.choice, Choice::AnswerTool);
            if (self.disable_parallel || one_answer) && !matches!(self.choice, Choice::None) {
                w.field("disable_parallel_tool_use").bool(true);
            }
        });
    }

    fn write_tool(&self, w: &mut Writer<'_>, tool: &Tool<'a>) {
        w.object(|w| {
            w.field("name").text(tool.name);
            if let Some(description) = tool.description {
                w.field("description").text(description);
            }
            match tool.parameters {
                Some(parameters) if tool.strict && self.strict => {
                    let schema = schema_subset::fitted(self.schema, SchemaUse::Strict, parameters);
                    w.field("input_schema").verbatim(&schema);
                }
                parameters => write_schema(w.field("input_schema"), parameters),
            }
            if tool.strict && self.strict {
                w.field("strict").bool(true);
            }
            if let Some(cache_control) = tool.cache_control {
                w.field("cache_control").raw(cache_control);
            }
        });
    }
}

/// Anthropic requires `type: object` in a tool's schema.
fn check_schema(
    schema: Option<&RawValue>,
    path: std::fmt::Arguments<'_>,
) -> Result<(), RequestError> {
    let Some(schema) = schema else { return Ok(()) };
    let fields: Object<'_> = json::read(schema, path, "an object")?;
    match fields.get("type") {
        None => Ok(()),
        Some(kind) if Text::of(kind) == Some(Text::Plain("object")) => Ok(()),
        Some(kind) => Err(RequestError::invalid_value(
            format!("{path}.type"),
            format_args!("expected \"object\", found {}", kind.get()),
        )),
    }
}

/// Writes the schema as received, adding `type: object` if it has no type. OpenAI accepts functions without parameters.
fn write_schema(w: &mut Writer<'_>, schema: Option<&RawValue>) {
    let fields = schema.and_then(|schema| json::parse_text::<Object<'_>>(schema.get()).ok());
    match (schema, fields) {
        (Some(schema), Some(fields)) if fields.get("type").is_some() => w.raw(schema),
        (_, fields) => w.object(|w| {
            w.field("type").string("object");
            for (name, value) in fields.iter().flat_map(Object::fields) {
                if name != "type" {
                    w.key(name).raw(value);
                }
            }
        }),
    }
}
