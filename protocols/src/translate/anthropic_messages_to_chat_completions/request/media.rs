//! Images and documents as parts of a user message.

use std::fmt;

use catalog::{Dialect, Images};

use crate::error::RequestError;
use crate::formats::anthropic_messages::request_reader::{Block, Document, Image, Source};
use crate::formats::chat_completions::OutgoingPart;
use crate::json::Text;

/// Converts an image.
///
/// # Errors
/// The upstream does not support it.
pub(super) fn image<'a>(
    dialect: &Dialect,
    image: &Image<'a>,
    path: fmt::Arguments<'_>,
) -> Result<OutgoingPart<'a>, RequestError> {
    let url = match &image.source {
        Source::Base64 { media_type, data } => data_url(image_type(media_type, path)?, *data),
        Source::Url(url) if dialect.images != Images::DataUrl => vec![*url],
        Source::Url(_) => {
            return Err(unsupported(
                format_args!("{path}.source"),
                "expected base64, because this upstream fetches no images",
            ));
        }
        Source::File(_) => return Err(stored_file(path)),
        Source::Text(_) | Source::Content(_) => {
            return Err(RequestError::invalid_value(
                format!("{path}.source.type"),
                "expected base64 or url",
            ));
        }
    };
    Ok(OutgoingPart::Image { url, detail: None })
}

/// Converts a document: to text if it is text, else to a file; its context comes first.
///
/// # Errors
/// The upstream does not support it.
pub(super) fn document<'a>(
    dialect: &Dialect,
    document: &Document<'a>,
    path: fmt::Arguments<'_>,
    parts: &mut Vec<OutgoingPart<'a>>,
) -> Result<(), RequestError> {
    if document.citations {
        return Err(unsupported(
            format_args!("{path}.citations"),
            "the target of this request does not cite documents",
        ));
    }
    match &document.source {
        Source::Text(text) => {
            push_text(vec![document.title.unwrap_or(Text::Plain(""))], parts);
            push_text(vec![document.context.unwrap_or(Text::Plain(""))], parts);
            push_text(vec![*text], parts);
            Ok(())
        }
        Source::Content(blocks) => {
            push_text(vec![document.title.unwrap_or(Text::Plain(""))], parts);
            push_text(vec![document.context.unwrap_or(Text::Plain(""))], parts);
            content(
                dialect,
                blocks,
                format_args!("{path}.source.content"),
                parts,
            )
        }
        Source::Base64 { data, .. } if dialect.files => {
            // Servers detect a file's type by its extension.
            let (name, title) = match document.title {
                Some(title) if is_pdf_name(title) => (title, Text::Plain("")),
                title => (
                    Text::Plain("document.pdf"),
                    title.unwrap_or(Text::Plain("")),
                ),
            };
            push_text(vec![title], parts);
            push_text(vec![document.context.unwrap_or(Text::Plain(""))], parts);
            parts.push(OutgoingPart::File {
                name: Some(name),
                // Anthropic accepts no other type.
                data: data_url("application/pdf", *data),
            });
            Ok(())
        }
        Source::Base64 { .. } => Err(unsupported(
            format_args!("{path}.source"),
            "this upstream reads no PDF documents",
        )),
        Source::Url(_) => Err(unsupported(
            format_args!("{path}.source"),
            "expected base64, because the target of this request fetches no documents",
        )),
        Source::File(_) => Err(stored_file(path)),
    }
}

fn content<'a>(
    dialect: &Dialect,
    blocks: &[Block<'a>],
    path: fmt::Arguments<'_>,
    parts: &mut Vec<OutgoingPart<'a>>,
) -> Result<(), RequestError> {
    for (index, block) in blocks.iter().enumerate() {
        match block {
            Block::Text(text) => push_text(vec![text.text], parts),
            Block::Image(picture) => {
                parts.push(image(dialect, picture, format_args!("{path}[{index}]"))?);
            }
            Block::Document(_)
            | Block::SearchResult { .. }
            | Block::Thinking { .. }
            | Block::RedactedThinking { .. }
            | Block::ToolUse(_)
            | Block::ToolResult(_)
            | Block::Other { .. } => {
                return Err(RequestError::invalid_value(
                    format!("{path}[{index}].type"),
                    "expected text or image",
                ));
            }
        }
    }
    Ok(())
}

/// Adds a line of text, unless it is empty.
pub(super) fn push_text<'a>(pieces: Vec<Text<'a>>, parts: &mut Vec<OutgoingPart<'a>>) {
    if pieces.iter().any(|piece| !piece.is_empty()) {
        parts.push(OutgoingPart::Text(pieces));
    }
}

fn data_url<'a>(media_type: &'static str, data: Text<'a>) -> Vec<Text<'a>> {
    vec![
        Text::Plain("data:"),
        Text::Plain(media_type),
        Text::Plain(";base64,"),
        data,
    ]
}

fn is_pdf_name(title: Text<'_>) -> bool {
    let (Text::Plain(title) | Text::Escaped(title)) = title;
    title
        .len()
        .checked_sub(4)
        .and_then(|start| title.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(".pdf"))
}

/// The types that Anthropic accepts.
fn image_type(media_type: &str, path: fmt::Arguments<'_>) -> Result<&'static str, RequestError> {
    ["image/png", "image/jpeg", "image/gif", "image/webp"]
        .into_iter()
        .find(|known| media_type.eq_ignore_ascii_case(known))
        .ok_or_else(|| {
            RequestError::invalid_value(
                format!("{path}.source.media_type"),
                format_args!(
                    "expected image/png, image/jpeg, image/gif or image/webp, found {media_type:?}"
                ),
            )
        })
}

fn stored_file(path: fmt::Arguments<'_>) -> RequestError {
    unsupported(
        format_args!("{path}.source"),
        "the file is stored with Anthropic, the target of this request cannot read it; send base64",
    )
}

fn unsupported(path: fmt::Arguments<'_>, why: &str) -> RequestError {
    RequestError {
        code: Some("unsupported_value"),
        ..RequestError::unsupported(path.to_string(), why)
    }
}
