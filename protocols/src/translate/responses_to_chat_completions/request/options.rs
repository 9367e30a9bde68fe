//! Options that Chat Completions has under other names.

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::chat_completions;
use crate::json::{self, Object, Text, Writer};
use catalog::Effort;

/// `text`
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TextConfig<'a> {
    format: Format<'a>,
    pub(super) verbosity: Option<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Format<'a> {
    #[default]
    Text,
    JsonObject,
    JsonSchema {
        name: Text<'a>,
        description: Option<Text<'a>>,
        schema: &'a RawValue,
        strict: Option<bool>,
    },
}

impl<'a> TextConfig<'a> {
    pub(super) fn read(raw: &'a RawValue) -> Result<Self, RequestError> {
        let text: Object<'_> = json::read(raw, "text", "an object")?;
        let mut config = Self::default();
        for (name, value) in text.fields() {
            match name {
                "format" => config.format = Format::read(value)?,
                "verbosity" => config.verbosity = Some(value),
                _ => return Err(unknown("text", name)),
            }
        }
        Ok(config)
    }

    /// Writes `response_format`; text is the default.
    pub(super) fn write_format(&self, w: &mut Writer<'_>) {
        match self.format {
            Format::Text => {}
            Format::JsonObject => w
                .field("response_format")
                .object(|w| w.field("type").string("json_object")),
            Format::JsonSchema {
                name,
                description,
                schema,
                strict,
            } => w.field("response_format").object(|w| {
                w.field("type").string("json_schema");
                w.field("json_schema").object(|w| {
                    w.field("name").text(name);
                    if let Some(description) = description {
                        w.field("description").text(description);
                    }
                    w.field("schema").raw(schema);
                    if let Some(strict) = strict {
                        w.field("strict").bool(strict);
                    }
                });
            }),
        }
    }
}

impl<'a> Format<'a> {
    fn read(raw: &'a RawValue) -> Result<Self, RequestError> {
        const PATH: &str = "text.format";
        let format: Object<'_> = json::read(raw, PATH, "an object")?;
        let required = |name: &str| {
            format
                .get(name)
                .ok_or_else(|| RequestError::missing(format!("{PATH}.{name}")))
        };
        match json::characters(required("type")?, "text.format.type")?.as_ref() {
            "text" => Ok(Self::Text),
            "json_object" => Ok(Self::JsonObject),
            "json_schema" => {
                let schema = required("schema")?;
                json::require_object(schema, "text.format.schema")?;
                let known = ["type", "name", "description", "schema", "strict"];
                if let Some((name, _)) = format.fields().find(|(name, _)| !known.contains(name)) {
                    return Err(unknown(PATH, name));
                }
                Ok(Self::JsonSchema {
                    name: json::text(required("name")?, "text.format.name")?,
                    description: match format.get("description") {
                        Some(raw) => Some(json::text(raw, "text.format.description")?),
                        None => None,
                    },
                    schema,
                    strict: match format.get("strict") {
                        Some(raw) => Some(json::read(raw, "text.format.strict", "a boolean")?),
                        None => None,
                    },
                })
            }
            found => Err(RequestError::invalid_value(
                "text.format.type",
                format_args!("expected text, json_object or json_schema, found {found:?}"),
            )),
        }
    }
}

fn unknown(path: &str, name: &str) -> RequestError {
    RequestError {
        code: Some("unknown_parameter"),
        ..RequestError::unsupported(format!("{path}.{name}"), "unknown field")
    }
}

/// Reads `reasoning.effort`; the rest concerns summaries.
pub(super) fn read_effort(raw: &RawValue) -> Result<Option<Effort>, RequestError> {
    let reasoning: Object<'_> = json::read(raw, "reasoning", "an object")?;
    let effort = reasoning.get("effort");
    effort
        .map(|raw| chat_completions::request_reader::read_effort(raw, "reasoning.effort"))
        .transpose()
}

/// Reads a token limit.
pub(super) fn read_limit(raw: &RawValue) -> Result<u64, RequestError> {
    const PATH: &str = "max_output_tokens";
    match json::read(raw, PATH, "a whole number")? {
        0 => Err(RequestError::invalid_value(
            PATH,
            "expected at least 1, found 0",
        )),
        limit => Ok(limit),
    }
}

/// `include` may ask for data that does not exist, but not for data that would be lost.
pub(super) fn check_include(raw: &RawValue) -> Result<(), RequestError> {
    let include: Vec<Text<'_>> = json::read(raw, "include", "an array of strings")?;
    let wanted = Text::Plain("message.output_text.logprobs");
    match include.iter().position(|what| *what == wanted) {
        None => Ok(()),
        Some(index) => Err(RequestError {
            code: Some("unsupported_value"),
            ..RequestError::unsupported(
                format!("include[{index}]"),
                "the target of this request reports no logprobs in this form",
            )
        }),
    }
}
