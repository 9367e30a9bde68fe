//! Reads one stream event without building a tree.

use std::ops::Range;

use crate::format::ClientFormat;
use crate::scanner::{JsonError, Kind, Literal, Scanner};

/// The parts of a stream event that matter for forwarding.
#[derive(Debug, Default)]
pub(super) struct Chunk<'a> {
    /// The JSON of `usage`, unless it is null.
    pub(super) usage: Option<&'a [u8]>,
    /// The same in `x_groq` (Groq) or in a choice (Moonshot).
    pub(super) usage_elsewhere: Option<&'a [u8]>,
    pub(super) model: Option<Literal<'a>>,
    /// Index of each choice, and whether it has a finish reason.
    pub(super) choices: Vec<(u64, bool)>,
    /// Something visible to a user, or a finish reason that explains its absence.
    pub(super) has_content: bool,
    /// Bytes of visible content, and of the JSON around it in deltas.
    pub(super) text_bytes: u64,
    /// Number of values with content.
    pub(super) contents: u32,
    /// The range inside the last value that is a string.
    pub(super) text: Option<Range<usize>>,
    /// The range inside `obfuscation`, which pads events to equal length.
    pub(super) padding: Option<Range<usize>>,
    /// The provider's content filter stopped a choice.
    pub(super) filtered: bool,
    pub(super) ending: Ending,
}

/// Whether the event ends the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Ending {
    #[default]
    None,
    Finished,
    Failed,
}

impl<'a> Chunk<'a> {
    /// Reads an event's data.
    ///
    /// # Errors
    /// The data is not one JSON object.
    pub(super) fn read(client: ClientFormat, data: &'a [u8]) -> Result<Self, JsonError> {
        let mut chunk = Self::default();
        let mut scanner = Scanner::new(data)?;
        let mut kind = None;
        scanner.object(|scanner, key| match &*key.decode() {
            "error" => {
                if scanner.raw()? != "null" {
                    chunk.ending = Ending::Failed;
                }
                Ok(())
            }
            "object" => {
                // vLLM reports errors this way.
                if text(scanner)?.is_some_and(|object| object.is("error")) {
                    chunk.ending = Ending::Failed;
                }
                Ok(())
            }
            "usage" => {
                chunk.usage = given(scanner)?;
                Ok(())
            }
            "x_groq" if scanner.kind()? == Kind::Object => chunk.x_groq(scanner),
            "model" => {
                chunk.model = text(scanner)?;
                Ok(())
            }
            "obfuscation" => {
                chunk.padding = text(scanner)?.map(|padding| padding.inside());
                Ok(())
            }
            "choices" => each_object(scanner, |scanner| chunk.choice(scanner)),
            "type" => {
                kind = text(scanner)?;
                Ok(())
            }
            "response" if client == ClientFormat::Responses => chunk.response(scanner),
            _ => scanner.value().map(|_| ()),
        })?;
        scanner.end()?;
        if client == ClientFormat::Responses {
            chunk.event_type(&kind.map(|kind| kind.decode()).unwrap_or_default());
        }
        Ok(chunk)
    }

    fn x_groq(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        scanner.object(|scanner, key| match &*key.decode() {
            "usage" => {
                self.usage_elsewhere = given(scanner)?;
                Ok(())
            }
            _ => scanner.value().map(|_| ()),
        })?;
        Ok(())
    }

    fn choice(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        let mut index = 0;
        let mut finished = false;
        scanner.object(|scanner, key| match &*key.decode() {
            "index" => {
                index = scanner.raw()?.parse().unwrap_or(0);
                Ok(())
            }
            "delta" if scanner.kind()? == Kind::Object => self.delta(scanner),
            "text" => {
                let value = scanner.value()?;
                let raw = scanner.text(value.clone());
                if raw.starts_with('"') && raw != "\"\"" {
                    self.content(raw, value);
                }
                Ok(())
            }
            "finish_reason" => {
                if let Some(reason) = text(scanner)? {
                    finished = true;
                    self.filtered |= reason.is("content_filter");
                    self.has_content |= reason.is("content_filter") || reason.is("length");
                }
                Ok(())
            }
            "usage" => {
                self.usage_elsewhere = given(scanner)?;
                Ok(())
            }
            _ => scanner.value().map(|_| ()),
        })?;
        self.choices.push((index, finished));
        Ok(())
    }

    /// Everything in a delta except the role is content, including members added later.
    fn delta(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        scanner.object(|scanner, key| {
            let value = scanner.value()?;
            let raw = scanner.text(value.clone());
            if !key.is("role") && !matches!(raw, "null" | "\"\"" | "[]" | "{}") {
                self.content(raw, value);
            }
            Ok::<(), JsonError>(())
        })?;
        Ok(())
    }

    /// Counts the bytes without quotes.
    fn content(&mut self, raw: &str, place: Range<usize>) {
        let inside = place.start.saturating_add(1)..place.end.saturating_sub(1);
        let bytes = u64::try_from(inside.len()).unwrap_or(u64::MAX);
        self.text_bytes = self.text_bytes.saturating_add(bytes);
        self.has_content = true;
        self.contents = self.contents.saturating_add(1);
        self.text = raw.starts_with('"').then_some(inside);
    }

    /// Reads the `response` object of Responses events.
    fn response(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        if scanner.kind()? != Kind::Object {
            return scanner.value().map(|_| ());
        }
        scanner.object(|scanner, key| match &*key.decode() {
            "usage" => {
                self.usage = given(scanner)?;
                Ok(())
            }
            "model" => {
                self.model = text(scanner)?;
                Ok(())
            }
            _ => scanner.value().map(|_| ()),
        })?;
        Ok(())
    }

    fn event_type(&mut self, kind: &str) {
        match kind {
            "response.completed" => self.ending = Ending::Finished,
            "response.incomplete" => {
                // Explains the missing content: length or content filter.
                self.has_content = true;
                self.ending = Ending::Finished;
            }
            "response.failed" | "error" => self.ending = Ending::Failed,
            "response.output_item.done" => self.has_content = true,
            kind => self.has_content |= kind.ends_with(".delta"),
        }
    }
}

/// The JSON of a value, unless it is null.
fn given<'a>(scanner: &mut Scanner<'a>) -> Result<Option<&'a [u8]>, JsonError> {
    let raw = scanner.raw()?;
    Ok((raw != "null").then_some(raw.as_bytes()))
}

/// A string; `None` for other types.
fn text<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Literal<'a>>, JsonError> {
    if scanner.kind()? == Kind::String {
        return scanner.string().map(Some);
    }
    scanner.value()?;
    Ok(None)
}

/// Calls `element` for each object of an array and skips other values.
fn each_object<'a>(
    scanner: &mut Scanner<'a>,
    mut element: impl FnMut(&mut Scanner<'a>) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    if scanner.kind()? != Kind::Array {
        return scanner.value().map(|_| ());
    }
    scanner.array(|scanner, _| match scanner.kind()? {
        Kind::Object => element(scanner),
        _ => scanner.value().map(|_| ()),
    })?;
    Ok(())
}
