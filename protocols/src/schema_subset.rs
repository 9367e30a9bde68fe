//! Fits a JSON Schema to what a provider's schemas may say. What it may not say moves into descriptions, as the vendors'
//! own SDKs do, so that the model still reads it.

use std::borrow::Cow;

use catalog::SchemaSubset;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::json;

/// Deepest nesting of references that is written out.
const MAX_REFERENCES: u8 = 6;

/// What combines schemas.
const COMBINATORS: &[&str] = &["oneOf", "anyOf", "allOf", "not", "enum"];

/// Whose schema it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemaUse {
    /// The parameters of a tool.
    Tool,
    /// The arguments of a tool, or an answer, have to follow it to the letter.
    Strict,
}

/// Fits `schema`. Returns whether it changed.
pub(crate) fn fit(subset: SchemaSubset, schema_use: SchemaUse, schema: &mut Value) -> bool {
    let Value::Object(top) = schema else {
        return false;
    };
    match (subset, schema_use) {
        (SchemaSubset::Full, _) | (SchemaSubset::Anthropic, SchemaUse::Tool) => false,
        (SchemaSubset::OpenAi, SchemaUse::Strict) => false,
        (SchemaSubset::OpenAi, SchemaUse::Tool) => open_ai(top),
        (SchemaSubset::Anthropic, SchemaUse::Strict) => {
            each(schema, &mut |schema| anthropic(schema))
        }
        (SchemaSubset::Google, _) => {
            let definitions = definitions(top);
            let resolved = resolve(schema, &definitions, 0);
            each(schema, &mut |schema| google(schema)) | resolved
        }
    }
}

/// `schema` as JSON text that fits.
pub(crate) fn fitted(
    subset: SchemaSubset,
    schema_use: SchemaUse,
    schema: &RawValue,
) -> Cow<'_, str> {
    let mut parsed: Value = json::parse_text(schema.get()).unwrap_or_default();
    if fit(subset, schema_use, &mut parsed) {
        Cow::Owned(String::from_utf8(json::written(&parsed)).unwrap_or_default())
    } else {
        Cow::Borrowed(schema.get())
    }
}

/// Asks in words for JSON of that schema.
pub(crate) fn in_words(schema: &str) -> String {
    format!("Answer with JSON of this schema and with nothing else: {schema}")
}

/// The top is an object with properties, and combines nothing.
fn open_ai(schema: &mut Map<String, Value>) -> bool {
    let described = describe(schema, COMBINATORS);
    let is_object = schema.get("type").is_none_or(|kind| kind == "object");
    let mut changed = described;
    if is_object && !schema.contains_key("type") {
        schema.insert("type".to_owned(), Value::from("object"));
        changed = true;
    }
    if is_object && !schema.get("properties").is_some_and(Value::is_object) {
        schema.insert("properties".to_owned(), Value::Object(Map::new()));
        changed = true;
    }
    changed
}

/// Objects are closed, and nothing is limited.
fn anthropic(schema: &mut Map<String, Value>) -> bool {
    let kind = schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let refused: &[&str] = match kind {
        "integer" | "number" => &[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ],
        "string" => &["minLength", "maxLength"],
        "array" => &[
            "maxItems",
            "uniqueItems",
            "contains",
            "minContains",
            "maxContains",
        ],
        "object" => &[
            "minProperties",
            "maxProperties",
            "patternProperties",
            "propertyNames",
        ],
        _ => &[],
    };
    let is_object = kind == "object";
    let is_long = kind == "array" && schema.get("minItems").and_then(Value::as_u64) > Some(1);
    let mut changed = describe(schema, refused);
    if is_long {
        changed |= describe(schema, &["minItems"]);
    }
    if is_object && schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        changed = true;
    }
    changed
}

/// No keywords that Google's schemas lack.
fn google(schema: &mut Map<String, Value>) -> bool {
    let mut changed = false;
    for name in [
        "$schema",
        "$id",
        "$defs",
        "definitions",
        "additionalProperties",
        "strict",
    ] {
        changed |= schema.shift_remove(name).is_some();
    }
    if let Some(value) = schema.shift_remove("const") {
        schema.insert("enum".to_owned(), Value::Array(vec![value]));
        changed = true;
    }
    if let Some(schemas) = schema.shift_remove("oneOf") {
        schema.entry("anyOf").or_insert(schemas);
        changed = true;
    }
    changed
        | describe(
            schema,
            &[
                "not",
                "patternProperties",
                "propertyNames",
                "if",
                "then",
                "else",
            ],
        )
}

/// Moves these keywords into the description.
fn describe(schema: &mut Map<String, Value>, keywords: &[&str]) -> bool {
    let mut moved = Map::new();
    for keyword in keywords {
        if let Some(value) = schema.shift_remove(*keyword) {
            moved.insert((*keyword).to_owned(), value);
        }
    }
    if moved.is_empty() {
        return false;
    }
    let moved = json::written(&Value::Object(moved));
    let moved = String::from_utf8(moved).unwrap_or_default();
    let description = match schema.get("description").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => format!("{text}\n\n{moved}"),
        _ => moved,
    };
    schema.insert("description".to_owned(), Value::String(description));
    true
}

/// Changes every schema inside `schema`, and itself. Parsing has bounded the nesting.
fn each(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>) -> bool) -> bool {
    let Value::Object(object) = schema else {
        return false;
    };
    let mut changed = change(object);
    for (keyword, value) in object.iter_mut() {
        changed |= match (keyword.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(named)) => named
                .values_mut()
                .fold(false, |any, inner| any | each(inner, change)),
            ("anyOf" | "allOf" | "oneOf" | "prefixItems", Value::Array(inner)) => inner
                .iter_mut()
                .fold(false, |any, inner| any | each(inner, change)),
            ("items" | "additionalProperties", inner) => each(inner, change),
            _ => false,
        };
    }
    changed
}

/// What references can mean.
fn definitions(top: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for place in ["$defs", "definitions"] {
        if let Some(Value::Object(named)) = top.get(place) {
            for (name, schema) in named {
                all.insert(format!("#/{place}/{name}"), schema.clone());
            }
        }
    }
    all
}

/// Writes references out. One that leads too deep becomes a schema that takes anything.
fn resolve(schema: &mut Value, definitions: &Map<String, Value>, depth: u8) -> bool {
    match schema {
        Value::Object(object) => {
            let meant = object.get("$ref").and_then(Value::as_str);
            let Some(meant) = meant.map(|name| definitions.get(name).cloned()) else {
                return object
                    .iter_mut()
                    .filter(|(keyword, _)| !matches!(keyword.as_str(), "$defs" | "definitions"))
                    .fold(false, |any, (_, inner)| {
                        any | resolve(inner, definitions, depth)
                    });
            };
            *schema = match meant {
                Some(mut meant) if depth < MAX_REFERENCES => {
                    resolve(&mut meant, definitions, depth.saturating_add(1));
                    meant
                }
                _ => Value::Object(Map::new()),
            };
            true
        }
        Value::Array(all) => all
            .iter_mut()
            .fold(false, |any, inner| any | resolve(inner, definitions, depth)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests;
