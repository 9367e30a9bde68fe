//! Where the texts that a model reads stand in a client's request, so that they can be judged and replaced in place.
//!
//! Texts are the words of messages, system prompts, documents and tools' results, and what tools were called with.
//! Everything else is passed over: media, names and ids, schemas and descriptions of tools, and what a provider signed
//! (thinking, reasoning, encrypted content), which would be refused if a byte of it were changed.

use std::ops::Range;

use crate::error::RequestError;
use crate::format::ClientFormat;
use crate::scanner::{JsonError, Kind, Literal, Scanner};

/// One string literal that holds text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSpan {
    /// Bytes between the quotes, escapes as the client wrote them.
    pub inside: Range<usize>,
    /// The text is itself JSON: the arguments of a function call.
    pub is_json: bool,
}

/// Finds the texts of `body` in the order in which they stand.
///
/// # Errors
/// Not JSON. A body whose members are of other types than its format asks for is none: those hold no text.
pub fn scan(format: ClientFormat, body: &[u8]) -> Result<Vec<TextSpan>, RequestError> {
    read(format, body).map_err(RequestError::not_json)
}

fn read(format: ClientFormat, body: &[u8]) -> Result<Vec<TextSpan>, JsonError> {
    let mut scanner = Scanner::new(body)?;
    let mut texts = Texts::default();
    members(&mut scanner, |scanner, name| {
        use ClientFormat::{
            AnthropicCountTokens, AnthropicMessages, ChatCompletions, Completions, Embeddings,
            Responses,
        };
        match (name, format) {
            ("messages", ChatCompletions | AnthropicMessages | AnthropicCountTokens)
            | ("input", Responses) => texts.messages(scanner),
            ("system", AnthropicMessages | AnthropicCountTokens) | ("instructions", Responses) => {
                texts.content(scanner)
            }
            ("prediction", ChatCompletions) => texts.part(scanner),
            ("prompt" | "suffix", Completions) | ("input", Embeddings) => {
                texts.all_strings(scanner)
            }
            ("prompt", Responses) => members(scanner, |scanner, name| match name {
                "variables" => texts.variables(scanner),
                _ => pass(scanner),
            }),
            _ => pass(scanner),
        }
    })?;
    scanner.end()?;
    Ok(texts.found)
}

#[derive(Debug, Default)]
struct Texts {
    found: Vec<TextSpan>,
}

impl Texts {
    fn push(&mut self, literal: &Literal<'_>, is_json: bool) {
        let span = literal.span();
        let inside = span.start.saturating_add(1)..span.end.saturating_sub(1);
        if !inside.is_empty() {
            self.found.push(TextSpan { inside, is_json });
        }
    }

    /// A string, which is text; anything else is passed over.
    fn text(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        if scanner.kind()? != Kind::String {
            return pass(scanner);
        }
        let literal = scanner.string()?;
        self.push(&literal, false);
        Ok(())
    }

    /// A list of messages or of input items. OpenAI Responses takes a text as well.
    fn messages(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        elements(scanner, |scanner| {
            if scanner.kind()? != Kind::Object {
                return self.text(scanner);
            }
            members(scanner, |scanner, name| match name {
                "content" | "output" => self.content(scanner),
                "tool_calls" => elements(scanner, |scanner| self.call(scanner)),
                // Chat Completions' older form: `{name, arguments}`.
                "function_call" => self.call(scanner),
                // Items of Responses are calls themselves.
                "arguments" => self.arguments(scanner),
                "input" => self.text(scanner),
                _ => pass(scanner),
            })
        })
    }

    /// A text, or a list of parts.
    fn content(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        elements(scanner, |scanner| match scanner.kind()? {
            Kind::Object => self.part(scanner),
            _ => self.text(scanner),
        })
    }

    /// A content part of any API. Nesting is bounded by the scanner.
    fn part(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        members(scanner, |scanner, name| match name {
            "text" => self.text(scanner),
            // The result of a tool, or of a search.
            "content" => self.content(scanner),
            // What Anthropic's tools were called with.
            "input" => self.all_strings(scanner),
            "source" => self.source(scanner),
            // Of documents.
            "title" | "context" => self.text(scanner),
            _ => pass(scanner),
        })
    }

    /// Where Anthropic's documents and images come from. Only `{"type": "text", "data": …}` and `content` are text.
    fn source(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        let mut data = None;
        let mut is_text = false;
        members(scanner, |scanner, name| {
            match (name, scanner.kind()?) {
                ("type", Kind::String) => is_text = scanner.string()?.is("text"),
                ("data", Kind::String) => data = Some(scanner.string()?),
                ("content", _) => return self.content(scanner),
                _ => return pass(scanner),
            }
            Ok(())
        })?;
        if let (true, Some(data)) = (is_text, data) {
            self.push(&data, false);
        }
        Ok(())
    }

    /// A call of a function or of a custom tool: `{function: {name, arguments}}`, `{custom: {name, input}}`.
    fn call(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        members(scanner, |scanner, name| match name {
            "arguments" => self.arguments(scanner),
            "input" => self.text(scanner),
            "function" | "custom" => self.call(scanner),
            _ => pass(scanner),
        })
    }

    fn arguments(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        if scanner.kind()? != Kind::String {
            return pass(scanner);
        }
        let literal = scanner.string()?;
        self.push(&literal, true);
        Ok(())
    }

    /// Values of a stored prompt's variables: texts or parts.
    fn variables(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        members(scanner, |scanner, _| match scanner.kind()? {
            Kind::Object => self.part(scanner),
            _ => self.text(scanner),
        })
    }

    /// Every string in a value of any shape, but for keys.
    fn all_strings(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        match scanner.kind()? {
            Kind::Object => members(scanner, |scanner, _| self.all_strings(scanner)),
            Kind::Array => elements(scanner, |scanner| self.all_strings(scanner)),
            _ => self.text(scanner),
        }
    }
}

fn pass(scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
    scanner.value().map(|_| ())
}

/// Calls `member` for each member of an object, and passes over anything else.
fn members<'a>(
    scanner: &mut Scanner<'a>,
    mut member: impl FnMut(&mut Scanner<'a>, &str) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    if scanner.kind()? != Kind::Object {
        return pass(scanner);
    }
    scanner
        .object(|scanner, key| member(scanner, &key.decode()))
        .map(|_| ())
}

/// Calls `element` for each element of an array, and once for anything else.
fn elements<'a>(
    scanner: &mut Scanner<'a>,
    mut element: impl FnMut(&mut Scanner<'a>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    if scanner.kind()? != Kind::Array {
        return element(scanner);
    }
    scanner.array(|scanner, _| element(scanner)).map(|_| ())
}

#[cfg(test)]
mod tests;
