//! How a model is asked for JSON of a schema.

use std::borrow::Cow;

use catalog::{Dialect, JsonSchemaSupport};
use serde_json::value::RawValue;

use crate::schema_subset::{self, SchemaUse};

/// A wish for JSON of a schema, in the way that the model has. Empty where there is none.
#[derive(Debug, Default)]
pub struct AskedSchema<'a> {
    /// For `outputConfig`.
    pub schema: Option<Cow<'a, str>>,
    /// For the system prompt, where the model takes no `outputConfig`.
    pub words: Option<String>,
}

impl<'a> AskedSchema<'a> {
    /// Asks for JSON of `schema`.
    pub fn of(dialect: &Dialect, schema: Option<&'a RawValue>) -> Self {
        let Some(schema) = schema else {
            return Self::default();
        };
        let takes_schema = match dialect.json_schema {
            // Claude before 4.5 has been recorded with it as well.
            JsonSchemaSupport::Native
            | JsonSchemaSupport::WithoutTools
            | JsonSchemaSupport::Tool => true,
            JsonSchemaSupport::JsonObject | JsonSchemaSupport::Prompt => false,
        };
        if takes_schema {
            let fitted = schema_subset::fitted(dialect.schema, SchemaUse::Strict, schema);
            return Self {
                schema: Some(fitted),
                words: None,
            };
        }
        Self {
            schema: None,
            words: Some(schema_subset::in_words(schema.get())),
        }
    }
}
