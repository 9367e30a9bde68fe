//! Plugin configurations given as a `google.protobuf.Struct`, which Envoy hands over in protobuf's binary encoding.
//!
//! Source: google/protobuf/struct.proto. Struct: field 1 is a map entry (1 key, 2 value). Value: 1 null, 2 number,
//! 3 string, 4 bool, 5 struct, 6 list. ListValue: field 1 is a value.

use serde_json::{Map, Number, Value};

/// Deeper documents than any policy are refused instead of exhausting the stack.
const MAX_DEPTH: usize = 64;

/// The document as JSON text; `None` when the bytes are no Struct, as any YAML or JSON text is none: a text would have
/// to begin with a newline (tag 10) whose following bytes happen to be consistent lengths to its very end.
pub(crate) fn to_json(bytes: &[u8]) -> Option<String> {
    if bytes.first() != Some(&0x0a) {
        return None;
    }
    structure(bytes, MAX_DEPTH).map(|value| value.to_string())
}

enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
}

fn structure(mut bytes: &[u8], depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut map = Map::new();
    while !bytes.is_empty() {
        let (1, Field::Bytes(mut entry)) = field(&mut bytes)? else {
            return None;
        };
        let mut key = String::new();
        let mut found = Value::Null;
        while !entry.is_empty() {
            match field(&mut entry)? {
                (1, Field::Bytes(name)) => key = std::str::from_utf8(name).ok()?.to_owned(),
                (2, Field::Bytes(encoded)) => found = value(encoded, depth)?,
                _ => return None,
            }
        }
        map.insert(key, found);
    }
    Some(Value::Object(map))
}

fn list(mut bytes: &[u8], depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (1, Field::Bytes(encoded)) = field(&mut bytes)? else {
            return None;
        };
        values.push(value(encoded, depth)?);
    }
    Some(Value::Array(values))
}

fn value(mut bytes: &[u8], depth: usize) -> Option<Value> {
    let mut found = Value::Null;
    while !bytes.is_empty() {
        found = match field(&mut bytes)? {
            (1, Field::Varint(_)) => Value::Null,
            (2, Field::Fixed64(bits)) => number(f64::from_le_bytes(bits)),
            (3, Field::Bytes(text)) => Value::String(std::str::from_utf8(text).ok()?.to_owned()),
            (4, Field::Varint(bit)) => Value::Bool(bit != 0),
            (5, Field::Bytes(encoded)) => structure(encoded, depth)?,
            (6, Field::Bytes(encoded)) => list(encoded, depth)?,
            _ => return None,
        };
    }
    Some(found)
}

/// A Struct knows only doubles; a whole number was written as one.
fn number(double: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if double.fract() == 0.0 && double.abs() < EXACT {
        // In range and whole by the condition above.
        #[allow(clippy::cast_possible_truncation)]
        return Value::from(double as i64);
    }
    Number::from_f64(double).map_or(Value::Null, Value::Number)
}

/// The next field: its number and what it holds.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let tag = varint(bytes)?;
    let held = match tag & 7 {
        0 => Field::Varint(varint(bytes)?),
        1 => Field::Fixed64(take(bytes, 8)?.try_into().ok()?),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Field::Bytes(take(bytes, length)?)
        }
        _ => return None,
    };
    Some((tag >> 3, held))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *take(bytes, 1)?.first()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let taken = bytes.get(..length)?;
    *bytes = bytes.get(length..)?;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8, content: &[u8]) -> Vec<u8> {
        [
            &[number << 3 | 2, u8::try_from(content.len()).unwrap()],
            content,
        ]
        .concat()
    }

    fn entry(key: &str, encoded: &[u8]) -> Vec<u8> {
        message(
            1,
            &[message(1, key.as_bytes()), message(2, encoded)].concat(),
        )
    }

    #[test]
    fn a_struct_reads_as_the_document_it_was() {
        let double = [&[0x11][..], &100f64.to_le_bytes()].concat();
        let half = [&[0x11][..], &0.5f64.to_le_bytes()].concat();
        let list = message(
            6,
            &[message(1, &message(3, b"a")), message(1, &[0x20, 1])].concat(),
        );
        let inner = message(5, &entry("weight", &double));
        let bytes = [
            entry("name", &message(3, b"chain")),
            entry("list", &list),
            entry("inner", &inner),
            entry("half", &half),
        ];
        assert_eq!(
            to_json(&bytes.concat()).unwrap(),
            r#"{"name":"chain","list":["a",true],"inner":{"weight":100},"half":0.5}"#
        );
    }

    #[test]
    fn texts_and_broken_bytes_are_no_struct() {
        for text in [
            "",
            "providers: {}",
            "{\"a\": 1}",
            "\nproviders:\n  targets: []\n",
            "\n",
        ] {
            assert_eq!(to_json(text.as_bytes()), None, "{text:?}");
        }
        let whole = entry("name", &message(3, b"chain"));
        for length in 1..whole.len() {
            assert_eq!(
                to_json(whole.get(..length).unwrap()),
                None,
                "cut at {length}"
            );
        }
        let mut deep = message(3, b"x");
        for _ in 0..12 {
            deep = message(5, &entry("k", &deep));
        }
        assert!(to_json(&entry("deep", &deep)).is_some());
    }
}
