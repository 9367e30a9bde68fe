//! Messages and their parts: text, images, and which ones start and end the conversation.

use std::borrow::Cow;
use std::ops::Range;

use super::member::{MessageInfo, required_string, string};
use super::mismatch::Mismatch;
use super::names::{self, Names};
use crate::scanner::{Kind, Literal, Scanner};

/// Bytes of prompt per token id.
const BYTES_PER_TOKEN: usize = 4;

/// What every provider knows of a call and of its function.
const KNOWN_OF_CALLS: &[&str] = &["id", "type", "function", "index", "name", "arguments"];

/// Accumulates the messages of a request.
#[derive(Debug, Default)]
pub(super) struct Messages<'a> {
    conversation_start: ConversationStart,
    /// Text parts of the last user message that has any.
    last_user_text: Vec<Literal<'a>>,
    /// Text parts of the current message. A field, to reuse its allocation.
    text: Vec<Literal<'a>>,
    text_bytes: usize,
    images: u32,
    audio: bool,
    /// Something was found that not every provider takes as it is.
    is_special: bool,
    has_calls: bool,
}

/// The range from the first message to the end of the first user message.
#[derive(Debug, Default)]
struct ConversationStart {
    span: Option<Range<usize>>,
    has_user: bool,
}

/// Where a content part occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a message itself.
    Message,
    /// Inside a tool result or a system prompt.
    Inside,
}

impl ConversationStart {
    fn message(&mut self, span: Range<usize>, from_user: bool) {
        if self.has_user {
            return;
        }
        match &mut self.span {
            None => self.span = Some(span),
            // Without a user message only the first message counts.
            Some(conversation_start) if from_user => conversation_start.end = span.end,
            Some(_) => {}
        }
        self.has_user = from_user;
    }
}

impl<'a> Messages<'a> {
    pub(super) fn add_text(&mut self, bytes: usize) {
        self.text_bytes = self.text_bytes.saturating_add(bytes);
    }

    /// Reads a list of messages, or of Responses input items.
    pub(super) fn list(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Mismatch> {
        match scanner.kind()? {
            Kind::Array => {}
            other => return Err(Mismatch::wrong_type("an array", other)),
        }
        scanner.array(|scanner, index| {
            self.message(index, scanner)
                .map_err(|mismatch| mismatch.at(index))
        })?;
        Ok(())
    }

    /// Reads a text, a list of texts, token ids, or lists of them.
    pub(super) fn input(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Mismatch> {
        let span = match scanner.kind()? {
            Kind::String => {
                let text = scanner.string()?;
                self.add_text(text.decoded_len());
                let span = text.span();
                self.last_user_text = vec![text];
                span
            }
            Kind::Null => scanner.value()?,
            Kind::Array => scanner.array(|scanner, index| {
                self.input_element(scanner)
                    .map_err(|mismatch| mismatch.at(index))
            })?,
            other => return Err(Mismatch::wrong_type("a string or an array", other)),
        };
        self.conversation_start.message(span, true);
        Ok(())
    }

    fn input_element(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Mismatch> {
        match scanner.kind()? {
            Kind::String => {
                let text = scanner.string()?;
                self.add_text(text.decoded_len());
            }
            Kind::Number => {
                scanner.value()?;
                self.add_text(BYTES_PER_TOKEN);
            }
            Kind::Array => {
                scanner.array(|scanner, index| match scanner.kind()? {
                    Kind::Number => {
                        scanner.value()?;
                        self.add_text(BYTES_PER_TOKEN);
                        Ok(())
                    }
                    other => Err(Mismatch::wrong_type("a number", other).at(index)),
                })?;
            }
            other => {
                return Err(Mismatch::wrong_type(
                    "a string, a number or an array",
                    other,
                ));
            }
        }
        Ok(())
    }

    /// Reads a system prompt outside the messages: a text or a list of text parts.
    pub(super) fn text_apart(
        &mut self,
        scanner: &mut Scanner<'a>,
    ) -> Result<Range<usize>, Mismatch> {
        self.content(scanner, Place::Inside)
    }

    fn message(&mut self, index: usize, scanner: &mut Scanner<'a>) -> Result<(), Mismatch> {
        match scanner.kind()? {
            Kind::Object => {}
            other => return Err(Mismatch::wrong_type("an object", other)),
        }
        self.text.clear();
        let mut role = None;
        let mut names = Names::of(names::MESSAGE);
        let span = scanner.object(|scanner, key| {
            let name = key.decode();
            names.take(&name)?;
            let read = match &*name {
                "role" => string(scanner).map(|text| role = text),
                "content" => self.content(scanner, Place::Message).map(|_| ()),
                // Call arguments and tool results are part of the prompt.
                "tool_calls" | "function_call" => {
                    self.has_calls = true;
                    calls(scanner, &mut self.is_special)
                        .map(|span| self.add_text(scanner.length(&span)))
                }
                "arguments" => string(scanner).map(|text| self.count(text.as_ref())),
                "output" => self.content(scanner, Place::Inside).map(|_| ()),
                "tool_call_id" => scanner.value().map(|_| ()).map_err(Mismatch::from),
                _ => {
                    self.is_special = true;
                    scanner.value()?;
                    Ok(())
                }
            };
            read.map_err(|mismatch| mismatch.under(name))
        })?;
        let from_user = role.as_ref().is_some_and(|role| role.is("user"));
        self.is_special |= match role {
            Some(role) if role.is("system") => index > 0,
            Some(role) => !(from_user || role.is("assistant") || role.is("tool")),
            None => false,
        };
        self.conversation_start.message(span, from_user);
        if from_user && !self.text.is_empty() {
            std::mem::swap(&mut self.text, &mut self.last_user_text);
        }
        Ok(())
    }

    fn content(
        &mut self,
        scanner: &mut Scanner<'a>,
        place: Place,
    ) -> Result<Range<usize>, Mismatch> {
        match scanner.kind()? {
            Kind::String => {
                let text = scanner.string()?;
                let span = text.span();
                self.take_text(text, place);
                Ok(span)
            }
            Kind::Array => scanner.array(|scanner, index| {
                self.part(scanner, place)
                    .map_err(|mismatch| mismatch.at(index))
            }),
            Kind::Null => Ok(scanner.value()?),
            other => Err(Mismatch::wrong_type("a string or an array", other)),
        }
    }

    fn part(&mut self, scanner: &mut Scanner<'a>, place: Place) -> Result<(), Mismatch> {
        match scanner.kind()? {
            Kind::Object => {}
            other => return Err(Mismatch::wrong_type("an object", other)),
        }
        let mut kind = None;
        let mut names = Names::of(names::MESSAGE);
        scanner.object(|scanner, key| {
            let name = key.decode();
            names.take(&name)?;
            let read = match &*name {
                "type" => required_string(scanner).map(|text| kind = Some(text)),
                "text" => string(scanner).map(|text| {
                    if let Some(text) = text {
                        self.take_text(text, place);
                    }
                }),
                "thinking" | "refusal" => string(scanner).map(|text| self.count(text.as_ref())),
                // The input of a tool call.
                "input" => {
                    let span = scanner.value()?;
                    self.add_text(scanner.length(&span));
                    Ok(())
                }
                // A tool result. The scanner bounds the nesting.
                "content" if matches!(scanner.kind()?, Kind::String | Kind::Array) => {
                    self.content(scanner, Place::Inside).map(|_| ())
                }
                "cache_control" => {
                    self.is_special = true;
                    scanner.value().map(|_| ()).map_err(Mismatch::from)
                }
                _ => {
                    scanner.value()?;
                    Ok(())
                }
            };
            read.map_err(|mismatch| mismatch.under(name))
        })?;
        match kind.map(|kind| kind.decode()).as_deref() {
            Some("image_url" | "input_image" | "image") => {
                self.images = self.images.saturating_add(1)
            }
            Some("input_audio" | "audio") => self.audio = true,
            _ => {}
        }
        Ok(())
    }

    fn take_text(&mut self, text: Literal<'a>, place: Place) {
        self.count(Some(&text));
        if place == Place::Message && !text.is_empty() {
            self.text.push(text);
        }
    }

    fn count(&mut self, text: Option<&Literal<'a>>) {
        self.add_text(text.map_or(0, Literal::decoded_len));
    }

    /// Builds the result after the last message.
    pub(super) fn finish(self) -> MessageInfo<'a> {
        let last_user_message = match self.last_user_text.as_slice() {
            texts if !texts.iter().all(Literal::is_whole) => None,
            [] => None,
            [text] => Some(text.decode()),
            [first, others @ ..] => {
                let mut joined = first.decode().into_owned();
                for text in others {
                    joined.push('\n');
                    joined.push_str(&text.decode());
                }
                Some(Cow::Owned(joined))
            }
        };
        MessageInfo {
            conversation_start_span: self.conversation_start.span.unwrap_or(0..0),
            last_user_message,
            text_bytes: self.text_bytes,
            images: self.images,
            audio: self.audio,
            are_plain: !self.is_special,
            have_calls: self.has_calls,
        }
    }
}

/// Reads a tool call, or a list of them: only the names of members matter.
fn calls(scanner: &mut Scanner<'_>, has_more: &mut bool) -> Result<Range<usize>, Mismatch> {
    match scanner.kind()? {
        Kind::Array => scanner.array(|scanner, index| {
            calls(scanner, has_more)
                .map(|_| ())
                .map_err(|mismatch| mismatch.at(index))
        }),
        Kind::Object => {
            let mut names = Names::of(names::CALL);
            scanner.object(|scanner, key| {
                let name = key.decode();
                names.take(&name)?;
                *has_more |= !KNOWN_OF_CALLS.contains(&&*name);
                match &*name {
                    "function" | "custom" => calls(scanner, has_more)
                        .map(|_| ())
                        .map_err(|mismatch| mismatch.under(name)),
                    _ => Ok(scanner.value().map(|_| ())?),
                }
            })
        }
        _ => Ok(scanner.value()?),
    }
}
