//! Tokens of a whole request body, read as JSON in one pass without building a tree, in chunks if necessary.
//!
//! Counts the parts that reach the model: messages, prompts, instructions, tools and schemas. Images (by size), token
//! ids (one each) and the chat template's overhead per message and tool are counted separately. Invalid JSON is read as
//! far as possible.

use super::image::{BASE64_HEAD, image_tokens, size_of_base64};
use super::json_string;
use super::text::TextTokens;

/// Tokens that the chat template adds for the start of the response, each message, and each tool.
const ANSWER: u32 = 3;
const MESSAGE: u32 = 4;
const TOOL: u32 = 8;

/// Fields of messages that are structure, not text.
const STRUCTURE: &[&[u8]] = &[
    b"arguments",
    b"cache_control",
    b"call_id",
    b"content",
    b"data",
    b"detail",
    b"encrypted_content",
    b"file_data",
    b"file_id",
    b"format",
    b"function",
    b"id",
    b"image_url",
    b"input",
    b"input_audio",
    b"media_type",
    b"name",
    b"role",
    b"signature",
    b"source",
    b"status",
    b"text",
    b"thinking",
    b"tool_call_id",
    b"tool_calls",
    b"tool_use_id",
    b"type",
    b"url",
];
/// Those whose values do not reach the model as text.
const SILENT: &[&[u8]] = &[
    b"call_id",
    b"encrypted_content",
    b"file_data",
    b"file_id",
    b"format",
    b"id",
    b"media_type",
    b"role",
    b"signature",
    b"status",
    b"tool_call_id",
    b"tool_use_id",
    b"type",
];

/// A string of this length is no name, and its end is not awaited. It includes everything that is read of an image.
const MAX_NAME_BYTES: usize = BASE64_HEAD + 1024;

/// Estimated prompt tokens of a request to any of the gateway's endpoints.
pub fn of_request(body: &[u8]) -> u32 {
    let mut tokens = RequestTokens::default();
    tokens.push(body);
    tokens.finish()
}

/// Counts a request chunk by chunk, with the same result as [`of_request`] on the whole.
#[derive(Debug, Clone)]
pub struct RequestTokens {
    reader: Reader,
    /// Trailing bytes that cannot be read without what follows.
    waiting: Vec<u8>,
    longest_name: usize,
}

impl Default for RequestTokens {
    fn default() -> Self {
        Self {
            reader: Reader::new(),
            waiting: Vec::new(),
            longest_name: MAX_NAME_BYTES,
        }
    }
}

impl RequestTokens {
    /// Counts the next bytes.
    pub fn push(&mut self, piece: &[u8]) {
        let longest_name = self.longest_name;
        if self.waiting.is_empty() {
            let rest = self.reader.read(piece, Some(longest_name));
            self.waiting.extend_from_slice(rest);
        } else {
            self.waiting.extend_from_slice(piece);
            let rest = self.reader.read(&self.waiting, Some(longest_name)).len();
            let read = self.waiting.len().saturating_sub(rest);
            self.waiting.drain(..read);
        }
    }

    /// The estimate for the bytes so far.
    pub fn finish(mut self) -> u32 {
        self.reader.read(&self.waiting, None);
        self.reader.settle_image();
        self.reader.tokens.finish()
    }
}

/// The part of the request that the reader is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Parameters that do not reach the model.
    Other,
    /// `messages`, `input`, `prompt`, `system`, `instructions`
    Prompt,
    /// `tools`, `functions`, `response_format`
    Schema,
}

/// The kind of values in a field of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Text,
    /// Text, or token ids.
    TextOrIds,
    ImageUrl,
    /// An image in base64, or other data.
    Data,
    Detail,
    /// Does not reach the model.
    Silent,
}

/// A string that continues in the next chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    /// Everything needed is known.
    Silent,
}

#[derive(Debug, Clone)]
struct Reader {
    depth: usize,
    part: Part,
    /// Determined by the last key.
    field: Field,
    /// Depth and tokens of the last image, which may still turn out to be of low detail.
    image: Option<(usize, u32)>,
    /// Depth at which low detail was requested before the image.
    low_detail_at: Option<usize>,
    open: Option<Open>,
    in_number: bool,
    tokens: TextTokens,
}

impl Reader {
    fn new() -> Self {
        let mut tokens = TextTokens::default();
        tokens.add(ANSWER);
        Self {
            depth: 0,
            part: Part::Other,
            field: Field::Text,
            image: None,
            low_detail_at: None,
            open: None,
            in_number: false,
            tokens,
        }
    }

    /// Reads what does not depend on further bytes, and returns the rest. With a `longest_name` more bytes follow, and
    /// longer strings are not awaited.
    fn read<'b>(&mut self, bytes: &'b [u8], longest_name: Option<usize>) -> &'b [u8] {
        let mut rest = bytes;
        loop {
            if let Some(open) = self.open {
                match self.go_on(open, rest, longest_name.is_none()) {
                    Ok(behind) => rest = behind,
                    Err(waiting) => return waiting,
                }
            }
            if self.in_number {
                rest = self.number(rest);
            }
            let Some((&byte, behind)) = rest.split_first() else {
                return rest;
            };
            match byte {
                b'"' => match self.string(behind, longest_name) {
                    Some(behind) => rest = behind,
                    None => return rest,
                },
                b'{' => {
                    self.object();
                    rest = behind;
                }
                b'[' => {
                    self.depth = self.depth.saturating_add(1);
                    rest = behind;
                }
                b'}' | b']' => {
                    self.close();
                    rest = behind;
                }
                b'-' | b'0'..=b'9' => {
                    self.begin_number();
                    rest = behind;
                }
                _ => rest = behind,
            }
        }
    }

    fn object(&mut self) {
        self.depth = self.depth.saturating_add(1);
        // {"messages": [{
        if self.depth == 3 {
            match self.part {
                Part::Prompt => self.tokens.add(MESSAGE),
                Part::Schema => self.tokens.add(TOOL),
                Part::Other => {}
            }
        }
    }

    fn close(&mut self) {
        if self.image.is_some_and(|(depth, _)| depth == self.depth) {
            self.settle_image();
        }
        if self.low_detail_at == Some(self.depth) {
            self.low_detail_at = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// A number in a prompt is a token id; elsewhere numbers belong to schemas and parameters.
    fn begin_number(&mut self) {
        self.in_number = true;
        if self.part == Part::Prompt && self.field == Field::TextOrIds {
            self.tokens.add(1);
        }
    }

    fn number<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let end = bytes
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        self.in_number = end.is_none();
        end.and_then(|end| bytes.get(end..)).unwrap_or(b"")
    }

    /// `bytes` follow an opening quote. Returns what follows the string, or its inside if it stays open; `None` if more
    /// bytes are needed.
    fn string<'b>(&mut self, bytes: &'b [u8], longest_name: Option<usize>) -> Option<&'b [u8]> {
        let end = json_string::end_of_string(bytes);
        let (inside, behind) = split(bytes, end.unwrap_or(bytes.len()));
        let behind = behind.get(1..).unwrap_or(b"");
        let follows = behind
            .iter()
            .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        let longest = match longest_name {
            Some(longest) if end.is_err() || follows.is_none() => longest,
            Some(_) | None => {
                if follows == Some(&b':') {
                    self.key(inside);
                } else {
                    self.value(inside);
                }
                return Some(behind);
            }
        };
        if bytes.len() < longest {
            return None;
        }
        if end.is_ok() {
            self.value(inside);
            return Some(behind);
        }
        self.open = Some(self.open(inside));
        Some(inside)
    }

    /// `bytes` are inside an open string, or follow it. Returns what follows it; `Err` with the bytes that must wait
    /// for more.
    fn go_on<'b>(
        &mut self,
        open: Open,
        bytes: &'b [u8],
        is_end: bool,
    ) -> Result<&'b [u8], &'b [u8]> {
        let end = json_string::end_of_string(bytes);
        let is_whole = end.is_ok() || is_end;
        let (inside, behind) = split(bytes, end.unwrap_or(bytes.len()));
        let waiting = match open {
            Open::Text => json_string::count(&mut self.tokens, inside, is_whole),
            Open::Silent => end.map_or_else(|settled| split(bytes, settled).1, |_| b""),
        };
        if end.is_err() {
            return Err(waiting);
        }
        if open == Open::Text {
            self.tokens.end_text();
        }
        self.open = None;
        Ok(behind.get(1..).unwrap_or(b""))
    }

    fn key(&mut self, key: &[u8]) {
        self.field = match key {
            b"prompt" | b"input" => Field::TextOrIds,
            b"url" | b"image_url" => Field::ImageUrl,
            b"data" => Field::Data,
            b"detail" => Field::Detail,
            key if SILENT.contains(&key) => Field::Silent,
            _ => Field::Text,
        };
        if self.depth == 1 {
            self.part = match key {
                b"messages" | b"input" | b"prompt" | b"system" | b"instructions" => Part::Prompt,
                b"tools" | b"functions" | b"response_format" | b"text" => Part::Schema,
                _ => Part::Other,
            };
            return;
        }
        let counts = match self.part {
            Part::Other => false,
            Part::Prompt => !STRUCTURE.contains(&key),
            Part::Schema => true,
        };
        if counts {
            self.text(key);
        }
    }

    fn value(&mut self, value: &[u8]) {
        match (self.part, self.field) {
            (Part::Other, _) | (Part::Prompt, Field::Silent) => {}
            (Part::Schema, _) | (Part::Prompt, Field::Text | Field::TextOrIds) => self.text(value),
            (Part::Prompt, Field::ImageUrl) => self.image_url(value),
            (Part::Prompt, Field::Data) => {
                // Anthropic's images; audio and documents have no size and no formula.
                if let Some(size) = size_of_base64(value) {
                    self.image(image_tokens(Some(size), false));
                }
            }
            (Part::Prompt, Field::Detail) => self.detail(value),
        }
    }

    /// Starts a long value.
    fn open(&mut self, beginning: &[u8]) -> Open {
        match (self.part, self.field) {
            (Part::Schema, _) | (Part::Prompt, Field::Text | Field::TextOrIds) => Open::Text,
            (Part::Other, _)
            | (Part::Prompt, Field::ImageUrl | Field::Data | Field::Detail | Field::Silent) => {
                self.value(beginning);
                Open::Silent
            }
        }
    }

    fn image_url(&mut self, url: &[u8]) {
        let size = match url.strip_prefix(b"data:") {
            Some(data) => data
                .iter()
                .position(|&byte| byte == b',')
                .and_then(|comma| data.get(comma.saturating_add(1)..))
                .and_then(size_of_base64),
            None => None,
        };
        self.image(image_tokens(size, false));
    }

    fn image(&mut self, tokens: u32) {
        self.settle_image();
        let low = self.low_detail_at.take() == Some(self.depth);
        let tokens = if low {
            image_tokens(None, true)
        } else {
            tokens
        };
        self.image = Some((self.depth, tokens));
    }

    /// `detail` is next to the URL, before or after it.
    fn detail(&mut self, detail: &[u8]) {
        if detail != b"low" {
            return;
        }
        match &mut self.image {
            Some((depth, tokens)) if *depth == self.depth => *tokens = image_tokens(None, true),
            _ => self.low_detail_at = Some(self.depth),
        }
    }

    fn settle_image(&mut self) {
        if let Some((_, tokens)) = self.image.take() {
            self.tokens.add(tokens);
        }
    }

    /// Counts the inside of a complete string.
    fn text(&mut self, raw: &[u8]) {
        json_string::count(&mut self.tokens, raw, true);
        self.tokens.end_text();
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, b""))
}

#[cfg(test)]
mod tests;
