//! Parts of messages and results.

use std::fmt;

use serde_json::value::RawValue;

use catalog::Images;

use super::Target;
use crate::error::RequestError;
use crate::formats::chat_completions::OutgoingPart;
use crate::json::{self, Object, Text};
use crate::translate::dropped_param;
use crate::translate::responses_to_chat_completions::DROPPED_ITEM_PARAMS;

/// Reads a string or an array of parts. Drops empty text.
pub(super) fn read_parts<'a>(
    target: Target<'_>,
    raw: &'a RawValue,
    path: fmt::Arguments<'_>,
) -> Result<Vec<OutgoingPart<'a>>, RequestError> {
    if let Some(text) = Text::of(raw) {
        return Ok(line(text).into_iter().collect());
    }
    let parts: Vec<Object<'_>> = json::read(raw, path, "a string or an array of parts")?;
    let mut read = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        read.extend(read_part(target, part, format_args!("{path}[{index}]"))?);
    }
    Ok(read)
}

/// Reads a string or an array of text parts.
pub(super) fn read_text<'a>(
    target: Target<'_>,
    raw: &'a RawValue,
    path: fmt::Arguments<'_>,
) -> Result<Vec<Vec<Text<'a>>>, RequestError> {
    let parts = read_parts(target, raw, path)?.into_iter();
    parts
        .map(|part| match part {
            OutgoingPart::Text(line) => Ok(line),
            OutgoingPart::Image { .. } | OutgoingPart::File { .. } => {
                Err(RequestError::invalid_value(
                    path.to_string(),
                    "messages with this role hold text only",
                ))
            }
        })
        .collect()
}

fn line(text: Text<'_>) -> Option<OutgoingPart<'_>> {
    (!text.is_empty()).then(|| OutgoingPart::Text(vec![text]))
}

fn read_part<'a>(
    target: Target<'_>,
    part: &Object<'a>,
    path: fmt::Arguments<'_>,
) -> Result<Option<OutgoingPart<'a>>, RequestError> {
    let required = |name: &str| {
        part.get(name)
            .ok_or_else(|| RequestError::missing(format!("{path}.{name}")))
    };
    let text = |name: &str| {
        let raw = part.get(name);
        raw.map(|raw| json::text(raw, format_args!("{path}.{name}")))
            .transpose()
    };
    let kind = json::characters(required("type")?, format_args!("{path}.type"))?;
    match kind.as_ref() {
        "input_text" | "output_text" | "text" => {
            only(part, path, &["text"])?;
            json::text(required("text")?, format_args!("{path}.text")).map(line)
        }
        "refusal" => {
            only(part, path, &["refusal"])?;
            json::text(required("refusal")?, format_args!("{path}.refusal")).map(line)
        }
        "input_image" => {
            only(part, path, &["image_url", "detail", "file_id"])?;
            let Some(url) = text("image_url")? else {
                return Err(stored_or_missing(part, path, "image_url"));
            };
            if target.dialect.images == Images::DataUrl && !is_data_url(url) {
                return Err(unsupported(
                    format_args!("{path}.image_url"),
                    "expected a data: URL, because this upstream fetches no images",
                ));
            }
            Ok(Some(OutgoingPart::Image {
                url: vec![url],
                detail: text("detail")?,
            }))
        }
        "input_file" => {
            only(
                part,
                path,
                &["file_data", "filename", "file_id", "file_url", "detail"],
            )?;
            if !target.dialect.files {
                return Err(unsupported(path, "this upstream reads no files"));
            }
            if part.get("file_url").is_some() {
                return Err(unsupported(
                    format_args!("{path}.file_url"),
                    "expected file_data, because the target of this request fetches no files",
                ));
            }
            let Some(data) = text("file_data")? else {
                return Err(stored_or_missing(part, path, "file_data"));
            };
            Ok(Some(OutgoingPart::File {
                name: text("filename")?,
                data: vec![data],
            }))
        }
        found => Err(unsupported(
            format_args!("{path}.type"),
            format_args!("the target of this request has no counterpart for {found}"),
        )),
    }
}

/// Refuses every field that is neither in `known` nor dropped by a table.
fn only(object: &Object<'_>, path: impl fmt::Display, known: &[&str]) -> Result<(), RequestError> {
    for (name, value) in object.fields() {
        if name != "type" && !known.contains(&name) {
            let path = format_args!("{path}.{name}");
            dropped_param::drop_or_refuse(DROPPED_ITEM_PARAMS, name, path, value)?;
        }
    }
    Ok(())
}

pub(super) fn unsupported(path: impl fmt::Display, why: impl fmt::Display) -> RequestError {
    RequestError {
        code: Some("unsupported_value"),
        ..RequestError::unsupported(path.to_string(), why)
    }
}

fn stored_or_missing(part: &Object<'_>, path: fmt::Arguments<'_>, wanted: &str) -> RequestError {
    if part.get("file_id").is_some() {
        unsupported(
            format_args!("{path}.file_id"),
            format_args!(
                "the file is stored with OpenAI, the target of this request cannot read it; send {wanted}"
            ),
        )
    } else {
        RequestError::missing(format!("{path}.{wanted}"))
    }
}

fn is_data_url(url: Text<'_>) -> bool {
    let (Text::Plain(url) | Text::Escaped(url)) = url;
    url.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}
