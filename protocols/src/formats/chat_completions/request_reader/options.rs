//! Request options that other protocols share.

use std::fmt;

use catalog::{Effort, Word};
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::json::{self, Object, Text};

/// A number that is forwarded as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number<'a> {
    /// Its digits.
    pub json: &'a str,
    /// Its value.
    pub value: f64,
}

/// `response_format`
#[derive(Debug, Clone, Copy, Default)]
pub enum ResponseFormat<'a> {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object. OpenAI requires that the prompt asks for JSON as well.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema's name.
        name: Text<'a>,
        /// What the output is for.
        description: Option<Text<'a>>,
        /// A JSON Schema object.
        schema: &'a RawValue,
        /// The output must follow it exactly.
        strict: bool,
    },
}

impl<'a> Number<'a> {
    /// Reads the request field `path`: a number from 0 to `max`.
    pub(crate) fn read(
        raw: &'a RawValue,
        path: impl fmt::Display,
        max: f64,
    ) -> Result<Self, RequestError> {
        let value: f64 = json::read(raw, &path, "a number")?;
        if (0.0..=max).contains(&value) {
            let json = raw.get();
            Ok(Self { json, value })
        } else {
            let expected = format!("expected a number from 0 to {max}, found {}", raw.get());
            Err(RequestError::invalid_value(path.to_string(), expected))
        }
    }
}

/// Reads an effort, the request field `path`.
///
/// # Errors
/// It is no effort that OpenAI has a word for.
pub(crate) fn read_effort(raw: &RawValue, path: &str) -> Result<Effort, RequestError> {
    let word = json::characters(raw, path)?;
    Effort::named(&word).ok_or_else(|| {
        RequestError::invalid_value(
            path,
            format_args!(
                "expected none, minimal, low, medium, high, xhigh or max, found {:?}",
                word.as_ref()
            ),
        )
    })
}

impl<'a> ResponseFormat<'a> {
    pub(super) fn read(raw: &'a RawValue) -> Result<Self, RequestError> {
        let format: Object<'_> = json::read(raw, "response_format", "an object")?;
        let kind = format
            .get("type")
            .ok_or_else(|| RequestError::missing("response_format.type"))?;
        match json::characters(kind, "response_format.type")?.as_ref() {
            "text" => Ok(Self::Text),
            "json_object" => Ok(Self::JsonObject),
            "json_schema" => Self::read_schema(&format),
            found => Err(RequestError::invalid_value(
                "response_format.type",
                format_args!("expected text, json_object or json_schema, found {found:?}"),
            )),
        }
    }

    fn read_schema(format: &Object<'a>) -> Result<Self, RequestError> {
        const PATH: &str = "response_format.json_schema";
        let raw = format
            .get("json_schema")
            .ok_or_else(|| RequestError::missing(PATH))?;
        let fields: Object<'_> = json::read(raw, PATH, "an object")?;
        let text = |name: &str| {
            let raw = fields.get(name);
            raw.map(|raw| json::text(raw, format_args!("{PATH}.{name}")))
                .transpose()
        };
        let name = text("name")?.unwrap_or(Text::Plain("response"));
        let description = text("description")?;
        let Some(schema) = fields.get("schema") else {
            // A format without a schema means any JSON.
            return Ok(Self::JsonObject);
        };
        json::require_object(schema, format_args!("{PATH}.schema"))?;
        let strict = match fields.get("strict") {
            Some(strict) => json::read(strict, format_args!("{PATH}.strict"), "a boolean")?,
            None => false,
        };
        Ok(Self::JsonSchema {
            name,
            description,
            schema,
            strict,
        })
    }
}

/// Reads a token limit.
pub(super) fn read_limit(raw: &RawValue, path: impl fmt::Display) -> Result<u64, RequestError> {
    let limit = json::read(raw, &path, "a whole number")?;
    if limit > 0 {
        Ok(limit)
    } else {
        Err(RequestError::invalid_value(
            path.to_string(),
            "expected at least 1, found 0",
        ))
    }
}

/// Reads `stop`: a string or a list of strings.
pub(super) fn read_stop(raw: &RawValue) -> Result<Vec<Text<'_>>, RequestError> {
    if let Some(one) = Text::of(raw) {
        return Ok(vec![one]);
    }
    json::read(raw, "stop", "a string or an array of strings")
}
