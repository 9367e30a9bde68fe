//! The messages of a conversation, by role.

use std::borrow::Cow;
use std::fmt;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::chat_completions::request_reader::content::{self, Part, PartKind};
use crate::json::{self, Object, Text};
use crate::translate::dropped_param::{self, DropWhen, DroppedParam};

/// One message.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// `system` and `developer`; text parts only.
    System(Vec<Part<'a>>),
    /// `user`
    User(Vec<Part<'a>>),
    /// `assistant`
    Assistant(AssistantMessage<'a>),
    /// `tool`, and the older `function`
    Tool(ToolMessage<'a>),
}

/// A previous response of the model.
#[derive(Debug, Clone, Default)]
pub struct AssistantMessage<'a> {
    /// Text parts only; a refusal is text.
    pub content: Vec<Part<'a>>,
    /// `reasoning_content` with the `reasoning_signature` needed to replay it, see
    /// [`signed_reasoning`](crate::formats::chat_completions::signed_reasoning). Reasoning without a signature is
    /// dropped, because providers who sign do not accept it back.
    pub signed_reasoning: Option<(Text<'a>, Text<'a>)>,
    /// Tool calls.
    pub tool_calls: Vec<ToolCallRequest<'a>>,
}

/// A tool call by the model.
#[derive(Debug, Clone)]
pub struct ToolCallRequest<'a> {
    /// Identifies the call; its result refers to it.
    pub id: Cow<'a, str>,
    /// The function's name.
    pub name: Text<'a>,
    /// JSON text of an object. Empty arguments become `{}`.
    pub arguments: Cow<'a, str>,
    /// Anthropic's `cache_control`.
    pub cache_control: Option<&'a RawValue>,
}

/// The result of a tool call.
#[derive(Debug, Clone)]
pub struct ToolMessage<'a> {
    /// [`ToolCallRequest::id`] of the call.
    pub call_id: Cow<'a, str>,
    /// The result.
    pub content: Vec<Part<'a>>,
    /// Anthropic's `cache_control` for the whole result.
    pub cache_control: Option<&'a RawValue>,
}

/// Fields of messages that are dropped for every target.
pub const DROPPED_MESSAGE_PARAMS: &[DroppedParam] = &[
    DroppedParam {
        name: "name",
        when: DropWhen::Always,
        reason: "tells participants with the same role apart; other protocols have roles only",
    },
    DroppedParam {
        name: "annotations",
        when: DropWhen::Always,
        reason: "comes back when a client echoes an answer; describes its text and changes nothing",
    },
    DroppedParam {
        name: "parsed",
        when: DropWhen::Always,
        reason: "OpenAI's SDK adds it to answers; it repeats the content",
    },
    DroppedParam {
        name: "reasoning",
        when: DropWhen::Always,
        reason: "unsigned reasoning of other providers; no provider takes it back",
    },
    DroppedParam {
        name: "reasoning_details",
        when: DropWhen::Always,
        reason: "unsigned reasoning of other providers; no provider takes it back",
    },
    DroppedParam {
        name: "thinking_blocks",
        when: DropWhen::Always,
        reason: "reasoning as another gateway returns it; ours comes back as `reasoning_signature`",
    },
    DroppedParam {
        name: "provider_specific_fields",
        when: DropWhen::Always,
        reason: "comes back when a client echoes the answer of another gateway",
    },
];

pub(super) fn read_messages(raw: &RawValue) -> Result<Vec<Message<'_>>, RequestError> {
    let messages: Vec<Object<'_>> = json::read(raw, "messages", "an array of objects")?;
    if messages.is_empty() {
        return Err(RequestError::invalid_value(
            "messages",
            "expected at least one message, found none",
        ));
    }
    let mut reader = Reader::default();
    let messages = messages.iter().enumerate();
    messages
        .map(|(index, message)| reader.message(message, format_args!("messages[{index}]")))
        .collect()
}

/// State carried from one message to the next.
#[derive(Default)]
struct Reader {
    /// Calls in the older form, which has no ids.
    function_calls: usize,
}

/// The fields of one message.
struct Fields<'a, 'f> {
    message: &'f Object<'a>,
    path: fmt::Arguments<'f>,
}

impl<'a> Fields<'a, '_> {
    fn content(&self) -> Result<Vec<Part<'a>>, RequestError> {
        let Some(raw) = self.message.get("content") else {
            return Ok(Vec::new());
        };
        let mut parts = content::read_content(raw, format_args!("{}.content", self.path))?;
        if let (Some(last), Some(on_message)) =
            (parts.last_mut(), self.message.get("cache_control"))
        {
            last.cache_control = last.cache_control.or(Some(on_message));
        }
        Ok(parts)
    }

    fn required_content(&self) -> Result<Vec<Part<'a>>, RequestError> {
        if self.message.get("content").is_none() {
            return Err(RequestError::missing(format!("{}.content", self.path)));
        }
        self.content()
    }

    fn text_content(&self) -> Result<Vec<Part<'a>>, RequestError> {
        let parts = self.content()?;
        for (index, part) in parts.iter().enumerate() {
            match part.kind {
                PartKind::Text(_) => {}
                PartKind::Media { .. } => {
                    return Err(RequestError {
                        code: Some("unsupported_value"),
                        ..RequestError::unsupported(
                            format!("{}.content[{index}]", self.path),
                            "messages with this role hold text only",
                        )
                    });
                }
            }
        }
        Ok(parts)
    }

    fn text(&self, name: &str) -> Result<Option<Text<'a>>, RequestError> {
        let raw = self.message.get(name);
        raw.map(|raw| json::text(raw, format_args!("{}.{name}", self.path)))
            .transpose()
    }

    /// Refuses every field that is neither in `known` nor dropped by a table.
    fn only(&self, known: &[&str]) -> Result<(), RequestError> {
        for (name, value) in self.message.fields() {
            if !["role", "content", "cache_control"].contains(&name) && !known.contains(&name) {
                let path = format_args!("{}.{name}", self.path);
                dropped_param::drop_or_refuse(DROPPED_MESSAGE_PARAMS, name, path, value)?;
            }
        }
        Ok(())
    }
}

impl Reader {
    fn message<'a>(
        &mut self,
        message: &Object<'a>,
        path: fmt::Arguments<'_>,
    ) -> Result<Message<'a>, RequestError> {
        let role = message
            .get("role")
            .ok_or_else(|| RequestError::missing(format!("{path}.role")))?;
        let fields = Fields { message, path };
        match json::characters(role, format_args!("{path}.role"))?.as_ref() {
            "system" | "developer" => {
                fields.only(&[])?;
                fields.text_content().map(Message::System)
            }
            "user" => {
                fields.only(&[])?;
                fields.required_content().map(Message::User)
            }
            "assistant" => self.assistant(&fields).map(Message::Assistant),
            "tool" | "function" => self.tool(&fields).map(Message::Tool),
            found => Err(RequestError::invalid_value(
                format!("{path}.role"),
                format_args!(
                    "expected system, developer, user, assistant or tool, found {found:?}"
                ),
            )),
        }
    }

    fn assistant<'a>(
        &mut self,
        fields: &Fields<'a, '_>,
    ) -> Result<AssistantMessage<'a>, RequestError> {
        fields.only(&[
            "refusal",
            "tool_calls",
            "function_call",
            "reasoning_content",
            "reasoning_signature",
        ])?;
        let path = fields.path;
        let mut content = fields.text_content()?;
        content.extend(fields.text("refusal")?.map(|refusal| Part {
            kind: PartKind::Text(refusal),
            cache_control: None,
            cache_breakpoint: None,
        }));
        let reasoning = fields.text("reasoning_content")?;
        let signature = fields.text("reasoning_signature")?;
        let mut tool_calls = match fields.message.get("tool_calls") {
            None => Vec::new(),
            Some(raw) => {
                let path = format_args!("{path}.tool_calls");
                let calls: Vec<Object<'_>> = json::read(raw, path, "an array of objects")?;
                let calls = calls.iter().enumerate();
                calls
                    .map(|(index, call)| tool_call(call, format_args!("{path}[{index}]")))
                    .collect::<Result<_, _>>()?
            }
        };
        if let Some(raw) = fields.message.get("function_call") {
            let path = format_args!("{path}.function_call");
            self.function_calls = self.function_calls.saturating_add(1);
            let id = Cow::Owned(self.function_call_id());
            let call = json::read(raw, path, "an object")?;
            tool_calls.push(function(&call, id, None, path)?);
        }
        Ok(AssistantMessage {
            content,
            signed_reasoning: signature
                .map(|signature| (reasoning.unwrap_or_default(), signature))
                .filter(|(_, signature)| !signature.is_empty()),
            tool_calls,
        })
    }

    fn tool<'a>(&self, fields: &Fields<'a, '_>) -> Result<ToolMessage<'a>, RequestError> {
        fields.only(&["tool_call_id"])?;
        let path = fields.path;
        let call_id = match fields.message.get("tool_call_id") {
            Some(raw) => json::characters(raw, format_args!("{path}.tool_call_id"))?,
            // The older form refers to the preceding call.
            None if self.function_calls > 0 => Cow::Owned(self.function_call_id()),
            None => return Err(RequestError::missing(format!("{path}.tool_call_id"))),
        };
        let mut content = fields.content()?;
        // A mark on any part applies to the whole result: parts inside a result cannot carry one.
        let on_part = content.iter().rev().find_map(|part| part.cache_control);
        for part in &mut content {
            part.cache_control = None;
        }
        Ok(ToolMessage {
            call_id,
            content,
            cache_control: fields.message.get("cache_control").or(on_part),
        })
    }

    fn function_call_id(&self) -> String {
        format!("function_call_{}", self.function_calls)
    }
}

fn tool_call<'a>(
    call: &Object<'a>,
    path: fmt::Arguments<'_>,
) -> Result<ToolCallRequest<'a>, RequestError> {
    let id = call
        .get("id")
        .ok_or_else(|| RequestError::missing(format!("{path}.id")))?;
    let id = json::characters(id, format_args!("{path}.id"))?;
    if let Some(kind) = call.get("type") {
        let kind = json::characters(kind, format_args!("{path}.type"))?;
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
    }
    let raw = call
        .get("function")
        .ok_or_else(|| RequestError::missing(format!("{path}.function")))?;
    let path = format_args!("{path}.function");
    let object = json::read(raw, path, "an object")?;
    function(&object, id, call.get("cache_control"), path)
}

fn function<'a>(
    function: &Object<'a>,
    id: Cow<'a, str>,
    cache_control: Option<&'a RawValue>,
    path: fmt::Arguments<'_>,
) -> Result<ToolCallRequest<'a>, RequestError> {
    let name = function
        .get("name")
        .ok_or_else(|| RequestError::missing(format!("{path}.name")))?;
    Ok(ToolCallRequest {
        id,
        name: json::text(name, format_args!("{path}.name"))?,
        arguments: match function.get("arguments") {
            Some(raw) => arguments(raw, format_args!("{path}.arguments"))?,
            None => Cow::Borrowed("{}"),
        },
        cache_control,
    })
}

/// A call without arguments has the empty string, which is not JSON: it becomes `{}`.
fn arguments<'a>(
    raw: &'a RawValue,
    path: fmt::Arguments<'_>,
) -> Result<Cow<'a, str>, RequestError> {
    if raw.get().starts_with('{') {
        return Ok(Cow::Borrowed(raw.get()));
    }
    let text = json::characters(raw, path)?;
    if text.trim().is_empty() {
        return Ok(Cow::Borrowed("{}"));
    }
    let is_object = |text: &str| {
        text.trim_start().starts_with('{') && json::parse_text::<IgnoredAny>(text).is_ok()
    };
    if is_object(&text) {
        return Ok(text);
    }
    // Some clients encode them twice.
    match json::parse_text::<String>(&text) {
        Ok(inner) if is_object(&inner) => Ok(Cow::Owned(inner)),
        Ok(_) | Err(_) => Err(RequestError::invalid_value(
            path.to_string(),
            "expected a JSON object as text",
        )),
    }
}
