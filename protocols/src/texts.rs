//! The texts of a request, string by string, so that they can be checked and replaced in place.
//!
//! Everything is read, whatever its name: messages, tool inputs and results, tool definitions, metadata, unknown
//! members. Only the [`exceptions`] are skipped: media and encrypted or signed data in base64; ids and names; values
//! that an API defines; token ids.

mod exceptions;

use std::ops::Range;

use crate::error::RequestError;
use crate::scanner::{JsonError, Kind, Literal, Scanner};
use exceptions::Role;

/// One string, key or number of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSpan {
    /// The bytes between the quotes, with the client's escapes; all bytes of a number. Not empty.
    pub inside: Range<usize>,
    /// Its kind.
    pub kind: TextKind,
    /// Equal for the texts of one value, such as the input of a tool. Ascending.
    pub group: usize,
    /// The range inside the signature over this text, which becomes invalid if the text changes.
    pub signature: Option<Range<usize>>,
}

/// The kind of a text in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// A string literal.
    String,
    /// The name of a member that no API defines.
    Key,
    /// A number, which has no quotes around it.
    Number,
}

/// Calls `each` for the texts of `body` in order; for a text that may be signed, at the end of its object.
///
/// # Errors
/// The body is not JSON.
pub fn scan(body: &[u8], each: impl FnMut(TextSpan)) -> Result<(), RequestError> {
    Texts::new(each).body(body).map_err(RequestError::not_json)
}

/// [`scan`] for JSON that no API defines, such as the arguments of a call.
///
/// # Errors
/// The text is not JSON.
pub fn scan_value(json: &[u8], each: impl FnMut(TextSpan)) -> Result<(), RequestError> {
    let read = || {
        let mut scanner = Scanner::new(json)?;
        Texts::new(each).value(&mut scanner, "")?;
        scanner.end()
    };
    read().map_err(RequestError::not_json)
}

struct Texts<F> {
    each: F,
    group: usize,
    /// Inside a value whose texts belong together.
    is_grouped: bool,
}

impl<F: FnMut(TextSpan)> Texts<F> {
    fn new(each: F) -> Self {
        Self {
            each,
            group: 0,
            is_grouped: false,
        }
    }

    fn body(&mut self, body: &[u8]) -> Result<(), JsonError> {
        let mut scanner = Scanner::new(body)?;
        if scanner.kind()? == Kind::Object {
            self.members(&mut scanner, |texts, scanner, key| {
                let name = key.decode();
                match scanner.kind()? {
                    // A parameter, such as a temperature.
                    Kind::Number if exceptions::is_parameter(&name) => scanner.value().map(|_| ()),
                    _ => texts.member(scanner, key, &name, Role::in_body(&name)),
                }
            })?;
        } else {
            self.value(&mut scanner, "")?;
        }
        scanner.end()
    }

    /// Reads an object that an API defines: a message, an item, a content part, a call or a tool.
    fn object(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        let mut thoughts = Vec::new();
        let mut signature = None;
        self.members(scanner, |texts, scanner, key| {
            let name = key.decode();
            match (&*name, scanner.kind()?) {
                ("thinking", Kind::String) => thoughts.push(scanner.string()?.inside()),
                // The position of a call among the others.
                ("index", Kind::Number) => scanner.value().map(|_| ())?,
                ("signature", Kind::String) => {
                    let literal = scanner.string()?;
                    signature = Some(literal.inside());
                    texts.string(&literal, &name, Some(Role::Id));
                }
                _ => texts.member(scanner, key, &name, Role::in_object(&name))?,
            }
            Ok(())
        })?;
        for thought in thoughts {
            self.push(thought, TextKind::String, signature.clone());
        }
        Ok(())
    }

    fn member(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: &Literal<'_>,
        name: &str,
        role: Option<Role>,
    ) -> Result<(), JsonError> {
        match (role, scanner.kind()?) {
            (Some(Role::Objects | Role::Prompt | Role::Tools), Kind::Array) => {
                self.elements(scanner, name, role)
            }
            (Some(Role::Object | Role::Prompt | Role::Choice), Kind::Object) => {
                self.object(scanner)
            }
            (Some(Role::Id | Role::Word), Kind::Array) => self.elements(scanner, name, role),
            (Some(_), Kind::String) => {
                let literal = scanner.string()?;
                self.string(&literal, name, role);
                Ok(())
            }
            _ if exceptions::is_defined(name) => self.value(scanner, name),
            _ => self.grouped(|texts| {
                texts.push(key.inside(), TextKind::Key, None);
                texts.value(scanner, name)
            }),
        }
    }

    fn elements(
        &mut self,
        scanner: &mut Scanner<'_>,
        name: &str,
        role: Option<Role>,
    ) -> Result<(), JsonError> {
        let element = |scanner: &mut Scanner<'_>, _| match (role, scanner.kind()?) {
            (Some(Role::Tools), Kind::Object) => self.grouped(|texts| texts.object(scanner)),
            (_, Kind::Object) => self.object(scanner),
            (_, Kind::String) => {
                let literal = scanner.string()?;
                self.string(&literal, name, role);
                Ok(())
            }
            (Some(Role::Prompt), Kind::Array) => self.elements(scanner, name, role),
            // A token id.
            (Some(Role::Prompt), Kind::Number) => scanner.value().map(|_| ()),
            _ => self.value(scanner, name),
        };
        scanner.array(element).map(|_| ())
    }

    /// Reads a value that no API defines, recursively; `name` is its member.
    fn value(&mut self, scanner: &mut Scanner<'_>, name: &str) -> Result<(), JsonError> {
        match scanner.kind()? {
            Kind::Object => self.grouped(|texts| {
                texts.members(scanner, |texts, scanner, key| {
                    texts.push(key.inside(), TextKind::Key, None);
                    texts.value(scanner, &key.decode())
                })
            }),
            Kind::Array => self.grouped(|texts| {
                scanner
                    .array(|scanner, _| texts.value(scanner, name))
                    .map(|_| ())
            }),
            Kind::String => {
                let literal = scanner.string()?;
                self.string(&literal, name, None);
                Ok(())
            }
            Kind::Number => {
                let span = scanner.value()?;
                self.push(span, TextKind::Number, None);
                Ok(())
            }
            Kind::Boolean | Kind::Null => scanner.value().map(|_| ()),
        }
    }

    fn string(&mut self, literal: &Literal<'_>, name: &str, role: Option<Role>) {
        if !exceptions::is_excepted(name, role, literal.as_written()) {
            self.push(literal.inside(), TextKind::String, None);
        }
    }

    fn push(&mut self, inside: Range<usize>, kind: TextKind, signature: Option<Range<usize>>) {
        if inside.is_empty() {
            return;
        }
        if !self.is_grouped {
            self.group = self.group.saturating_add(1);
        }
        (self.each)(TextSpan {
            inside,
            kind,
            group: self.group,
            signature: signature.filter(|signature| !signature.is_empty()),
        });
    }

    /// Everything that `read` finds is one group, unless it is inside one already.
    fn grouped<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.is_grouped {
            return read(self);
        }
        self.group = self.group.saturating_add(1);
        self.is_grouped = true;
        let result = read(self);
        self.is_grouped = false;
        result
    }

    fn members<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        mut member: impl FnMut(&mut Self, &mut Scanner<'a>, &Literal<'a>) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        let span = scanner.object(|scanner, key| member(self, scanner, &key));
        span.map(|_| ())
    }
}

#[cfg(test)]
mod tests;
