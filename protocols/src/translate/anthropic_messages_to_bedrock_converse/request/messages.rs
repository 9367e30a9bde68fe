//! The system prompt and the messages of a conversation.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::anthropic_messages::request_reader::{
    self, Document, Image, Source, TextBlock, Turn,
};
use crate::formats::bedrock_converse::{
    Block, CachePoint, Conversation, DocumentSource, Role, ToolNames, ToolResult, document_format,
    image_format, tool_use_id,
};
use crate::formats::chat_completions::signed_reasoning;
use crate::json::Text;

/// Converts the system prompt and the messages.
///
/// # Errors
/// A block is unknown to Converse, or there is no content at all.
pub(super) fn translate<'a>(
    system: Vec<TextBlock<'a>>,
    messages: Vec<Turn<'a>>,
    names: &mut ToolNames,
) -> Result<Conversation<'a>, RequestError> {
    let mut conversation = Conversation::default();
    for block in system {
        conversation.add_system(block.text, cache_point(block.cache_control));
    }
    for (index, turn) in messages.into_iter().enumerate() {
        let role = match turn.role {
            request_reader::Role::User => Some(Role::User),
            request_reader::Role::Assistant => Some(Role::Assistant),
            // Few models accept instructions in the middle of the conversation, but all accept them in the system
            // prompt.
            request_reader::Role::System => None,
        };
        for (at, block) in turn.content.into_iter().enumerate() {
            let path = format_args!("messages[{index}].content[{at}]");
            match role {
                Some(role) => add(&mut conversation, role, block, names, path)?,
                None => match block {
                    request_reader::Block::Text(text) => {
                        conversation.add_system(text.text, cache_point(text.cache_control));
                    }
                    _ => return Err(unsupported(path, "instructions hold text only")),
                },
            }
        }
    }
    conversation.trim_last_assistant_turn();
    if conversation.is_empty() {
        return Err(RequestError::invalid_value(
            "messages",
            "expected at least one message that says something, found only empty ones",
        ));
    }
    Ok(conversation)
}

/// Adds one block by `role`.
fn add<'a>(
    conversation: &mut Conversation<'a>,
    role: Role,
    block: request_reader::Block<'a>,
    names: &mut ToolNames,
    path: fmt::Arguments<'_>,
) -> Result<(), RequestError> {
    use request_reader::Block as Given;

    let (block, cache) = match block {
        Given::ToolResult(result) => {
            let mut cache = result.cache_control;
            let mut content = Vec::with_capacity(result.content.len());
            for (index, block) in result.content.into_iter().enumerate() {
                let path = format_args!("{path}.content[{index}]");
                let Some((block, mark)) = simple_block(block, path)? else {
                    return Err(unsupported(path, "no such block inside a result"));
                };
                // Converse has no cache points inside a result.
                cache = cache.or(mark);
                content.push(block);
            }
            let result = ToolResult {
                call_id: tool_use_id(characters(result.tool_use_id)),
                content,
                is_error: result.is_error,
            };
            conversation.add_result(result, cache_point(cache));
            return Ok(());
        }
        Given::ToolUse(call) => {
            let block = Block::ToolUse {
                id: tool_use_id(characters(call.id)),
                name: names.wire_name(call.name),
                input: Cow::Borrowed(call.input.get()),
            };
            (block, call.cache_control)
        }
        Given::Thinking {
            thinking,
            signature: Some(signature),
        } if !signed_reasoning::is_own(signature) => {
            let block = Block::Reasoning {
                text: thinking,
                signature,
            };
            (block, None)
        }
        Given::RedactedThinking { data } if is_base64(data) => (Block::Redacted(data), None),
        Given::Thinking { .. } | Given::RedactedThinking { .. } => return Ok(()),
        Given::Other { kind, .. } if is_of_servers_tool(&kind) => return Ok(()),
        other => match simple_block(other, path)? {
            Some(block) => block,
            None => return Err(unsupported(path, "no such block in Converse")),
        },
    };
    conversation.add(role, block, cache_point(cache));
    Ok(())
}

/// Calls of tools that Anthropic's servers ran, and their results.
fn is_of_servers_tool(kind: &str) -> bool {
    ["server_tool_use", "mcp_tool_use"].contains(&kind) || kind.ends_with("_tool_result")
}

/// A block that may be in a message or in a result, with its cache point. `None` for other kinds.
fn simple_block<'a>(
    block: request_reader::Block<'a>,
    path: fmt::Arguments<'_>,
) -> Result<Option<(Block<'a>, Option<&'a RawValue>)>, RequestError> {
    use request_reader::Block as Given;

    Ok(Some(match block {
        Given::Text(text) => (Block::Text(text.text), text.cache_control),
        Given::Image(image) => {
            let mark = image.cache_control;
            (image_block(image, path)?, mark)
        }
        Given::Document(document) => {
            let mark = document.cache_control;
            (document_block(document, path)?, mark)
        }
        Given::SearchResult {
            source,
            title,
            content,
            cache_control,
        } => {
            let block = Block::SearchResult {
                source,
                title,
                texts: content.into_iter().map(|text| text.text).collect(),
                citations: false,
            };
            (block, cache_control)
        }
        Given::Thinking { .. }
        | Given::RedactedThinking { .. }
        | Given::ToolUse(_)
        | Given::ToolResult(_)
        | Given::Other { .. } => return Ok(None),
    }))
}

fn image_block<'a>(image: Image<'a>, path: fmt::Arguments<'_>) -> Result<Block<'a>, RequestError> {
    let path = format_args!("{path}.source");
    match image.source {
        Source::Base64 { media_type, data } => match image_format(&media_type) {
            Some(format) => Ok(Block::Image {
                format,
                bytes: data,
            }),
            None => Err(unsupported(
                path,
                format_args!(
                    "the target of this request takes png, jpeg, gif and webp images, found {media_type:?}"
                ),
            )),
        },
        Source::Url(_) => Err(remote(path)),
        Source::File(_) => Err(stored(path)),
        Source::Text(_) | Source::Content(_) => {
            Err(unsupported(path, "an image is base64, found text"))
        }
    }
}

fn document_block<'a>(
    document: Document<'a>,
    path: fmt::Arguments<'_>,
) -> Result<Block<'a>, RequestError> {
    let path = format_args!("{path}.source");
    let (format, source) = match document.source {
        Source::Base64 { media_type, data } => match document_format(&media_type) {
            Some(format) => (Some(format), DocumentSource::Bytes(data)),
            None => {
                return Err(unsupported(
                    path,
                    format_args!("the target of this request does not take {media_type:?}"),
                ));
            }
        },
        Source::Text(text) => (Some("txt"), DocumentSource::Text(text)),
        Source::Content(blocks) => {
            let pieces = blocks.into_iter().map(|block| match block {
                request_reader::Block::Text(text) => Ok(text.text),
                _ => Err(unsupported(path, "a document in pieces holds text only")),
            });
            (
                None,
                DocumentSource::Pieces(pieces.collect::<Result<_, _>>()?),
            )
        }
        Source::Url(_) => return Err(remote(path)),
        Source::File(_) => return Err(stored(path)),
    };
    Ok(Block::Document {
        format,
        name: document.title,
        source,
        context: document.context,
        citations: document.citations,
    })
}

fn cache_point(cache_control: Option<&RawValue>) -> Option<CachePoint> {
    cache_control.map(CachePoint::read)
}

fn characters(text: Text<'_>) -> Cow<'_, str> {
    text.decode().unwrap_or_default()
}

/// Converse carries redacted reasoning as bytes.
fn is_base64(text: Text<'_>) -> bool {
    let text = characters(text);
    let digits = text.trim_end_matches('=');
    let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'+' || c == b'/';
    !digits.is_empty()
        && text.len().is_multiple_of(4)
        && text.len().saturating_sub(digits.len()) <= 2
        && digits.bytes().all(fits)
}

fn unsupported(path: fmt::Arguments<'_>, why: impl fmt::Display) -> RequestError {
    RequestError {
        code: Some("unsupported_value"),
        ..RequestError::unsupported(path.to_string(), why)
    }
}

fn remote(path: fmt::Arguments<'_>) -> RequestError {
    unsupported(
        path,
        "the target of this request fetches no URLs; send the data in base64",
    )
}

fn stored(path: fmt::Arguments<'_>) -> RequestError {
    unsupported(
        path,
        "the file is stored with Anthropic, the target of this request cannot read it; send the data in base64",
    )
}
