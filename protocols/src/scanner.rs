//! Reads JSON forward, once, without building a tree: the caller takes the values it knows and skips the others.
//!
//! Skipped input is validated against RFC 8259, so a body that was read to its end is valid JSON in UTF-8. Nesting is
//! bounded, and skipping does not recurse.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod blocks;
mod error;
mod literal;
mod top_level;

use std::ops::Range;

use crate::body::{Body, Elisions};
pub(crate) use error::JsonError;
pub(crate) use literal::{Literal, plain_prefix, quoteless_prefix, string_inside, string_prefix};
pub(crate) use top_level::{Progress, TopLevel};

/// Deepest nesting of arrays and objects.
pub(crate) const MAX_DEPTH: u32 = 128;

/// The type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// A position in JSON text. Every reading method advances it past what was read.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    elisions: Elisions<'a>,
    at: usize,
    depth: u32,
}

impl Kind {
    /// The type with its article, for messages.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `bytes`.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        Self::over(Body::from(bytes))
    }

    /// A scanner at the start of `body`. Positions index its kept text.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    pub(crate) fn over(body: Body<'a>) -> Result<Self, JsonError> {
        match simdutf8::compat::from_utf8(body.text) {
            Ok(text) => Ok(Self {
                text,
                elisions: body.elisions,
                at: 0,
                depth: 0,
            }),
            Err(error) => Err(JsonError::not_utf8(error.valid_up_to())),
        }
    }

    /// The type of the next value, by its first byte.
    pub(crate) fn kind(&mut self) -> Result<Kind, JsonError> {
        self.whitespace();
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.expected("a value")),
        }
    }

    /// Reads an object. Calls `member` after each colon; it must read exactly one value.
    pub(crate) fn object<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Literal<'a>) -> Result<(), E>,
    ) -> Result<Range<usize>, E> {
        self.whitespace();
        let start = self.at;
        self.take(b'{', "an object")?;
        self.enter()?;
        self.whitespace();
        if !self.took(b'}') {
            loop {
                let key = self.key()?;
                member(self, key)?;
                self.whitespace();
                if self.took(b'}') {
                    break;
                }
                self.take(b',', "`,` or `}`")?;
            }
        }
        self.leave();
        Ok(start..self.at)
    }

    /// Reads an array. Calls `element` with the index before each value; it must read exactly one.
    pub(crate) fn array<E: From<JsonError>>(
        &mut self,
        mut element: impl FnMut(&mut Self, usize) -> Result<(), E>,
    ) -> Result<Range<usize>, E> {
        self.whitespace();
        let start = self.at;
        self.take(b'[', "an array")?;
        self.enter()?;
        self.whitespace();
        if !self.took(b']') {
            let mut index = 0_usize;
            loop {
                element(self, index)?;
                index = index.saturating_add(1);
                self.whitespace();
                if self.took(b']') {
                    break;
                }
                self.take(b',', "`,` or `]`")?;
            }
        }
        self.leave();
        Ok(start..self.at)
    }

    /// Reads a string.
    pub(crate) fn string(&mut self) -> Result<Literal<'a>, JsonError> {
        self.whitespace();
        let start = self.at;
        self.take(b'"', "a string")?;
        let mut saved_by_decoding = 0_usize;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.skip(literal::plain_prefix(rest));
            match self.peek() {
                Some(b'"') => {
                    self.skip(1);
                    let span = start..self.at;
                    let literal = Literal::new(self.text, span.clone(), saved_by_decoding);
                    if self.elisions.is_empty() {
                        return Ok(literal);
                    }
                    return Ok(literal.without(self.elisions.elided_decoded_len(&span)));
                }
                Some(b'\\') => {
                    let (length, saved) = self.escape()?;
                    self.skip(length);
                    saved_by_decoding = saved_by_decoding.saturating_add(saved);
                }
                Some(_) => {
                    return Err(self.expected("a character that may stand in a string unescaped"));
                }
                None => return Err(self.expected("the end of the string")),
            }
        }
    }

    /// Skips a value, validating it.
    pub(crate) fn value(&mut self) -> Result<Range<usize>, JsonError> {
        self.whitespace();
        let start = self.at;
        let outside = self.depth;
        // One bit per open container, the innermost lowest: set for objects. MAX_DEPTH bits suffice.
        let mut objects: u128 = 0;
        loop {
            match self.kind()? {
                Kind::Object => {
                    self.skip(1);
                    self.enter()?;
                    objects = objects << 1 | 1;
                    self.whitespace();
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                Kind::Array => {
                    self.skip(1);
                    self.enter()?;
                    objects <<= 1;
                    self.whitespace();
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                Kind::String => {
                    self.string()?;
                }
                Kind::Number => self.number()?,
                Kind::Boolean | Kind::Null => self.word()?,
            }
            // After a value, or before the end of an empty container.
            loop {
                if self.depth == outside {
                    return Ok(start..self.at);
                }
                self.whitespace();
                let in_object = objects & 1 == 1;
                if self.took(if in_object { b'}' } else { b']' }) {
                    self.leave();
                    objects >>= 1;
                } else if in_object {
                    self.take(b',', "`,` or `}`")?;
                    self.key()?;
                    break;
                } else {
                    self.take(b',', "`,` or `]`")?;
                    break;
                }
            }
        }
    }

    /// Skips a value and returns its text.
    pub(crate) fn raw(&mut self) -> Result<&'a str, JsonError> {
        let span = self.value()?;
        Ok(self.text(span))
    }

    /// Length of `span` including what was elided.
    pub(crate) fn length(&self, span: &Range<usize>) -> usize {
        self.elisions.length(span)
    }

    /// The text of `span`.
    pub(crate) fn text(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    /// Checks that nothing but white space is left.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.whitespace();
        if self.at < self.text.len() {
            Err(self.expected("the end of the body"))
        } else {
            Ok(())
        }
    }

    /// Reads a key, its colon, and the white space around both.
    fn key(&mut self) -> Result<Literal<'a>, JsonError> {
        self.whitespace();
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in quotes"));
        }
        let key = self.string()?;
        self.whitespace();
        self.take(b':', "`:`")?;
        Ok(key)
    }

    /// Length of the escape sequence here, and the bytes that decoding saves.
    fn escape(&self) -> Result<(usize, usize), JsonError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        literal::escape_sequence(rest).ok_or_else(|| {
            JsonError::expected("an escape sequence", self.text, self.at.saturating_add(1))
        })
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.took(b'-');
        if self.took(b'0') {
            // A following digit is caught by the caller's next expectation.
        } else {
            self.digits()?;
        }
        if self.took(b'.') {
            self.digits()?;
        }
        if self.took(b'e') || self.took(b'E') {
            if !self.took(b'+') {
                self.took(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.expected("a digit"));
        }
        self.skip(count);
        Ok(())
    }

    fn word(&mut self) -> Result<(), JsonError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        for word in ["true", "false", "null"] {
            if rest.starts_with(word.as_bytes()) {
                self.skip(word.len());
                return Ok(());
            }
        }
        Err(self.expected("`true`, `false` or `null`"))
    }

    #[inline]
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth >= MAX_DEPTH {
            return Err(JsonError::too_deep());
        }
        self.depth = self.depth.saturating_add(1);
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    #[inline]
    fn took(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        if here {
            self.skip(1);
        }
        here
    }

    #[inline]
    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), JsonError> {
        if self.took(byte) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    #[inline]
    fn whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.skip(1);
        }
    }

    fn expected(&self, what: &'static str) -> JsonError {
        JsonError::expected(what, self.text, self.at)
    }
}

#[cfg(test)]
mod tests;
