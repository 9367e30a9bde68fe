//! Objects whose values are parsed later, by the code that knows the field.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{ProviderError, RequestError};
use crate::json::{Text, parse, parse_text};

/// The fields of an object in order, values unparsed.
#[derive(Debug, Clone, Default)]
pub struct Object<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The value of the last field with this name, as JSON parsers resolve duplicates; `null` counts as absent.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().rev().find(|(key, _)| key == name)?;
        (!is_null(value)).then_some(*value)
    }

    /// All fields except those that are `null`, which counts as absent.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        let given = self.0.iter().filter(|(_, value)| !is_null(value));
        given.map(|(name, value)| (name.as_ref(), *value))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// A field name, borrowed if it contains no escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// The type of a raw value, for [`RequestError::wrong_type`].
pub fn kind(raw: &RawValue) -> &'static str {
    match raw.get().bytes().next() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Reads `raw`, the value of the request field `path`, as a `T`; `expected` describes it (`an array`).
///
/// # Errors
/// The value has another type.
pub fn read<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    path: impl fmt::Display,
    expected: &str,
) -> Result<T, RequestError> {
    parse_text(raw.get()).map_err(|_| wrong_type(raw, &path, expected))
}

/// Checks that `raw`, the value of the request field `path`, is an object, which is forwarded unparsed.
///
/// # Errors
/// The value has another type.
pub fn require_object(raw: &RawValue, path: impl fmt::Display) -> Result<(), RequestError> {
    if raw.get().starts_with('{') {
        Ok(())
    } else {
        Err(wrong_type(raw, &path, "an object"))
    }
}

/// Separate from its generic callers, which are compiled for each type and path.
#[cold]
#[inline(never)]
fn wrong_type(raw: &RawValue, path: &dyn fmt::Display, expected: &str) -> RequestError {
    RequestError::wrong_type(path.to_string(), expected, kind(raw))
}

/// Reads `raw`, the value of the request field `path`, as a string.
///
/// # Errors
/// The value has another type.
pub fn text<'a>(raw: &'a RawValue, path: impl fmt::Display) -> Result<Text<'a>, RequestError> {
    Text::of(raw).ok_or_else(|| wrong_type(raw, &path, "a string"))
}

/// Reads `raw`, the value of the request field `path`, as decoded text.
///
/// # Errors
/// The value has another type, or contains a lone surrogate.
pub fn characters<'a>(
    raw: &'a RawValue,
    path: impl fmt::Display + Copy,
) -> Result<Cow<'a, str>, RequestError> {
    text(raw, path)?
        .decode()
        .ok_or_else(|| RequestError::invalid_value(path.to_string(), "not valid Unicode"))
}

/// Parses an upstream's response or event.
///
/// # Errors
/// The data is not an object, or lacks what `T` requires.
pub fn read_response<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Result<T, ProviderError> {
    if data.trim_ascii_start().first() == Some(&b'{') {
        parse(data).map_err(ProviderError::invalid_response)
    } else {
        Err(ProviderError::invalid_response("expected a JSON object"))
    }
}

/// For response fields: a value of an unexpected type counts as absent, because one odd field of a provider must not
/// fail the client's request.
///
/// # Errors
/// Only malformed JSON.
pub fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let raw = <&'de RawValue>::deserialize(deserializer)?;
    Ok(parse_text(raw.get()).ok())
}

/// [`lenient`] for counters: any number, truncated.
///
/// # Errors
/// Only malformed JSON.
pub fn lenient_u64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number: Option<serde_json::Number> = lenient(deserializer)?;
    Ok(number.and_then(|number| {
        let rounded = || number.as_f64().map(|number| number as u64);
        number.as_u64().or_else(rounded)
    }))
}
