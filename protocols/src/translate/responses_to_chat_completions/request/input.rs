//! Converts input items to messages.
//!
//! What the model said, called and reasoned between two turns is several items here and one message there. The results
//! of its calls follow as one message each; images and files from a call go to a user message after them, with a line
//! that names their call, because tool messages hold text only.

use std::fmt;

use serde_json::value::RawValue;

use super::Target;
use super::parts::{read_parts, read_text, unsupported};
use crate::error::RequestError;
use crate::format::UpstreamFormat;
use crate::formats::chat_completions::{
    OutgoingCall, OutgoingMessage, OutgoingPart, OutgoingReasoning, signed_reasoning,
};
use crate::formats::responses::client_tools::{self, ToolKind};
use crate::formats::responses::signature;
use crate::json::{self, Object, Text};

/// Items of tools that run at OpenAI.
const SERVER_WORK: &[&str] = &[
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "mcp_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "image_generation_call",
];

/// Appends the messages of `input`: a string or an array of items.
pub(super) fn read_input<'a>(
    target: Target<'a>,
    raw: &'a RawValue,
    messages: &mut Vec<OutgoingMessage<'a>>,
) -> Result<(), RequestError> {
    if let Some(text) = Text::of(raw) {
        messages.push(OutgoingMessage::User(vec![OutgoingPart::Text(vec![text])]));
        return Ok(());
    }
    let items: Vec<Object<'_>> = json::read(raw, "input", "a string or an array of items")?;
    if items.is_empty() {
        return Err(RequestError::invalid_value(
            "input",
            "expected at least one item, found none",
        ));
    }
    let mut conversation = Conversation {
        target,
        messages,
        assistant: None,
        from_tools: Vec::new(),
    };
    for (index, item) in items.iter().enumerate() {
        conversation.item(item, format_args!("input[{index}]"))?;
    }
    conversation.end_assistant();
    conversation.end_tools();
    Ok(())
}

/// The lists of tools that searches of the client have brought.
pub(super) fn found_tools(raw: &RawValue) -> Vec<&RawValue> {
    if !raw.get().contains("tool_search_output") {
        return Vec::new();
    }
    let items: Vec<Object<'_>> = json::parse_text(raw.get()).unwrap_or_default();
    let found = items.iter().filter(|item| {
        let kind = item.get("type").and_then(Text::of).and_then(Text::decode);
        kind.as_deref() == Some("tool_search_output")
    });
    found.filter_map(|item| item.get("tools")).collect()
}

/// The messages so far, and what the next items may still extend.
struct Conversation<'a, 'm> {
    target: Target<'a>,
    messages: &'m mut Vec<OutgoingMessage<'a>>,
    assistant: Option<Assistant<'a>>,
    /// Images and files returned by calls.
    from_tools: Vec<OutgoingPart<'a>>,
}

/// An assistant message that may still grow.
#[derive(Default)]
struct Assistant<'a> {
    text: Vec<Text<'a>>,
    reasoning: Vec<Text<'a>>,
    /// Of Anthropic or Bedrock, where the target is one of them.
    signature: Vec<Text<'a>>,
    /// Of the call that comes next.
    thought_signature: Option<Text<'a>>,
    calls: Vec<OutgoingCall<'a>>,
}

impl<'a> Conversation<'a, '_> {
    fn item(&mut self, item: &Object<'a>, path: fmt::Arguments<'_>) -> Result<(), RequestError> {
        let kind = match item.get("type") {
            Some(raw) => json::characters(raw, format_args!("{path}.type"))?,
            None => "message".into(),
        };
        match kind.as_ref() {
            "message" => self.message(item, path),
            "reasoning" => self.reasoning(item, path),
            kind if SERVER_WORK.contains(&kind) => Ok(()),
            "item_reference" => Err(unsupported(
                path,
                "the item is stored with OpenAI, the target of this request cannot read it; send the item itself",
            )),
            kind if kind.ends_with("_call_output") => self.call_output(item, path),
            "tool_search_output" => self.found_tools(item, path),
            kind if let Some(kind) = ToolKind::of_call(kind) => self.call(kind, item, path),
            found => Err(unsupported(
                format_args!("{path}.type"),
                format_args!("the target of this request has no counterpart for {found}"),
            )),
        }
    }

    fn message(&mut self, item: &Object<'a>, path: fmt::Arguments<'_>) -> Result<(), RequestError> {
        let role = required(item, path, "role")?;
        let content = required(item, path, "content")?;
        let in_content = format_args!("{path}.content");
        match json::characters(role, format_args!("{path}.role"))?.as_ref() {
            "user" => {
                self.end_assistant();
                let mut parts = std::mem::take(&mut self.from_tools);
                parts.append(&mut read_parts(self.target, content, in_content)?);
                self.messages.push(OutgoingMessage::User(parts));
            }
            "system" | "developer" => {
                self.end_assistant();
                self.end_tools();
                let lines = read_text(self.target, content, in_content)?;
                self.messages.push(OutgoingMessage::System(lines));
            }
            "assistant" => {
                let lines = read_text(self.target, content, in_content)?;
                self.assistant().text.extend(lines.into_iter().flatten());
            }
            found => {
                return Err(RequestError::invalid_value(
                    format!("{path}.role"),
                    format_args!("expected user, assistant, system or developer, found {found:?}"),
                ));
            }
        }
        Ok(())
    }

    /// A call of any kind of tool; the functions that stand for them are in [`ToolKind`].
    fn call(
        &mut self,
        kind: ToolKind,
        item: &Object<'a>,
        path: fmt::Arguments<'_>,
    ) -> Result<(), RequestError> {
        let text =
            |name: &str| json::text(required(item, path, name)?, format_args!("{path}.{name}"));
        let name = match kind.function_name() {
            "" => text("name")?,
            name => Text::Plain(name),
        };
        let namespace = item.get("namespace").and_then(Text::of);
        let given = required(item, path, kind.call_field())?;
        let arguments = match (kind, Text::of(given)) {
            (ToolKind::Custom, Some(input)) => client_tools::custom_arguments(input).to_vec(),
            (_, Some(arguments)) if arguments.is_blank() => vec![Text::Plain("{}")],
            (_, Some(arguments)) => vec![arguments],
            (_, None) => vec![Text::Plain(given.get())],
        };
        let id = call_id(item, path)?;
        let assistant = self.assistant();
        let call = OutgoingCall {
            id,
            name: client_tools::name_in_namespace(namespace, name),
            arguments,
            thought_signature: assistant.thought_signature.take(),
        };
        assistant.calls.push(call);
        Ok(())
    }

    fn call_output(
        &mut self,
        item: &Object<'a>,
        path: fmt::Arguments<'_>,
    ) -> Result<(), RequestError> {
        self.end_assistant();
        let call_id = call_id(item, path)?;
        let mut content = Vec::new();
        let mut media = Vec::new();
        let output = item.get("output");
        let path = format_args!("{path}.output");
        let parts = match output {
            Some(output) if says_parts(output) => read_parts(self.target, output, path)?,
            // What commands printed and how they ended.
            Some(output) => vec![OutgoingPart::Text(vec![Text::Plain(output.get())])],
            None => Vec::new(),
        };
        for part in parts {
            match part {
                OutgoingPart::Text(line) => content.push(line),
                OutgoingPart::Image { .. } | OutgoingPart::File { .. } => media.push(part),
            }
        }
        if !media.is_empty() {
            self.from_tools.push(OutgoingPart::Text(vec![
                Text::Plain("Result of tool call "),
                call_id,
                Text::Plain(":"),
            ]));
            self.from_tools.append(&mut media);
        }
        self.messages
            .push(OutgoingMessage::Tool { call_id, content });
        Ok(())
    }

    /// The tools themselves are offered with the others; the model is told that they are there.
    fn found_tools(
        &mut self,
        item: &Object<'a>,
        path: fmt::Arguments<'_>,
    ) -> Result<(), RequestError> {
        // OpenAI's own search has no call of the client.
        if item.get("call_id").is_none() {
            return Ok(());
        }
        self.end_assistant();
        let call_id = call_id(item, path)?;
        let tools = item.get("tools").map_or("[]", RawValue::get);
        let content = vec![vec![Text::Plain(tools)]];
        self.messages
            .push(OutgoingMessage::Tool { call_id, content });
        Ok(())
    }

    /// Reasoning goes back where the target demands it; signed reasoning to those who sign, see [`signature`]. Blocks of
    /// one message are joined, as are their signatures: see [`signed_reasoning`].
    fn reasoning(
        &mut self,
        item: &Object<'a>,
        path: fmt::Arguments<'_>,
    ) -> Result<(), RequestError> {
        let signature = match item.get("encrypted_content") {
            Some(raw) => {
                let encrypted = json::text(raw, format_args!("{path}.encrypted_content"))?;
                signature::signature(encrypted)
            }
            None => None,
        };
        let thought = signature.and_then(signed_reasoning::thought);
        if let Some(thought) = thought {
            self.assistant().thought_signature = Some(thought);
        }
        let mut texts = Vec::new();
        for name in ["summary", "content"] {
            if let Some(raw) = item.get(name) {
                let path = format_args!("{path}.{name}");
                let parts: Vec<Object<'_>> = json::read(raw, path, "an array of objects")?;
                let parts = parts.iter().filter_map(|part| part.get("text"));
                texts.extend(parts.filter_map(Text::of));
            }
            // Both say the same.
            if !texts.is_empty() {
                break;
            }
        }
        let takes_unsigned = self.target.format == UpstreamFormat::OpenAi;
        let assistant = self.assistant();
        match signature.filter(|signature| !signed_reasoning::is_own(*signature)) {
            _ if takes_unsigned => assistant.reasoning.append(&mut texts),
            Some(signature) if assistant.signature.is_empty() || continues(signature) => {
                assistant.signature.push(signature);
                assistant.reasoning.append(&mut texts);
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    /// The open assistant message.
    fn assistant(&mut self) -> &mut Assistant<'a> {
        if self.assistant.is_none() {
            self.end_tools();
        }
        self.assistant.get_or_insert_with(Assistant::default)
    }

    fn end_assistant(&mut self) {
        let Some(mut said) = self.assistant.take() else {
            return;
        };
        // Reasoning alone leaves nothing to send.
        if said.text.is_empty() && said.calls.is_empty() {
            return;
        }
        let reasoning = match self.target.format {
            UpstreamFormat::OpenAi => OutgoingReasoning::for_dialect(
                self.target.dialect,
                said.reasoning,
                None,
                &mut said.calls,
            ),
            UpstreamFormat::Anthropic | UpstreamFormat::Bedrock => OutgoingReasoning {
                text: said.reasoning,
                signature: said.signature,
                ..OutgoingReasoning::default()
            },
        };
        self.messages.push(OutgoingMessage::Assistant {
            text: said.text,
            reasoning,
            calls: said.calls,
        });
    }

    /// Adds a user message with what calls returned.
    fn end_tools(&mut self) {
        if !self.from_tools.is_empty() {
            let parts = std::mem::take(&mut self.from_tools);
            self.messages.push(OutgoingMessage::User(parts));
        }
    }
}

/// A signature that goes on where another one of the same message ended.
fn continues(signature: Text<'_>) -> bool {
    let (Text::Plain(inside) | Text::Escaped(inside)) = signature;
    inside.starts_with('|')
}

/// Older items of `local_shell` have no `call_id`: their `id` names the call.
fn call_id<'a>(item: &Object<'a>, path: fmt::Arguments<'_>) -> Result<Text<'a>, RequestError> {
    match item.get("call_id").or_else(|| item.get("id")) {
        Some(raw) => json::text(raw, format_args!("{path}.call_id")),
        None => Err(RequestError::missing(format!("{path}.call_id"))),
    }
}

/// A string, or parts of which each has a type.
fn says_parts(output: &RawValue) -> bool {
    let parts = || json::parse_text::<Vec<Object<'_>>>(output.get());
    Text::of(output).is_some()
        || parts().is_ok_and(|parts| parts.iter().all(|part| part.get("type").is_some()))
}

fn required<'a>(
    item: &Object<'a>,
    path: fmt::Arguments<'_>,
    name: &str,
) -> Result<&'a RawValue, RequestError> {
    item.get(name)
        .ok_or_else(|| RequestError::missing(format!("{path}.{name}")))
}
