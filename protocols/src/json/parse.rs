//! Parses JSON text into a type.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::de::StrRead;

/// Parses JSON bytes as a `T`.
///
/// # Errors
/// Not UTF-8, not JSON, or not a `T`.
pub fn parse<'a, T: Deserialize<'a>>(data: &'a [u8]) -> serde_json::Result<T> {
    // `serde_json::from_slice` would compile every deserializer a second time.
    parse_text(std::str::from_utf8(data).map_err(serde_json::Error::custom)?)
}

/// Whether this is one JSON value and nothing else.
pub fn is_valid(data: &[u8]) -> bool {
    parse::<serde::de::IgnoredAny>(data).is_ok()
}

/// Parses JSON text as a `T`. A struct only matches an object, whereas derived deserializers also accept a list of the
/// members' values.
///
/// # Errors
/// Not JSON, or not a `T`.
pub fn parse_text<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(StructsAreObjects(&mut json))?;
    json.end()?;
    Ok(value)
}

/// Deserializes a struct as a map, so that the code for sequences is not even compiled.
struct StructsAreObjects<'r, 'de>(&'r mut serde_json::Deserializer<StrRead<'de>>);

macro_rules! as_it_is {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
                self.0.$method(visitor)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for StructsAreObjects<'_, 'de> {
    type Error = serde_json::Error;

    as_it_is! {
        deserialize_any deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit
        deserialize_seq deserialize_map deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.0.deserialize_map(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.0.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.0.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.0.deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.0.deserialize_enum(name, variants, visitor)
    }
}

#[cfg(test)]
mod tests;
