//! Turns as messages.
//!
//! A user turn may hold results of tools, text and images in one; Chat Completions wants a message for each result, right
//! after the calls, and then the rest as one user message. Tool messages hold text only: images and documents that a tool
//! gave go to the user message, with a line that says which call they came from.

use std::fmt;

use super::media::{Part, push_text};
use crate::anthropic::messages_request::{Block, Role, TextBlock, ToolResult, ToolUse, Turn};
use crate::error::RequestError;
use crate::format::UpstreamFormat;
use crate::json::{Object, Text, Writer};

/// The messages, in order.
pub(super) struct Conversation<'a>(Vec<Message<'a>>);

enum Message<'a> {
    System(Vec<Text<'a>>),
    User(Vec<Part<'a>>),
    Assistant {
        text: Vec<Text<'a>>,
        calls: Vec<ToolUse<'a>>,
    },
    Tool {
        call_id: Text<'a>,
        content: Vec<Part<'a>>,
    },
}

impl<'a> Conversation<'a> {
    /// # Errors
    /// A block cannot be said in Chat Completions, or not to this upstream.
    pub(super) fn build(
        upstream: UpstreamFormat,
        system: Vec<TextBlock<'a>>,
        turns: Vec<Turn<'a>>,
    ) -> Result<Self, RequestError> {
        let mut messages = Vec::with_capacity(turns.len().saturating_add(1));
        let system = texts(system.into_iter().map(|block| block.text));
        if !system.is_empty() {
            messages.push(Message::System(system));
        }
        for (index, turn) in turns.into_iter().enumerate() {
            let path = format_args!("messages[{index}].content");
            match turn.role {
                Role::User => user_turn(upstream, turn.content, path, &mut messages)?,
                Role::Assistant => assistant_turn(turn.content, path, &mut messages)?,
                Role::System => messages.push(system_turn(turn.content, path)?),
            }
        }
        Ok(Self(messages))
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.field("messages").array(|w| {
            for message in &self.0 {
                w.object(|w| message.write(w));
            }
        });
    }
}

fn user_turn<'a>(
    upstream: UpstreamFormat,
    content: Vec<Block<'a>>,
    path: fmt::Arguments<'_>,
    messages: &mut Vec<Message<'a>>,
) -> Result<(), RequestError> {
    let mut parts = Vec::new();
    let mut from_tools = Vec::new();
    let mut has_results = false;
    for (index, block) in content.into_iter().enumerate() {
        let path = format_args!("{path}[{index}]");
        if let Block::ToolResult(result) = block {
            has_results = true;
            messages.push(tool_message(upstream, result, path, &mut from_tools)?);
        } else {
            user_part(upstream, block, path, &mut parts)?;
        }
    }
    from_tools.append(&mut parts);
    if !from_tools.is_empty() || !has_results {
        messages.push(Message::User(from_tools));
    }
    Ok(())
}

fn user_part<'a>(
    upstream: UpstreamFormat,
    block: Block<'a>,
    path: fmt::Arguments<'_>,
    parts: &mut Vec<Part<'a>>,
) -> Result<(), RequestError> {
    match block {
        Block::Text(text) => push_text(vec![text.text], parts),
        Block::Image(image) => parts.push(Part::image(upstream, &image, path)?),
        Block::Document(document) => Part::document(upstream, &document, path, parts)?,
        Block::SearchResult {
            source,
            title,
            content,
            ..
        } => parts.push(Part::Text(search_result(source, title, content))),
        Block::Thinking { .. } | Block::RedactedThinking { .. } => {}
        Block::Other { kind, .. } if is_server_work(&kind) => {}
        Block::ToolUse(_) => return Err(misplaced(path, "tool_use", "assistant")),
        Block::ToolResult(_) => return Err(misplaced(path, "tool_result", "user")),
        Block::Other { kind, .. } => return Err(unknown_block(path, &kind)),
    }
    Ok(())
}

/// The message with a tool's text. What else the tool gave goes to `from_tools`.
fn tool_message<'a>(
    upstream: UpstreamFormat,
    result: ToolResult<'a>,
    path: fmt::Arguments<'_>,
    from_tools: &mut Vec<Part<'a>>,
) -> Result<Message<'a>, RequestError> {
    let mut text = Vec::new();
    let mut media = Vec::new();
    for (index, block) in result.content.into_iter().enumerate() {
        let path = format_args!("{path}.content[{index}]");
        let mut parts = Vec::new();
        match block {
            Block::Other { kind, raw } if kind == "tool_reference" => {
                let reference: Object<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
                let name = reference.get("tool_name").and_then(Text::of);
                let name =
                    name.ok_or_else(|| RequestError::missing(format!("{path}.tool_name")))?;
                push_text(vec![name], &mut parts);
            }
            Block::ToolResult(_) => return Err(unknown_block(path, "tool_result")),
            block => user_part(upstream, block, path, &mut parts)?,
        }
        for part in parts {
            match part {
                Part::Text(_) => text.push(part),
                Part::Image(_) | Part::File { .. } => media.push(part),
            }
        }
    }
    if !media.is_empty() {
        from_tools.push(Part::Text(vec![
            Text::Plain("Result of tool call "),
            result.tool_use_id,
            Text::Plain(":"),
        ]));
        from_tools.append(&mut media);
    }
    Ok(Message::Tool {
        call_id: result.tool_use_id,
        content: text,
    })
}

fn assistant_turn<'a>(
    content: Vec<Block<'a>>,
    path: fmt::Arguments<'_>,
    messages: &mut Vec<Message<'a>>,
) -> Result<(), RequestError> {
    let mut text = Vec::new();
    let mut calls = Vec::new();
    for (index, block) in content.into_iter().enumerate() {
        let path = format_args!("{path}[{index}]");
        match block {
            Block::Text(block) if block.text.is_empty() => {}
            Block::Text(block) => text.push(block.text),
            Block::ToolUse(call) => calls.push(call),
            Block::Thinking { .. } | Block::RedactedThinking { .. } => {}
            Block::Other { kind, .. } if is_server_work(&kind) => {}
            Block::Image(_) => return Err(misplaced(path, "image", "user")),
            Block::Document(_) => return Err(misplaced(path, "document", "user")),
            Block::SearchResult { .. } => return Err(misplaced(path, "search_result", "user")),
            Block::ToolResult(_) => return Err(misplaced(path, "tool_result", "user")),
            Block::Other { kind, .. } => return Err(unknown_block(path, &kind)),
        }
    }
    // A turn of thinking alone leaves nothing that could be sent.
    if !text.is_empty() || !calls.is_empty() {
        messages.push(Message::Assistant { text, calls });
    }
    Ok(())
}

fn system_turn<'a>(
    content: Vec<Block<'a>>,
    path: fmt::Arguments<'_>,
) -> Result<Message<'a>, RequestError> {
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
    Ok(Message::System(texts(text)))
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

/// Texts with something in them.
fn texts<'a>(texts: impl IntoIterator<Item = Text<'a>>) -> Vec<Text<'a>> {
    let texts = texts.into_iter();
    texts.filter(|text| !text.is_empty()).collect()
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

impl Message<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::System(text) => {
                w.field("role").string("system");
                write_lines(w.field("content"), text.iter().map(std::slice::from_ref));
            }
            Self::User(parts) => {
                w.field("role").string("user");
                write_parts(w.field("content"), parts);
            }
            Self::Assistant { text, calls } => {
                w.field("role").string("assistant");
                write_assistant_text(w, text);
                if !calls.is_empty() {
                    w.field("tool_calls")
                        .array(|w| calls.iter().for_each(|call| write_call(w, call)));
                }
            }
            Self::Tool { call_id, content } => {
                w.field("role").string("tool");
                w.field("tool_call_id").text(*call_id);
                write_parts(w.field("content"), content);
            }
        }
    }
}

/// Text alone as one string, which every server takes; a part of text is a line of it.
fn write_parts(w: &mut Writer<'_>, parts: &[Part<'_>]) {
    let mut lines = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(pieces) => lines.push(pieces.as_slice()),
            Part::Image(_) | Part::File { .. } => {
                w.array(|w| parts.iter().for_each(|part| part.write(w)));
                return;
            }
        }
    }
    write_lines(w, lines.into_iter());
}

fn write_lines<'l, 't: 'l>(w: &mut Writer<'_>, lines: impl Iterator<Item = &'l [Text<'t>]>) {
    let pieces = lines.enumerate().flat_map(|(index, line)| {
        let separator = (index > 0).then_some(Text::Plain("\n"));
        separator.into_iter().chain(line.iter().copied())
    });
    w.joined(pieces);
}

/// Blocks of the model's own text are cut where it cites, in the middle of a line: they are not lines.
fn write_assistant_text(w: &mut Writer<'_>, text: &[Text<'_>]) {
    match text {
        [] => {}
        [text] => w.field("content").text(*text),
        texts => w.field("content").array(|w| {
            for text in texts {
                w.object(|w| {
                    w.field("type").string("text");
                    w.field("text").text(*text);
                });
            }
        }),
    }
}

fn write_call(w: &mut Writer<'_>, call: &ToolUse<'_>) {
    w.object(|w| {
        w.field("id").text(call.id);
        w.field("type").string("function");
        w.field("function").object(|w| {
            w.field("name").text(call.name);
            w.field("arguments").string(call.input.get());
        });
    });
}
