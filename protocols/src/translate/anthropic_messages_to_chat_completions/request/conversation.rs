//! Converts turns to messages.
//!
//! A user turn may hold tool results, text and images; Chat Completions wants one message per result, right after the
//! calls, and then the rest as one user message. Tool messages hold text only: images and documents from a tool go to
//! the user message, with a line that names their call.

use std::fmt;

use super::media::{self, push_text};
use catalog::Dialect;

use crate::error::RequestError;
use crate::formats::anthropic_messages::request_reader::{
    Block, Role, TextBlock, ToolResult, Turn,
};
use crate::formats::chat_completions::{
    OutgoingCall, OutgoingMessage, OutgoingPart, OutgoingReasoning, signed_reasoning,
};
use crate::json;
use crate::json::{Object, Text, Writer};

/// The messages, in order.
pub(super) struct Conversation<'a>(Vec<OutgoingMessage<'a>>);

impl<'a> Conversation<'a> {
    /// # Errors
    /// A block cannot be expressed in Chat Completions, or not for this upstream.
    pub(super) fn build(
        dialect: &Dialect,
        system: Vec<TextBlock<'a>>,
        turns: Vec<Turn<'a>>,
    ) -> Result<Self, RequestError> {
        let mut messages = Vec::with_capacity(turns.len().saturating_add(1));
        let system = texts(system.into_iter().map(|block| block.text));
        if !system.is_empty() {
            messages.push(OutgoingMessage::System(system));
        }
        for (index, turn) in turns.into_iter().enumerate() {
            let path = format_args!("messages[{index}].content");
            match turn.role {
                Role::User => user_turn(dialect, turn.content, path, &mut messages)?,
                Role::Assistant => assistant_turn(dialect, turn.content, path, &mut messages)?,
                Role::System => messages.push(system_turn(turn.content, path)?),
            }
        }
        Ok(Self(messages))
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.field("messages").array(|w| {
            for message in &self.0 {
                message.write(w);
            }
        });
    }
}

fn user_turn<'a>(
    dialect: &Dialect,
    content: Vec<Block<'a>>,
    path: fmt::Arguments<'_>,
    messages: &mut Vec<OutgoingMessage<'a>>,
) -> Result<(), RequestError> {
    let mut parts = Vec::new();
    let mut from_tools = Vec::new();
    let mut has_results = false;
    for (index, block) in content.into_iter().enumerate() {
        let path = format_args!("{path}[{index}]");
        if let Block::ToolResult(result) = block {
            has_results = true;
            messages.push(tool_message(dialect, result, path, &mut from_tools)?);
        } else {
            user_part(dialect, block, path, &mut parts)?;
        }
    }
    from_tools.append(&mut parts);
    if !from_tools.is_empty() || !has_results {
        messages.push(OutgoingMessage::User(from_tools));
    }
    Ok(())
}

fn user_part<'a>(
    dialect: &Dialect,
    block: Block<'a>,
    path: fmt::Arguments<'_>,
    parts: &mut Vec<OutgoingPart<'a>>,
) -> Result<(), RequestError> {
    match block {
        Block::Text(text) => push_text(vec![text.text], parts),
        Block::Image(image) => parts.push(media::image(dialect, &image, path)?),
        Block::Document(document) => media::document(dialect, &document, path, parts)?,
        Block::SearchResult {
            source,
            title,
            content,
            ..
        } => parts.push(OutgoingPart::Text(search_result(source, title, content))),
        Block::Thinking { .. } | Block::RedactedThinking { .. } => {}
        Block::Other { kind, .. } if is_server_work(&kind) => {}
        Block::ToolUse(_) => return Err(misplaced(path, "tool_use", "assistant")),
        Block::ToolResult(_) => return Err(misplaced(path, "tool_result", "user")),
        Block::Other { kind, .. } => return Err(unknown_block(path, &kind)),
    }
    Ok(())
}

/// A tool message with the tool's text. Other content goes to `from_tools`.
fn tool_message<'a>(
    dialect: &Dialect,
    result: ToolResult<'a>,
    path: fmt::Arguments<'_>,
    from_tools: &mut Vec<OutgoingPart<'a>>,
) -> Result<OutgoingMessage<'a>, RequestError> {
    let mut text = Vec::new();
    let mut media = Vec::new();
    for (index, block) in result.content.into_iter().enumerate() {
        let path = format_args!("{path}.content[{index}]");
        let mut parts = Vec::new();
        match block {
            Block::Other { kind, raw } if kind == "tool_reference" => {
                let reference: Object<'_> = json::parse_text(raw.get()).unwrap_or_default();
                let name = reference.get("tool_name").and_then(Text::of);
                let name =
                    name.ok_or_else(|| RequestError::missing(format!("{path}.tool_name")))?;
                push_text(vec![name], &mut parts);
            }
            Block::ToolResult(_) => return Err(unknown_block(path, "tool_result")),
            block => user_part(dialect, block, path, &mut parts)?,
        }
        for part in parts {
            match part {
                OutgoingPart::Text(line) => text.push(line),
                OutgoingPart::Image { .. } | OutgoingPart::File { .. } => media.push(part),
            }
        }
    }
    if !media.is_empty() {
        from_tools.push(OutgoingPart::Text(vec![
            Text::Plain("Result of tool call "),
            result.tool_use_id,
            Text::Plain(":"),
        ]));
        from_tools.append(&mut media);
    }
    Ok(OutgoingMessage::Tool {
        call_id: result.tool_use_id,
        content: text,
    })
}

fn assistant_turn<'a>(
    dialect: &Dialect,
    content: Vec<Block<'a>>,
    path: fmt::Arguments<'_>,
    messages: &mut Vec<OutgoingMessage<'a>>,
) -> Result<(), RequestError> {
    let mut text = Vec::new();
    let mut calls = Vec::new();
    let mut thinking = Vec::new();
    let mut signature = None;
    let mut thought_signature = None;
    for (index, block) in content.into_iter().enumerate() {
        let path = format_args!("{path}[{index}]");
        match block {
            Block::Text(block) if block.text.is_empty() => {}
            Block::Text(block) => text.push(block.text),
            Block::ToolUse(call) => calls.push(OutgoingCall {
                id: call.id,
                name: vec![call.name],
                arguments: vec![Text::Plain(call.input.get())],
                thought_signature: thought_signature.take(),
            }),
            Block::Thinking {
                thinking: more,
                signature: signed,
            } => {
                thinking.extend(Some(more).filter(|text| !text.is_empty()));
                let signed = signed.filter(|signature| signed_reasoning::is_own(*signature));
                match signed.and_then(signed_reasoning::thought) {
                    Some(thought) => thought_signature = Some(thought),
                    None => signature = signed.or(signature),
                }
            }
            Block::RedactedThinking { .. } => {}
            Block::Other { kind, .. } if is_server_work(&kind) => {}
            Block::Image(_) => return Err(misplaced(path, "image", "user")),
            Block::Document(_) => return Err(misplaced(path, "document", "user")),
            Block::SearchResult { .. } => return Err(misplaced(path, "search_result", "user")),
            Block::ToolResult(_) => return Err(misplaced(path, "tool_result", "user")),
            Block::Other { kind, .. } => return Err(unknown_block(path, &kind)),
        }
    }
    // Thinking alone leaves nothing to send.
    if !text.is_empty() || !calls.is_empty() {
        let reasoning = OutgoingReasoning::for_dialect(dialect, thinking, signature, &mut calls);
        messages.push(OutgoingMessage::Assistant {
            text,
            reasoning,
            calls,
        });
    }
    Ok(())
}

fn system_turn<'a>(
    content: Vec<Block<'a>>,
    path: fmt::Arguments<'_>,
) -> Result<OutgoingMessage<'a>, RequestError> {
    let mut text = Vec::new();
    for (index, block) in content.into_iter().enumerate() {
        match block {
            Block::Text(block) => text.push(block.text),
            Block::Image(_)
            | Block::Document(_)
            | Block::SearchResult { .. }
            | Block::Thinking { .. }
            | Block::RedactedThinking { .. }
            | Block::ToolUse(_)
            | Block::ToolResult(_)
            | Block::Other { .. } => {
                return Err(RequestError::invalid_value(
                    format!("{path}[{index}].type"),
                    "expected text, because the role is system",
                ));
            }
        }
    }
    Ok(OutgoingMessage::System(texts(text)))
}

fn search_result<'a>(
    source: Text<'a>,
    title: Text<'a>,
    content: Vec<TextBlock<'a>>,
) -> Vec<Text<'a>> {
    let mut pieces = vec![title, Text::Plain("\n"), source];
    for block in content {
        pieces.extend([Text::Plain("\n"), block.text]);
    }
    pieces
}

/// Non-empty texts, each one line.
fn texts<'a>(texts: impl IntoIterator<Item = Text<'a>>) -> Vec<Vec<Text<'a>>> {
    let texts = texts.into_iter().filter(|text| !text.is_empty());
    texts.map(|text| vec![text]).collect()
}

/// Calls of Anthropic's own tools and their results.
fn is_server_work(kind: &str) -> bool {
    ["server_tool_use", "mcp_tool_use"].contains(&kind) || kind.ends_with("_tool_result")
}

fn misplaced(path: fmt::Arguments<'_>, kind: &str, role: &str) -> RequestError {
    RequestError::invalid_value(
        format!("{path}.type"),
        format_args!("{kind} belongs to messages with role {role}"),
    )
}

fn unknown_block(path: fmt::Arguments<'_>, kind: &str) -> RequestError {
    RequestError {
        code: Some("unsupported_value"),
        ..RequestError::unsupported(
            format!("{path}.type"),
            format_args!("the target of this request has no counterpart for {kind}"),
        )
    }
}
