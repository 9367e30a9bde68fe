//! The messages of a conversation.

use std::fmt;

use crate::error::RequestError;
use crate::formats::bedrock_converse::{
    Block, CachePoint, Conversation, DocumentSource, Role, ToolNames, ToolResult, document_format,
    image_format, tool_use_id,
};
use crate::formats::chat_completions::request_reader::{Media, Message, Part, PartKind};
use crate::formats::chat_completions::signed_reasoning::{SignedBlock, signed_blocks};
use crate::json::Text;

/// Converts messages to a system prompt and turns.
///
/// # Errors
/// A part is unknown to Converse, or there is no content at all.
pub(super) fn translate<'a>(
    messages: Vec<Message<'a>>,
    names: &mut ToolNames,
) -> Result<Conversation<'a>, RequestError> {
    let mut conversation = Conversation::default();
    for (index, message) in messages.into_iter().enumerate() {
        let path = format_args!("messages[{index}].content");
        match message {
            Message::System(parts) => {
                for part in parts {
                    if let PartKind::Text(text) = part.kind {
                        conversation.add_system(text, cache_point(&part));
                    }
                }
            }
            Message::User(parts) => {
                add_parts(&mut conversation, Role::User, parts, path)?;
            }
            Message::Assistant(message) => {
                let reasoning = message.signed_reasoning;
                let mut signed = reasoning
                    .map(|(text, signature)| signed_blocks(text, signature))
                    .unwrap_or_default()
                    .into_iter()
                    .peekable();
                // Each block of reasoning in its place: see the module of `signed_blocks`.
                let mut add_signed = |conversation: &mut Conversation<'a>, until: usize| {
                    while let Some((_, block)) = signed.next_if(|(place, _)| *place <= until) {
                        let block = match block {
                            SignedBlock::Thinking {
                                thinking: text,
                                signature,
                            } => Block::Reasoning { text, signature },
                            SignedBlock::Redacted(data) => Block::Redacted(data),
                        };
                        conversation.add(Role::Assistant, block, None);
                    }
                };
                add_signed(&mut conversation, 0);
                add_parts(&mut conversation, Role::Assistant, message.content, path)?;
                for (index, call) in message.tool_calls.into_iter().enumerate() {
                    add_signed(&mut conversation, index.saturating_add(1));
                    let block = Block::ToolUse {
                        id: tool_use_id(call.id),
                        name: names.wire_name(call.name),
                        input: call.arguments,
                    };
                    let cache = call.cache_control.map(CachePoint::read);
                    conversation.add(Role::Assistant, block, cache);
                }
                add_signed(&mut conversation, usize::MAX);
            }
            Message::Tool(message) => {
                let marked = message.content.iter().rev().find_map(cache_point);
                let cache = message.cache_control.map(CachePoint::read).or(marked);
                let parts = message.content.into_iter().enumerate();
                let content =
                    parts.map(|(index, part)| block(part.kind, format_args!("{path}[{index}]")));
                let result = ToolResult {
                    call_id: tool_use_id(message.call_id),
                    content: content.collect::<Result<_, _>>()?,
                    is_error: false,
                };
                conversation.add_result(result, cache);
            }
        }
    }
    conversation.trim_last_assistant_turn();
    if conversation.is_empty() {
        conversation.use_system_as_user_turn();
    }
    if conversation.is_empty() {
        return Err(RequestError::invalid_value(
            "messages",
            "expected at least one message that says something, found only empty ones",
        ));
    }
    Ok(conversation)
}

fn add_parts<'a>(
    conversation: &mut Conversation<'a>,
    role: Role,
    parts: Vec<Part<'a>>,
    path: fmt::Arguments<'_>,
) -> Result<(), RequestError> {
    for (index, part) in parts.into_iter().enumerate() {
        let cache = cache_point(&part);
        let block = block(part.kind, format_args!("{path}[{index}]"))?;
        conversation.add(role, block, cache);
    }
    Ok(())
}

/// Anthropic's mark or OpenAI's own.
fn cache_point(part: &Part<'_>) -> Option<CachePoint> {
    let mark = part.cache_control.or(part.cache_breakpoint);
    mark.map(CachePoint::read)
}

fn block<'a>(kind: PartKind<'a>, path: fmt::Arguments<'_>) -> Result<Block<'a>, RequestError> {
    match kind {
        PartKind::Text(text) => Ok(Block::Text(text)),
        PartKind::Media { media, name } => media_block(media, name, path),
    }
}

fn media_block<'a>(
    media: Media<'a>,
    name: Option<Text<'a>>,
    path: fmt::Arguments<'_>,
) -> Result<Block<'a>, RequestError> {
    let (media_type, bytes) = match media {
        Media::Inline { media_type, base64 } => (media_type, base64),
        Media::Url(_) => {
            return Err(RequestError {
                code: Some("unsupported_value"),
                ..RequestError::unsupported(
                    path.to_string(),
                    "the target of this request fetches no URLs; send the image or file as a data URL",
                )
            });
        }
    };
    if let Some(format) = image_format(&media_type) {
        return Ok(Block::Image { format, bytes });
    }
    let Some(format) = document_format(&media_type) else {
        return Err(RequestError {
            code: Some("unsupported_value"),
            ..RequestError::unsupported(
                path.to_string(),
                format_args!(
                    "the target of this request takes images (png, jpeg, gif, webp) and documents (pdf, csv, doc, docx, xls, xlsx, html, txt, md), found {media_type:?}"
                ),
            )
        });
    };
    Ok(Block::Document {
        format: Some(format),
        name,
        source: DocumentSource::Bytes(bytes),
        context: None,
        citations: false,
    })
}
