//! Request options that other protocols share.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::only;
use crate::error::RequestError;
use crate::formats::chat_completions;
use crate::json::{self, Object, Text};
use catalog::Effort;

/// `thinking`
#[derive(Debug, Clone)]
pub struct ThinkingConfig<'a> {
    /// `enabled`, `adaptive`, `disabled`, or a newer value.
    pub kind: Cow<'a, str>,
    /// Thinking budget in tokens, with `enabled`.
    pub budget_tokens: Option<u64>,
    /// The whole value.
    pub raw: &'a RawValue,
}

/// `output_config`
#[derive(Debug, Clone, Copy, Default)]
pub struct OutputConfig<'a> {
    /// The requested effort.
    pub effort: Option<Effort>,
    /// The JSON Schema object that the output must follow.
    pub schema: Option<&'a RawValue>,
}

impl<'a> ThinkingConfig<'a> {
    pub(super) fn read(raw: &'a RawValue) -> Result<Self, RequestError> {
        let thinking: Object<'_> = json::read(raw, "thinking", "an object")?;
        let kind = thinking
            .get("type")
            .ok_or_else(|| RequestError::missing("thinking.type"))?;
        Ok(Self {
            kind: json::characters(kind, "thinking.type")?,
            budget_tokens: match thinking.get("budget_tokens") {
                Some(raw) => Some(json::read(raw, "thinking.budget_tokens", "a whole number")?),
                None => None,
            },
            raw,
        })
    }
}

impl<'a> OutputConfig<'a> {
    pub(super) fn read(&mut self, raw: &'a RawValue) -> Result<(), RequestError> {
        let config: Object<'_> = json::read(raw, "output_config", "an object")?;
        only(&config, "output_config", &["effort", "format"])?;
        if let Some(effort) = config.get("effort") {
            self.effort = Some(chat_completions::request_reader::read_effort(
                effort,
                "output_config.effort",
            )?);
        }
        if let Some(format) = config.get("format") {
            self.read_format(format, "output_config.format")?;
        }
        Ok(())
    }

    pub(super) fn read_format(
        &mut self,
        raw: &'a RawValue,
        path: &str,
    ) -> Result<(), RequestError> {
        let format: Object<'_> = json::read(raw, path, "an object")?;
        only(&format, path, &["type", "schema", "name"])?;
        let missing = |name: &str| RequestError::missing(format!("{path}.{name}"));
        let kind = format.get("type").ok_or_else(|| missing("type"))?;
        match json::characters(kind, format_args!("{path}.type"))?.as_ref() {
            "json_schema" => {}
            found => {
                return Err(RequestError::invalid_value(
                    format!("{path}.type"),
                    format_args!("expected json_schema, found {found:?}"),
                ));
            }
        }
        let schema = format.get("schema").ok_or_else(|| missing("schema"))?;
        json::require_object(schema, format_args!("{path}.schema"))?;
        self.schema = Some(schema);
        Ok(())
    }
}

/// Reads `metadata`. Labels other than `user_id` are for the gateway itself.
pub(super) fn read_user_id(raw: &RawValue) -> Result<Option<Text<'_>>, RequestError> {
    let metadata: Object<'_> = json::read(raw, "metadata", "an object")?;
    let user_id = metadata.get("user_id");
    user_id
        .map(|raw| json::text(raw, "metadata.user_id"))
        .transpose()
}
