//! Reads an Anthropic Messages request for upstreams of another protocol.
//!
//! Everything that another protocol can express is read into types. The rest is left to the translator, which drops it
//! by its table or refuses it: fields in [`MessagesRequest::rest`] and [`FunctionTool::rest`], content in
//! [`Block::Other`], the provider's own tools in [`Tool::Provider`].

mod block;
mod options;
mod tools;

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

pub use block::{
    Block, DROPPED_BLOCK_PARAMS, Document, Image, Source, TextBlock, ToolResult, ToolUse,
};
pub use options::{OutputConfig, ThinkingConfig};
pub use tools::{FunctionTool, Tool, ToolChoice, ToolChoiceKind};

use crate::error::RequestError;
use crate::formats::chat_completions::request_reader::Number;
use crate::json::{self, Object, Text};

/// A parsed request. `model` and `stream` are omitted: the [`crate::Attempt`] decides them.
#[derive(Debug, Default)]
pub struct MessagesRequest<'a> {
    /// The system prompt; a string becomes one block.
    pub system: Vec<TextBlock<'a>>,
    /// The conversation; at least one turn.
    pub messages: Vec<Turn<'a>>,
    /// Output limit; 0 asks for no output at all.
    pub max_tokens: Option<u64>,
    /// Tools, in order.
    pub tools: Vec<Tool<'a>>,
    /// Which tools the model may call.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Stop sequences.
    pub stop_sequences: Vec<Text<'a>>,
    /// 0 to 1.
    pub temperature: Option<Number<'a>>,
    /// 0 to 1.
    pub top_p: Option<Number<'a>>,
    /// At least 0.
    pub top_k: Option<u64>,
    /// `metadata.user_id`; other labels are dropped.
    pub user_id: Option<Text<'a>>,
    /// The `thinking` parameter.
    pub thinking: Option<ThinkingConfig<'a>>,
    /// Effort, and the format of the output.
    pub output_config: OutputConfig<'a>,
    /// All other fields that are not `null`, in order.
    pub rest: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Turn<'a> {
    /// The author.
    pub role: Role,
    /// The content; a string becomes one text block.
    pub content: Vec<Block<'a>>,
}

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user, or a tool on the user's behalf.
    User,
    /// The model.
    Assistant,
    /// Instructions in the middle of a conversation.
    System,
}

impl<'a> MessagesRequest<'a> {
    /// Parses a request body.
    ///
    /// # Errors
    /// The body is not a JSON object, or a field has the wrong type or a value that no upstream accepts; the error
    /// names the field.
    pub fn read(body: &'a [u8]) -> Result<Self, RequestError> {
        let Object(fields) = json::parse(body)
            .map_err(|error| RequestError::new(format!("expected a JSON object: {error}")))?;
        let mut request = Self::default();
        let mut messages = None;
        for (name, value) in fields {
            if value.get() == "null" {
                continue;
            }
            match name.as_ref() {
                "model" | "stream" => {}
                "system" => request.system = block::read_system(value)?,
                "messages" => messages = Some(value),
                "max_tokens" => {
                    request.max_tokens = Some(json::read(value, &name, "a whole number")?);
                }
                "tools" => request.tools = tools::read_tools(value)?,
                "tool_choice" => request.tool_choice = Some(tools::read_tool_choice(value)?),
                "stop_sequences" => {
                    request.stop_sequences = json::read(value, &name, "an array of strings")?;
                }
                "temperature" => request.temperature = Some(Number::read(value, &name, 1.0)?),
                "top_p" => request.top_p = Some(Number::read(value, &name, 1.0)?),
                "top_k" => request.top_k = Some(json::read(value, &name, "a whole number")?),
                "metadata" => request.user_id = options::read_user_id(value)?,
                "thinking" => request.thinking = Some(ThinkingConfig::read(value)?),
                "output_config" => request.output_config.read(value)?,
                // The former name of `output_config.format`.
                "output_format" if value.get().starts_with('{') => {
                    request.output_config.read_format(value, "output_format")?;
                }
                _ => request.rest.push((name, value)),
            }
        }
        let messages = messages.ok_or_else(|| RequestError::missing("messages"))?;
        request.messages = read_messages(messages)?;
        Ok(request)
    }
}

fn read_messages(raw: &RawValue) -> Result<Vec<Turn<'_>>, RequestError> {
    let messages: Vec<Object<'_>> = json::read(raw, "messages", "an array of objects")?;
    if messages.is_empty() {
        return Err(RequestError::invalid_value(
            "messages",
            "expected at least one message, found none",
        ));
    }
    let messages = messages.iter().enumerate();
    messages
        .map(|(index, message)| read_turn(message, format_args!("messages[{index}]")))
        .collect()
}

fn read_turn<'a>(message: &Object<'a>, path: fmt::Arguments<'_>) -> Result<Turn<'a>, RequestError> {
    let required = |name: &str| {
        message
            .get(name)
            .ok_or_else(|| RequestError::missing(format!("{path}.{name}")))
    };
    let role = match json::characters(required("role")?, format_args!("{path}.role"))?.as_ref() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        found => {
            return Err(RequestError::invalid_value(
                format!("{path}.role"),
                format_args!("expected user, assistant or system, found {found:?}"),
            ));
        }
    };
    only(message, path, &["role", "content"])?;
    let content = block::read_content(required("content")?, format_args!("{path}.content"))?;
    Ok(Turn { role, content })
}

/// Refuses every field of `object` that is not in `known`.
fn only(object: &Object<'_>, path: impl fmt::Display, known: &[&str]) -> Result<(), RequestError> {
    match object.fields().find(|(name, _)| !known.contains(name)) {
        None => Ok(()),
        Some((name, _)) => Err(RequestError {
            code: Some("unknown_parameter"),
            ..RequestError::unsupported(format!("{path}.{name}"), "unknown field")
        }),
    }
}

#[cfg(test)]
mod tests;
