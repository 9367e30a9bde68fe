//! Images and documents as parts of a user message.

use std::fmt;

use crate::anthropic::messages_request::{Block, Document, Image, Source};
use crate::error::RequestError;
use crate::format::UpstreamFormat;
use crate::json::{Text, Writer};

/// A part of a user message. Text is made of pieces, joined without separator.
pub(super) enum Part<'a> {
    Text(Vec<Text<'a>>),
    /// Pieces of a URL.
    Image(Vec<Text<'a>>),
    /// Pieces of a data URL.
    File {
        name: Text<'a>,
        data: Vec<Text<'a>>,
    },
}

impl<'a> Part<'a> {
    /// An image.
    ///
    /// # Errors
    /// The upstream cannot see it.
    pub(super) fn image(
        upstream: UpstreamFormat,
        image: &Image<'a>,
        path: fmt::Arguments<'_>,
    ) -> Result<Self, RequestError> {
        match &image.source {
            Source::Base64 { media_type, data } => {
                Ok(Self::Image(data_url(image_type(media_type, path)?, *data)))
            }
            Source::Url(url) if upstream != UpstreamFormat::Ollama => Ok(Self::Image(vec![*url])),
            Source::Url(_) => Err(unsupported(
                format_args!("{path}.source"),
                "expected base64, because this upstream fetches no images",
            )),
            Source::File(_) => Err(stored_file(path)),
            Source::Text(_) | Source::Content(_) => Err(RequestError::invalid_value(
                format!("{path}.source.type"),
                "expected base64 or url",
            )),
        }
    }

    /// A document: its text where it is text, else a file, after what the model is told about it.
    ///
    /// # Errors
    /// The upstream cannot read it.
    pub(super) fn document(
        upstream: UpstreamFormat,
        document: &Document<'a>,
        path: fmt::Arguments<'_>,
        parts: &mut Vec<Self>,
    ) -> Result<(), RequestError> {
        if document.citations {
            return Err(unsupported(
                format_args!("{path}.citations"),
                "the target of this request does not cite documents",
            ));
        }
        let mut head = Vec::new();
        let is_text = matches!(document.source, Source::Text(_) | Source::Content(_));
        for line in [document.title.filter(|_| is_text), document.context] {
            if let Some(line) = line.filter(|line| !line.is_empty()) {
                head.extend([line, Text::Plain("\n")]);
            }
        }
        match &document.source {
            Source::Text(text) => {
                head.push(*text);
                parts.push(Self::Text(head));
                Ok(())
            }
            Source::Content(blocks) => {
                push_text(head, parts);
                Self::content(
                    upstream,
                    blocks,
                    format_args!("{path}.source.content"),
                    parts,
                )
            }
            Source::Base64 { data, .. } if upstream != UpstreamFormat::Ollama => {
                push_text(head, parts);
                parts.push(Self::File {
                    name: document.title.unwrap_or(Text::Plain("document.pdf")),
                    // Anthropic takes no other type.
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

    fn content(
        upstream: UpstreamFormat,
        blocks: &[Block<'a>],
        path: fmt::Arguments<'_>,
        parts: &mut Vec<Self>,
    ) -> Result<(), RequestError> {
        for (index, block) in blocks.iter().enumerate() {
            match block {
                Block::Text(text) => push_text(vec![text.text], parts),
                Block::Image(image) => {
                    parts.push(Self::image(
                        upstream,
                        image,
                        format_args!("{path}[{index}]"),
                    )?);
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

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| match self {
            Self::Text(pieces) => {
                w.field("type").string("text");
                w.field("text").joined(pieces.iter().copied());
            }
            Self::Image(url) => {
                w.field("type").string("image_url");
                w.field("image_url")
                    .object(|w| w.field("url").joined(url.iter().copied()));
            }
            Self::File { name, data } => {
                w.field("type").string("file");
                w.field("file").object(|w| {
                    w.field("filename").text(*name);
                    w.field("file_data").joined(data.iter().copied());
                });
            }
        });
    }
}

/// A text part, unless there is nothing in it.
pub(super) fn push_text<'a>(pieces: Vec<Text<'a>>, parts: &mut Vec<Part<'a>>) {
    if pieces.iter().any(|piece| !piece.is_empty()) {
        parts.push(Part::Text(pieces));
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

/// The types that Anthropic takes.
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
