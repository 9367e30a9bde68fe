//! Content blocks.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::json::{self, Object, Text};
use crate::translate::dropped_param::{DropWhen, DroppedParam};

/// One content block.
#[derive(Debug, Clone)]
pub enum Block<'a> {
    /// `text`
    Text(TextBlock<'a>),
    /// `image`
    Image(Image<'a>),
    /// `document`
    Document(Document<'a>),
    /// `search_result`: content that the client found elsewhere.
    SearchResult {
        /// Where it was found.
        source: Text<'a>,
        /// Its title.
        title: Text<'a>,
        /// The text found.
        content: Vec<TextBlock<'a>>,
        /// Marks the end of a cacheable prefix of the prompt.
        cache_control: Option<&'a RawValue>,
    },
    /// `thinking`
    Thinking {
        /// The reasoning.
        thinking: Text<'a>,
        /// Required to replay the reasoning.
        signature: Option<Text<'a>>,
    },
    /// `redacted_thinking`
    RedactedThinking {
        /// Opaque.
        data: Text<'a>,
    },
    /// `tool_use`
    ToolUse(ToolUse<'a>),
    /// `tool_result`
    ToolResult(ToolResult<'a>),
    /// Any other type, such as calls of the provider's own tools and their results.
    Other {
        /// Its `type`.
        kind: Cow<'a, str>,
        /// The whole block.
        raw: &'a RawValue,
    },
}

/// A piece of text.
#[derive(Debug, Clone, Copy)]
pub struct TextBlock<'a> {
    /// May be empty.
    pub text: Text<'a>,
    /// Marks the end of a cacheable prefix of the prompt.
    pub cache_control: Option<&'a RawValue>,
}

/// An image.
#[derive(Debug, Clone)]
pub struct Image<'a> {
    /// Base64, URL or file.
    pub source: Source<'a>,
    /// Marks the end of a cacheable prefix of the prompt.
    pub cache_control: Option<&'a RawValue>,
}

/// A document.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    /// The content.
    pub source: Source<'a>,
    /// Its name.
    pub title: Option<Text<'a>>,
    /// Context for the model.
    pub context: Option<Text<'a>>,
    /// The response should cite it.
    pub citations: bool,
    /// Marks the end of a cacheable prefix of the prompt.
    pub cache_control: Option<&'a RawValue>,
}

/// A tool call by the model.
#[derive(Debug, Clone, Copy)]
pub struct ToolUse<'a> {
    /// Identifies the call; its result refers to it.
    pub id: Text<'a>,
    /// The tool's name.
    pub name: Text<'a>,
    /// The arguments, an object.
    pub input: &'a RawValue,
    /// Marks the end of a cacheable prefix of the prompt.
    pub cache_control: Option<&'a RawValue>,
}

/// The result of a tool call.
#[derive(Debug, Clone)]
pub struct ToolResult<'a> {
    /// [`ToolUse::id`] of the call.
    pub tool_use_id: Text<'a>,
    /// The result; a string becomes one text block.
    pub content: Vec<Block<'a>>,
    /// The call failed.
    pub is_error: bool,
    /// Marks the end of a cacheable prefix of the prompt.
    pub cache_control: Option<&'a RawValue>,
}

/// The source of an image or document.
#[derive(Debug, Clone)]
pub enum Source<'a> {
    /// Inline data.
    Base64 {
        /// Such as `image/png`.
        media_type: Cow<'a, str>,
        /// Base64.
        data: Text<'a>,
    },
    /// A URL.
    Url(Text<'a>),
    /// Inline plain text.
    Text(Text<'a>),
    /// Inline content blocks.
    Content(Vec<Block<'a>>),
    /// A file stored with the provider.
    File(Text<'a>),
}

/// Fields of blocks that are dropped for every target.
pub const DROPPED_BLOCK_PARAMS: &[DroppedParam] = &[
    DroppedParam {
        name: "citations",
        when: DropWhen::Where("text blocks"),
        reason: "come back when a client echoes an answer; they describe its text and change nothing",
    },
    DroppedParam {
        name: "caller",
        when: DropWhen::Where("tool_use blocks"),
        reason: "says which of Anthropic's own tools made the call; the call and its result stand for themselves",
    },
    DroppedParam {
        name: "toolset_name",
        when: DropWhen::Where("tool_use and tool_result blocks"),
        reason: "names the family of one of Anthropic's own tools",
    },
    DroppedParam {
        name: "transformations",
        when: DropWhen::Where("image blocks"),
        reason: "how Anthropic's servers prepare an image for the model",
    },
];

/// The beginning of Claude Code's block for Anthropic's accounts.
const BILLING_LINE: &str = "x-anthropic-billing-header:";

/// Reads the system prompt: a string or an array of text blocks.
///
/// Claude Code's line for Anthropic's accounts is left out: it means nothing to other vendors, and changes with each
/// request, so that their caches would never hold.
pub(super) fn read_system(raw: &RawValue) -> Result<Vec<TextBlock<'_>>, RequestError> {
    let mut blocks = read_texts(raw, format_args!("system"))?;
    blocks.retain(|block| {
        let (Text::Plain(inside) | Text::Escaped(inside)) = block.text;
        !inside.starts_with(BILLING_LINE)
    });
    Ok(blocks)
}

/// Reads a string or an array of blocks.
pub(super) fn read_content<'a>(
    raw: &'a RawValue,
    path: fmt::Arguments<'_>,
) -> Result<Vec<Block<'a>>, RequestError> {
    if let Some(text) = Text::of(raw) {
        return Ok(vec![Block::Text(TextBlock {
            text,
            cache_control: None,
        })]);
    }
    let blocks: Vec<&RawValue> = json::read(raw, path, "a string or an array of blocks")?;
    let blocks = blocks.into_iter().enumerate();
    blocks
        .map(|(index, block)| read_block(block, format_args!("{path}[{index}]")))
        .collect()
}

/// Reads a string or an array of text blocks.
fn read_texts<'a>(
    raw: &'a RawValue,
    path: fmt::Arguments<'_>,
) -> Result<Vec<TextBlock<'a>>, RequestError> {
    let blocks = read_content(raw, path)?.into_iter().enumerate();
    blocks
        .map(|(index, block)| match block {
            Block::Text(text) => Ok(text),
            _ => Err(RequestError::invalid_value(
                format!("{path}[{index}].type"),
                "expected text, found another type of block",
            )),
        })
        .collect()
}

/// The fields of one block.
struct Fields<'a, 'p> {
    block: Object<'a>,
    path: fmt::Arguments<'p>,
}

fn read_block<'a>(raw: &'a RawValue, path: fmt::Arguments<'_>) -> Result<Block<'a>, RequestError> {
    let fields = Fields {
        block: json::read(raw, path, "an object")?,
        path,
    };
    let kind = json::characters(fields.required("type")?, format_args!("{path}.type"))?;
    Ok(match kind.as_ref() {
        "text" => {
            fields.only(&["text", "citations"])?;
            Block::Text(TextBlock {
                text: fields.required_text("text")?,
                cache_control: fields.cache_control(),
            })
        }
        "image" => {
            fields.only(&["source", "transformations"])?;
            Block::Image(Image {
                source: fields.source()?,
                cache_control: fields.cache_control(),
            })
        }
        "document" => {
            fields.only(&["source", "title", "context", "citations"])?;
            Block::Document(Document {
                source: fields.source()?,
                title: fields.text("title")?,
                context: fields.text("context")?,
                citations: fields.wants_citations()?,
                cache_control: fields.cache_control(),
            })
        }
        "search_result" => {
            fields.only(&["source", "title", "content", "citations"])?;
            let content = fields.required("content")?;
            Block::SearchResult {
                source: fields.required_text("source")?,
                title: fields.required_text("title")?,
                content: read_texts(content, format_args!("{path}.content"))?,
                cache_control: fields.cache_control(),
            }
        }
        "thinking" => {
            fields.only(&["thinking", "signature"])?;
            Block::Thinking {
                thinking: fields.required_text("thinking")?,
                signature: fields.text("signature")?.filter(|text| !text.is_empty()),
            }
        }
        "redacted_thinking" => {
            fields.only(&["data"])?;
            Block::RedactedThinking {
                data: fields.required_text("data")?,
            }
        }
        "tool_use" => {
            fields.only(&["id", "name", "input", "caller", "toolset_name"])?;
            let input = match fields.block.get("input") {
                Some(input) => input,
                // Some clients omit empty input.
                None => json::parse_text("{}")
                    .map_err(|_| RequestError::missing(format!("{path}.input")))?,
            };
            json::require_object(input, format_args!("{path}.input"))?;
            Block::ToolUse(ToolUse {
                id: fields.required_text("id")?,
                name: fields.required_text("name")?,
                input,
                cache_control: fields.cache_control(),
            })
        }
        "tool_result" => {
            fields.only(&["tool_use_id", "content", "is_error", "toolset_name"])?;
            Block::ToolResult(ToolResult {
                tool_use_id: fields.required_text("tool_use_id")?,
                content: match fields.block.get("content") {
                    Some(raw) => read_content(raw, format_args!("{path}.content"))?,
                    None => Vec::new(),
                },
                is_error: match fields.block.get("is_error") {
                    Some(raw) => json::read(raw, format_args!("{path}.is_error"), "a boolean")?,
                    None => false,
                },
                cache_control: fields.cache_control(),
            })
        }
        _ => Block::Other { kind, raw },
    })
}

impl<'a> Fields<'a, '_> {
    fn required(&self, name: &str) -> Result<&'a RawValue, RequestError> {
        let path = self.path;
        self.block
            .get(name)
            .ok_or_else(|| RequestError::missing(format!("{path}.{name}")))
    }

    fn required_text(&self, name: &str) -> Result<Text<'a>, RequestError> {
        json::text(self.required(name)?, format_args!("{}.{name}", self.path))
    }

    fn text(&self, name: &str) -> Result<Option<Text<'a>>, RequestError> {
        let raw = self.block.get(name);
        raw.map(|raw| json::text(raw, format_args!("{}.{name}", self.path)))
            .transpose()
    }

    fn cache_control(&self) -> Option<&'a RawValue> {
        self.block.get("cache_control")
    }

    /// `citations: {enabled: true}`
    fn wants_citations(&self) -> Result<bool, RequestError> {
        let Some(raw) = self.block.get("citations") else {
            return Ok(false);
        };
        let path = format_args!("{}.citations", self.path);
        let citations: Object<'_> = json::read(raw, path, "an object")?;
        match citations.get("enabled") {
            Some(raw) => json::read(raw, format_args!("{path}.enabled"), "a boolean"),
            None => Ok(false),
        }
    }

    /// Refuses every field that is neither in `known` nor common to all blocks.
    fn only(&self, known: &[&str]) -> Result<(), RequestError> {
        super::only(
            &self.block,
            self.path,
            &[known, &["type", "cache_control"]].concat(),
        )
    }

    fn source(&self) -> Result<Source<'a>, RequestError> {
        let path = format_args!("{}.source", self.path);
        let source = Fields {
            block: json::read(self.required("source")?, path, "an object")?,
            path,
        };
        let kind = json::characters(source.required("type")?, format_args!("{path}.type"))?;
        match kind.as_ref() {
            "base64" => {
                source.only(&["media_type", "data"])?;
                let media_type = source.required("media_type")?;
                Ok(Source::Base64 {
                    media_type: json::characters(media_type, format_args!("{path}.media_type"))?,
                    data: source.required_text("data")?,
                })
            }
            "url" => {
                source.only(&["url"])?;
                source.required_text("url").map(Source::Url)
            }
            "text" => {
                source.only(&["media_type", "data"])?;
                source.required_text("data").map(Source::Text)
            }
            "content" => {
                source.only(&["content"])?;
                let content = source.required("content")?;
                read_content(content, format_args!("{path}.content")).map(Source::Content)
            }
            "file" => {
                source.only(&["file_id"])?;
                source.required_text("file_id").map(Source::File)
            }
            found => Err(RequestError::invalid_value(
                format!("{path}.type"),
                format_args!("expected base64, url, text, content or file, found {found:?}"),
            )),
        }
    }
}
