//! Reads a Chat Completions request for upstreams of another protocol.
//!
//! Everything that another protocol can express is read into types; the rest stays in [`ChatRequest::rest`], for the
//! translator to drop by its table or to refuse. No field is lost: one that is neither read nor listed is an error.

mod content;
mod message;
mod options;
mod tools;
pub(crate) mod unsupported_params;

use std::borrow::Cow;

use catalog::Effort;
use serde_json::value::RawValue;

pub use content::{Media, Part, PartKind};
pub use message::{
    AssistantMessage, DROPPED_MESSAGE_PARAMS, Message, ToolCallRequest, ToolMessage,
};
pub(crate) use options::read_effort;
pub use options::{Number, ResponseFormat};
pub use tools::{Tool, ToolChoice};

use crate::error::RequestError;
use crate::json::{self, Object, Text};

/// A parsed request. `model`, `stream` and `stream_options` are omitted: the [`crate::Attempt`] decides them.
#[derive(Debug, Default)]
pub struct ChatRequest<'a> {
    /// The conversation; at least one message.
    pub messages: Vec<Message<'a>>,
    /// Functions that the model may call.
    pub tools: Vec<Tool<'a>>,
    /// Which functions it may call.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// `false`: at most one call per response.
    pub parallel_tool_calls: Option<bool>,
    /// `max_completion_tokens`, else the deprecated `max_tokens`. At least 1.
    pub max_tokens: Option<u64>,
    /// Stop sequences; a single string becomes a list of one.
    pub stop: Vec<Text<'a>>,
    /// 0 to 2.
    pub temperature: Option<Number<'a>>,
    /// 0 to 1.
    pub top_p: Option<Number<'a>>,
    /// The format of the output.
    pub response_format: ResponseFormat<'a>,
    /// How much the model should reason.
    pub reasoning_effort: Option<Effort>,
    /// `user`, else `safety_identifier`.
    pub user: Option<Text<'a>>,
    /// All other fields that are not `null`, in order.
    pub rest: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> ChatRequest<'a> {
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
        let mut limit_is_current = false;
        for (name, value) in fields {
            if value.get() == "null" {
                continue;
            }
            match name.as_ref() {
                "model" | "stream" | "stream_options" => {}
                "messages" => messages = Some(value),
                "tools" => request.tools = tools::read_tools(value)?,
                "tool_choice" => request.tool_choice = Some(tools::read_tool_choice(value)?),
                "parallel_tool_calls" => {
                    request.parallel_tool_calls = Some(json::read(value, &name, "a boolean")?);
                }
                "max_completion_tokens" => {
                    request.max_tokens = Some(options::read_limit(value, &name)?);
                    limit_is_current = true;
                }
                "max_tokens" => {
                    let limit = options::read_limit(value, &name)?;
                    if !limit_is_current {
                        request.max_tokens = Some(limit);
                    }
                }
                "stop" => request.stop = options::read_stop(value)?,
                "temperature" => request.temperature = Some(Number::read(value, &name, 2.0)?),
                "top_p" => request.top_p = Some(Number::read(value, &name, 1.0)?),
                "response_format" => request.response_format = ResponseFormat::read(value)?,
                "reasoning_effort" => {
                    request.reasoning_effort = Some(read_effort(value, &name)?);
                }
                "user" => request.user = Some(json::text(value, &name)?),
                "safety_identifier" => {
                    let user = json::text(value, &name)?;
                    request.user = request.user.or(Some(user));
                }
                _ => request.rest.push((name, value)),
            }
        }
        let messages = messages.ok_or_else(|| RequestError::missing("messages"))?;
        request.messages = message::read_messages(messages)?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests;
