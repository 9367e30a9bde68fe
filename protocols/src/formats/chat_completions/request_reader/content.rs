//! Message content: text, images, documents.

use std::fmt;

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::json::{self, Object, Text};

/// One part of a message's content. A plain string is one text part.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// The content.
    pub kind: PartKind<'a>,
    /// Anthropic's `cache_control`, which clients also put on OpenAI's parts.
    pub cache_control: Option<&'a RawValue>,
    /// `prompt_cache_breakpoint`: ends a cacheable prefix of the prompt.
    pub cache_breakpoint: Option<&'a RawValue>,
}

/// The content of a part.
#[derive(Debug, Clone)]
pub enum PartKind<'a> {
    /// Text, or an assistant's refusal.
    Text(Text<'a>),
    /// An image or document, as `image_url` or `file` part.
    Media {
        /// Its data.
        media: Media<'a>,
        /// `file.filename`
        name: Option<Text<'a>>,
    },
}

/// The data of an image or document.
#[derive(Debug, Clone, PartialEq)]
pub enum Media<'a> {
    /// The content of a data URL.
    Inline {
        /// Lower case, without parameters, such as `image/png`.
        media_type: String,
        /// Base64, as received.
        base64: Text<'a>,
    },
    /// An `http` or `https` URL that the provider fetches.
    Url(Text<'a>),
}

/// Reads a message's `content`: a string or an array of parts.
pub(super) fn read_content<'a>(
    raw: &'a RawValue,
    path: impl fmt::Display + Copy,
) -> Result<Vec<Part<'a>>, RequestError> {
    if let Some(text) = Text::of(raw) {
        return Ok(vec![Part {
            kind: PartKind::Text(text),
            cache_control: None,
            cache_breakpoint: None,
        }]);
    }
    let parts: Vec<Object<'_>> = json::read(raw, path, "a string or an array of parts")?;
    let parts = parts.iter().enumerate();
    parts
        .map(|(index, part)| read_part(part, format_args!("{path}[{index}]")))
        .collect()
}

fn read_part<'a>(part: &Object<'a>, path: fmt::Arguments<'_>) -> Result<Part<'a>, RequestError> {
    let required = |name: &str| {
        part.get(name)
            .ok_or_else(|| RequestError::missing(format!("{path}.{name}")))
    };
    let kind = json::characters(required("type")?, format_args!("{path}.type"))?;
    let (field, kind) = match kind.as_ref() {
        field @ ("text" | "refusal") => {
            let text = json::text(required(field)?, format_args!("{path}.{field}"))?;
            (field, PartKind::Text(text))
        }
        field @ "image_url" => {
            let media = read_image_url(required(field)?, format_args!("{path}.{field}"))?;
            (field, PartKind::Media { media, name: None })
        }
        field @ "file" => (
            field,
            read_file(required(field)?, format_args!("{path}.{field}"))?,
        ),
        found => {
            return Err(RequestError {
                code: Some("unsupported_value"),
                ..RequestError::unsupported(
                    format!("{path}.type"),
                    format_args!(
                        "the target of this request takes text, image_url and file parts, found {found:?}"
                    ),
                )
            });
        }
    };
    for (name, _) in part.fields() {
        if !["type", "cache_control", "prompt_cache_breakpoint", field].contains(&name) {
            return Err(unknown(format_args!("{path}.{name}")));
        }
    }
    Ok(Part {
        kind,
        cache_control: part.get("cache_control"),
        cache_breakpoint: part.get("prompt_cache_breakpoint"),
    })
}

fn read_image_url<'a>(
    raw: &'a RawValue,
    path: fmt::Arguments<'_>,
) -> Result<Media<'a>, RequestError> {
    if let Some(url) = Text::of(raw) {
        return Media::read(url, path);
    }
    let image: Object<'_> = json::read(raw, path, "an object")?;
    for (name, _) in image.fields() {
        // `detail` only tells OpenAI how many tokens to spend on the image.
        if !["url", "detail"].contains(&name) {
            return Err(unknown(format_args!("{path}.{name}")));
        }
    }
    let url = image
        .get("url")
        .ok_or_else(|| RequestError::missing(format!("{path}.url")))?;
    let path = format_args!("{path}.url");
    Media::read(json::text(url, path)?, path)
}

fn read_file<'a>(
    raw: &'a RawValue,
    path: fmt::Arguments<'_>,
) -> Result<PartKind<'a>, RequestError> {
    let file: Object<'_> = json::read(raw, path, "an object")?;
    for (name, _) in file.fields() {
        if name == "file_id" {
            return Err(RequestError::unsupported(
                format!("{path}.{name}"),
                "the file is stored with OpenAI, the target of this request cannot read it; send file_data",
            ));
        }
        if !["file_data", "filename"].contains(&name) {
            return Err(unknown(format_args!("{path}.{name}")));
        }
    }
    let data = file
        .get("file_data")
        .ok_or_else(|| RequestError::missing(format!("{path}.file_data")))?;
    let name = file
        .get("filename")
        .map(|name| json::text(name, format_args!("{path}.filename")))
        .transpose()?;
    let path = format_args!("{path}.file_data");
    let media = Media::read(json::text(data, path)?, path)?;
    Ok(PartKind::Media { media, name })
}

fn unknown(path: fmt::Arguments<'_>) -> RequestError {
    RequestError {
        code: Some("unknown_parameter"),
        ..RequestError::unsupported(path.to_string(), "unknown field")
    }
}

impl<'a> Media<'a> {
    /// Reads a URL: `data:` with base64, or `http(s):`. Only the header of a data URL is unescaped.
    fn read(url: Text<'a>, path: fmt::Arguments<'_>) -> Result<Self, RequestError> {
        let invalid = |why: &str| Err(RequestError::invalid_value(path.to_string(), why));
        let (Text::Plain(inside) | Text::Escaped(inside)) = url;
        if !begins_with(inside, "data:") {
            if begins_with(inside, "http:") || begins_with(inside, "https:") {
                return Ok(Self::Url(url));
            }
            return invalid("expected a data URL or an http or https URL");
        }
        let Some((header, base64)) = url.split_once(',') else {
            return invalid("expected data:<media type>;base64,<data>, found no comma");
        };
        let header = header.decode().unwrap_or_default();
        let mut fields = header.get(5..).unwrap_or_default().split(';');
        let media_type = fields.next().unwrap_or_default().trim();
        if !fields.any(|field| field.trim().eq_ignore_ascii_case("base64")) {
            return invalid("expected data:<media type>;base64,<data>, found another encoding");
        }
        if media_type.is_empty() || base64.is_empty() {
            return invalid("expected data:<media type>;base64,<data>, found an empty part");
        }
        Ok(Self::Inline {
            media_type: media_type.to_ascii_lowercase(),
            base64,
        })
    }
}

fn begins_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}
