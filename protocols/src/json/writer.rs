//! Writes JSON incrementally, so that commas and brackets cannot be forgotten.

use serde_json::value::RawValue;

use crate::json::Text;

/// `value` as JSON text.
pub fn written(value: &serde_json::Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Appends one JSON value to a buffer. Inside [`Writer::object`] each value follows a [`Writer::field`]; inside
/// [`Writer::array`] values follow each other.
///
/// ```
/// let mut out = Vec::new();
/// protocols::json::Writer::new(&mut out).object(|w| {
///     w.field("a").number(1);
///     w.field("b").array(|w| {
///         w.string("x");
///         w.null();
///     });
/// });
/// assert_eq!(out, br#"{"a":1,"b":["x",null]}"#);
/// ```
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// The next value or field needs a preceding comma.
    comma: bool,
}

impl<'o> Writer<'o> {
    /// A writer that appends to `out`.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    /// Starts a field of the open object. `name` must not need escapes.
    pub fn field(&mut self, name: &str) -> &mut Self {
        self.value();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.comma = false;
        self
    }

    /// Starts a field with an arbitrary name.
    pub fn key(&mut self, name: &str) -> &mut Self {
        self.string(name);
        self.out.push(b':');
        self.comma = false;
        self
    }

    /// Writes an object with the fields that `content` writes.
    pub fn object(&mut self, content: impl FnOnce(&mut Self)) {
        self.nested(b'{', content, b'}');
    }

    /// Writes an array of the values that `content` writes.
    pub fn array(&mut self, content: impl FnOnce(&mut Self)) {
        self.nested(b'[', content, b']');
    }

    /// Writes a string.
    pub fn string(&mut self, text: &str) {
        self.text(Text::Plain(text));
    }

    /// Writes a string that may be escaped already.
    pub fn text(&mut self, text: Text<'_>) {
        self.value();
        text.write(self.out);
    }

    /// Writes one string made of several pieces.
    pub fn joined<'t>(&mut self, pieces: impl IntoIterator<Item = Text<'t>>) {
        self.value();
        self.out.push(b'"');
        for piece in pieces {
            piece.write_inside(self.out);
        }
        self.out.push(b'"');
    }

    /// Writes a value as received.
    pub fn raw(&mut self, value: &RawValue) {
        self.verbatim(value.get());
    }

    /// Writes valid JSON as received.
    pub fn verbatim(&mut self, json: &str) {
        self.value();
        self.out.extend_from_slice(json.as_bytes());
    }

    /// Writes a whole number.
    pub fn number(&mut self, number: u64) {
        self.value();
        // Writing to a vector cannot fail.
        let _ = serde_json::to_writer(&mut *self.out, &number);
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.verbatim(if value { "true" } else { "false" });
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.verbatim("null");
    }

    fn value(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn nested(&mut self, open: u8, content: impl FnOnce(&mut Self), close: u8) {
        self.value();
        self.out.push(open);
        self.comma = false;
        content(self);
        self.out.push(close);
        self.comma = true;
    }
}
