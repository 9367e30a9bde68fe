//! Writes content blocks.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::chat_completions::request_reader::{Media, Part, PartKind, ToolCallRequest};
use crate::formats::chat_completions::signed_reasoning::SignedBlock;
use crate::json::{Text, Writer};

/// A content block.
pub(super) enum Block<'a> {
    /// Never blank.
    Text {
        text: Text<'a>,
        cache_control: Option<&'a RawValue>,
    },
    /// Reasoning that Anthropic has signed.
    Signed(SignedBlock<'a>),
    /// An image, or a document where `is_document`.
    Media {
        is_document: bool,
        source: Source<'a>,
        title: Option<Text<'a>>,
        cache_control: Option<&'a RawValue>,
    },
    ToolUse(ToolCallRequest<'a>),
}

/// The data of an image or document.
pub(super) enum Source<'a> {
    Base64 {
        media_type: &'static str,
        data: Text<'a>,
    },
    Url(Text<'a>),
}

/// The result of a tool call.
pub(super) struct ToolResult<'a> {
    /// From [`tool_id`].
    pub(super) tool_use_id: Cow<'a, str>,
    pub(super) content: Vec<Block<'a>>,
    pub(super) cache_control: Option<&'a RawValue>,
}

/// The blocks of a message's content. Blank text is dropped, because Anthropic refuses it.
pub(super) fn content_blocks<'a>(
    parts: Vec<Part<'a>>,
    path: fmt::Arguments<'_>,
) -> Result<Vec<Block<'a>>, RequestError> {
    let mut blocks = Vec::with_capacity(parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        let cache_control = part.cache_control;
        match part.kind {
            PartKind::Text(text) if text.is_blank() => {}
            PartKind::Text(text) => blocks.push(Block::Text {
                text,
                cache_control,
            }),
            PartKind::Media { media, name } => {
                let (is_document, source) = source(media, format_args!("{path}[{index}]"))?;
                blocks.push(Block::Media {
                    is_document,
                    source,
                    title: name.filter(|name| is_document && !name.is_blank()),
                    cache_control,
                });
            }
        }
    }
    Ok(blocks)
}

/// Whether it is a document, and its data.
fn source<'a>(
    media: Media<'a>,
    path: fmt::Arguments<'_>,
) -> Result<(bool, Source<'a>), RequestError> {
    match media {
        // Only the URL can tell.
        Media::Url(url) => Ok((is_pdf_url(url), Source::Url(url))),
        Media::Inline { media_type, base64 } => {
            let media_type = match media_type.as_str() {
                "image/png" => "image/png",
                "image/jpeg" | "image/jpg" => "image/jpeg",
                "image/gif" => "image/gif",
                "image/webp" => "image/webp",
                "application/pdf" => "application/pdf",
                found => {
                    return Err(RequestError {
                        code: Some("unsupported_value"),
                        ..RequestError::unsupported(
                            path.to_string(),
                            format_args!(
                                "the target of this request takes image/png, image/jpeg, image/gif, image/webp and application/pdf, found {found:?}"
                            ),
                        )
                    });
                }
            };
            let is_document = media_type == "application/pdf";
            let source = Source::Base64 {
                media_type,
                data: base64,
            };
            Ok((is_document, source))
        }
    }
}

fn is_pdf_url(url: Text<'_>) -> bool {
    let (Text::Plain(url) | Text::Escaped(url)) = url;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.len()
        .checked_sub(".pdf".len())
        .and_then(|start| path.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(".pdf"))
}

/// An id that Anthropic accepts: letters, digits, `_` and `-`. Other vendors' ids are replaced by a deterministic
/// substitute, so that call and result still match.
pub(super) fn tool_id(id: Cow<'_, str>) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !id.is_empty() && id.chars().all(fits) {
        return id;
    }
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let fitted: String = id.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    Cow::Owned(format!("{fitted}_{:016x}", hasher.finish()))
}

impl<'a> Block<'a> {
    /// The text of a text block.
    pub(super) fn as_text(&self) -> Option<Text<'a>> {
        match self {
            Self::Text { text, .. } => Some(*text),
            Self::Signed(_) | Self::Media { .. } | Self::ToolUse(_) => None,
        }
    }

    /// Has a `cache_control`.
    pub(super) fn is_cached(&self) -> bool {
        match self {
            Self::Text { cache_control, .. } | Self::Media { cache_control, .. } => {
                cache_control.is_some()
            }
            Self::ToolUse(call) => call.cache_control.is_some(),
            Self::Signed(_) => false,
        }
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| match self {
            Self::Text {
                text,
                cache_control,
            } => {
                w.field("type").string("text");
                w.field("text").text(*text);
                write_cache_control(w, *cache_control);
            }
            Self::Signed(SignedBlock::Redacted(data)) => {
                w.field("type").string("redacted_thinking");
                w.field("data").text(*data);
            }
            Self::Signed(SignedBlock::Thinking {
                thinking,
                signature,
            }) => {
                w.field("type").string("thinking");
                w.field("thinking").text(*thinking);
                w.field("signature").text(*signature);
            }
            Self::Media {
                is_document,
                source,
                title,
                cache_control,
            } => {
                w.field("type")
                    .string(if *is_document { "document" } else { "image" });
                source.write(w.field("source"));
                if let Some(title) = title {
                    w.field("title").text(*title);
                }
                write_cache_control(w, *cache_control);
            }
            Self::ToolUse(call) => {
                w.field("type").string("tool_use");
                w.field("id").string(&tool_id(Cow::Borrowed(&call.id)));
                w.field("name").text(call.name);
                w.field("input").verbatim(&call.arguments);
                write_cache_control(w, call.cache_control);
            }
        });
    }
}

impl Source<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| match self {
            Self::Base64 { media_type, data } => {
                w.field("type").string("base64");
                w.field("media_type").string(media_type);
                w.field("data").text(*data);
            }
            Self::Url(url) => {
                w.field("type").string("url");
                w.field("url").text(*url);
            }
        });
    }
}

impl ToolResult<'_> {
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| {
            w.field("type").string("tool_result");
            w.field("tool_use_id").string(&self.tool_use_id);
            if !self.content.is_empty() {
                w.field("content")
                    .array(|w| self.content.iter().for_each(|block| block.write(w)));
            }
            write_cache_control(w, self.cache_control);
        });
    }
}

fn write_cache_control(w: &mut Writer<'_>, cache_control: Option<&RawValue>) {
    if let Some(cache_control) = cache_control {
        w.field("cache_control").raw(cache_control);
    }
}
