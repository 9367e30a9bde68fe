//! Writes an Anthropic Messages stream.

mod arguments;

use std::collections::VecDeque;

use arguments::Arguments;

use crate::error::{self, ProviderError};
use crate::format::ClientFormat;
use crate::formats::anthropic_messages::{StopReason, write_usage};
use crate::json::{Text, Writer};
use crate::usage::Usage;

/// Largest total size of queued content, in bytes.
pub const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// Size of a queued block apart from its text.
const WAITING_BLOCK_BYTES: usize = 128;

/// More content than the limit was queued behind a tool call with incomplete arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interleaved content blocks of more than {MAX_WAITING_BYTES} bytes")]
pub struct BufferLimitExceeded;

/// Writes the events of one message and keeps the rules that clients rely on:
///
/// - every event has an `event` field, which is its `type`;
/// - `message_start` comes first and once;
/// - content blocks are numbered 0, 1, 2 …, one is open at a time, and deltas match their block;
/// - content that arrives while a tool's arguments are incomplete is queued until they are complete, so upstreams may
///   interleave tools;
/// - a tool's arguments are an object: anything else is written as no arguments, which clients read as `{}`;
/// - `message_delta` carries the stop reason and all usage, then `message_stop` ends the stream;
/// - a failed stream ends with an `error` event.
///
/// Empty deltas are not written.
#[derive(Debug, Clone, Default)]
pub struct MessageStreamWriter {
    started: bool,
    ended: bool,
    /// Index of the next block on the wire.
    next_index: u64,
    /// Serial number of the next block that a caller opens; differs from `next_index` while blocks are queued.
    next_serial: u64,
    open: Option<OpenBlock>,
    /// Blocks queued behind the open one, in order. Only non-empty while the open block is an incomplete tool.
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
}

/// A tool opened by [`MessageStreamWriter::open_tool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolBlock(u64);

/// The block that is open on the wire.
#[derive(Debug, Clone)]
struct OpenBlock {
    index: u64,
    kind: OpenKind,
}

#[derive(Debug, Clone)]
enum OpenKind {
    Text,
    Thinking,
    Tool { serial: u64, arguments: Arguments },
}

/// A queued block. Strings are insides of JSON literals.
#[derive(Debug, Clone)]
enum Waiting {
    Text {
        text: Vec<u8>,
    },
    Thinking {
        thinking: Vec<u8>,
        signature: Vec<u8>,
    },
    Redacted {
        data: Vec<u8>,
    },
    Tool {
        id: Vec<u8>,
        name: Vec<u8>,
        arguments: Vec<u8>,
        closed: bool,
    },
}

impl MessageStreamWriter {
    /// A stream without output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `message_start`. `usage` is what the provider has reported so far; [`MessageStreamWriter::finish`]
    /// corrects it.
    pub fn start(&mut self, id: Text<'_>, model: Text<'_>, usage: &Usage, out: &mut Vec<u8>) {
        if self.ended || std::mem::replace(&mut self.started, true) {
            return;
        }
        event(out, "message_start", |w| {
            w.field("message").object(|w| {
                w.field("id").text(id);
                w.field("type").string("message");
                w.field("role").string("assistant");
                w.field("model").text(model);
                w.field("content").array(|_| {});
                w.field("stop_reason").null();
                w.field("stop_sequence").null();
                write_usage(w.field("usage"), usage);
            });
        });
    }

    /// `message_start` has been written.
    pub fn has_started(&self) -> bool {
        self.started
    }

    /// Writes `ping`, which keeps an idle connection open.
    pub fn ping(&self, out: &mut Vec<u8>) {
        if self.started && !self.ended {
            event(out, "ping", |_| {});
        }
    }

    /// Writes text to the open text block or a new one.
    ///
    /// # Errors
    /// The queue is full.
    pub fn text(&mut self, text: Text<'_>, out: &mut Vec<u8>) -> Result<(), BufferLimitExceeded> {
        if text.is_empty() || self.ended {
            return Ok(());
        }
        if self.must_wait() {
            if !matches!(self.waiting.back(), Some(Waiting::Text { .. })) {
                self.wait(Waiting::Text { text: Vec::new() });
            }
            return self.append(
                |last| match last {
                    Waiting::Text { text } => Some(text),
                    _ => None,
                },
                text,
            );
        }
        if !matches!(
            self.open,
            Some(OpenBlock {
                kind: OpenKind::Text,
                ..
            })
        ) {
            self.open_text(out);
        }
        self.delta(out, "text_delta", "text", text);
        Ok(())
    }

    /// Writes reasoning to the open thinking block or a new one.
    ///
    /// # Errors
    /// The queue is full.
    pub fn thinking(
        &mut self,
        thinking: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), BufferLimitExceeded> {
        self.think(thinking, Part::Thinking, out)
    }

    /// Writes the signature of the open thinking block; at most once per block.
    ///
    /// # Errors
    /// The queue is full.
    pub fn signature(
        &mut self,
        signature: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), BufferLimitExceeded> {
        self.think(signature, Part::Signature, out)
    }

    /// Writes a block of reasoning that only the provider can decrypt.
    ///
    /// # Errors
    /// The queue is full.
    pub fn redacted_thinking(
        &mut self,
        data: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), BufferLimitExceeded> {
        if self.ended {
            return Ok(());
        }
        if self.must_wait() {
            self.wait(Waiting::Redacted { data: Vec::new() });
            return self.append(
                |last| match last {
                    Waiting::Redacted { data } => Some(data),
                    _ => None,
                },
                data,
            );
        }
        self.write_redacted(data, out);
        Ok(())
    }

    /// Opens a tool call. Several may be open at once.
    ///
    /// # Errors
    /// The queue is full.
    pub fn open_tool(
        &mut self,
        id: Text<'_>,
        name: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<ToolBlock, BufferLimitExceeded> {
        let serial = self.next_serial;
        if self.ended {
            return Ok(ToolBlock(serial));
        }
        if self.must_wait() {
            let (mut id_inside, mut name_inside) = (Vec::new(), Vec::new());
            id.write_inside(&mut id_inside);
            name.write_inside(&mut name_inside);
            self.count_waiting(id_inside.len().saturating_add(name_inside.len()))?;
            self.wait(Waiting::Tool {
                id: id_inside,
                name: name_inside,
                arguments: Vec::new(),
                closed: false,
            });
            self.count_waiting(0)?;
        } else {
            self.next_serial = serial.saturating_add(1);
            self.write_tool(serial, id, name, out);
        }
        Ok(ToolBlock(serial))
    }

    /// Writes a fragment of a tool's arguments.
    ///
    /// # Errors
    /// The queue is full.
    pub fn tool_arguments(
        &mut self,
        tool: ToolBlock,
        fragment: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), BufferLimitExceeded> {
        if fragment.is_empty() || self.ended {
            return Ok(());
        }
        if self.is_open(tool) {
            self.write_arguments(fragment, out);
            self.advance(out);
            return Ok(());
        }
        let before = self.waiting_bytes;
        let Some(Waiting::Tool { arguments, .. }) = self.waiting_tool(tool) else {
            return Ok(());
        };
        let length = arguments.len();
        fragment.write_inside(arguments);
        let added = arguments.len().saturating_sub(length);
        self.waiting_bytes = before;
        self.count_waiting(added)
    }

    /// Closes a tool call: its arguments are complete.
    pub fn close_tool(&mut self, tool: ToolBlock, out: &mut Vec<u8>) {
        if self.is_open(tool) {
            self.close(out);
            self.advance(out);
        } else if let Some(Waiting::Tool { closed, .. }) = self.waiting_tool(tool) {
            *closed = true;
        }
    }

    /// Closes the open text or thinking block: further content starts a new block.
    pub fn close_block(&mut self, out: &mut Vec<u8>) {
        if !self.must_wait() {
            self.close(out);
        }
    }

    /// Ends the message: writes everything queued, then `message_delta` and `message_stop`.
    pub fn finish(
        &mut self,
        reason: StopReason,
        stop_sequence: Option<Text<'_>>,
        usage: &Usage,
        out: &mut Vec<u8>,
    ) {
        if self.ended {
            return;
        }
        self.close(out);
        while self.advance(out) {
            self.close(out);
        }
        self.close(out);
        self.ended = true;
        event(out, "message_delta", |w| {
            w.field("delta").object(|w| {
                w.field("stop_reason").string(reason.as_str());
                match stop_sequence {
                    Some(sequence) => w.field("stop_sequence").text(sequence),
                    None => w.field("stop_sequence").null(),
                }
            });
            write_usage(w.field("usage"), usage);
        });
        event(out, "message_stop", |_| {});
    }

    /// Ends the stream with an `error` event and discards the queue.
    pub fn fail(&mut self, error: &ProviderError, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.ended, true) {
            self.waiting = VecDeque::new();
            error::write_stream_error(out, ClientFormat::AnthropicMessages, error);
        }
    }

    /// The open block is a tool with incomplete arguments.
    fn must_wait(&self) -> bool {
        match &self.open {
            Some(OpenBlock {
                kind: OpenKind::Tool { arguments, .. },
                ..
            }) => !arguments.is_complete(),
            Some(_) | None => false,
        }
    }

    fn is_open(&self, tool: ToolBlock) -> bool {
        matches!(
            &self.open,
            Some(OpenBlock { kind: OpenKind::Tool { serial, .. }, .. }) if *serial == tool.0
        )
    }

    fn waiting_tool(&mut self, tool: ToolBlock) -> Option<&mut Waiting> {
        let first = self
            .next_serial
            .checked_sub(u64::try_from(self.waiting.len()).ok()?)?;
        let position = usize::try_from(tool.0.checked_sub(first)?).ok()?;
        self.waiting.get_mut(position)
    }

    fn wait(&mut self, block: Waiting) {
        self.next_serial = self.next_serial.saturating_add(1);
        self.waiting_bytes = self.waiting_bytes.saturating_add(WAITING_BLOCK_BYTES);
        self.waiting.push_back(block);
    }

    /// Appends `text` to the buffer that `field` selects in the last queued block.
    fn append(
        &mut self,
        field: impl FnOnce(&mut Waiting) -> Option<&mut Vec<u8>>,
        text: Text<'_>,
    ) -> Result<(), BufferLimitExceeded> {
        let mut added = 0;
        if let Some(buffer) = self.waiting.back_mut().and_then(field) {
            let length = buffer.len();
            text.write_inside(buffer);
            added = buffer.len().saturating_sub(length);
        }
        self.count_waiting(added)
    }

    fn count_waiting(&mut self, added: usize) -> Result<(), BufferLimitExceeded> {
        self.waiting_bytes = self.waiting_bytes.saturating_add(added);
        if self.waiting_bytes > MAX_WAITING_BYTES {
            return Err(BufferLimitExceeded);
        }
        Ok(())
    }

    /// Writes queued blocks up to the next incomplete tool. Returns `true` if there is one.
    fn advance(&mut self, out: &mut Vec<u8>) -> bool {
        while !self.must_wait() {
            let serial = self
                .next_serial
                .saturating_sub(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX));
            let Some(block) = self.waiting.pop_front() else {
                self.waiting_bytes = 0;
                return false;
            };
            match block {
                Waiting::Text { text } => {
                    self.open_text(out);
                    self.delta(out, "text_delta", "text", escaped(&text));
                }
                Waiting::Thinking {
                    thinking,
                    signature,
                } => {
                    self.open_thinking(out);
                    self.delta(out, "thinking_delta", "thinking", escaped(&thinking));
                    self.delta(out, "signature_delta", "signature", escaped(&signature));
                }
                Waiting::Redacted { data } => self.write_redacted(escaped(&data), out),
                Waiting::Tool {
                    id,
                    name,
                    arguments,
                    closed,
                } => {
                    self.write_tool(serial, escaped(&id), escaped(&name), out);
                    self.write_arguments(escaped(&arguments), out);
                    if closed {
                        self.close(out);
                    }
                }
            }
        }
        true
    }

    fn think(
        &mut self,
        text: Text<'_>,
        part: Part,
        out: &mut Vec<u8>,
    ) -> Result<(), BufferLimitExceeded> {
        if text.is_empty() || self.ended {
            return Ok(());
        }
        if self.must_wait() {
            if !matches!(self.waiting.back(), Some(Waiting::Thinking { .. })) {
                self.wait(Waiting::Thinking {
                    thinking: Vec::new(),
                    signature: Vec::new(),
                });
            }
            return self.append(
                |last| match (last, part) {
                    (Waiting::Thinking { thinking, .. }, Part::Thinking) => Some(thinking),
                    (Waiting::Thinking { signature, .. }, Part::Signature) => Some(signature),
                    _ => None,
                },
                text,
            );
        }
        if !matches!(
            self.open,
            Some(OpenBlock {
                kind: OpenKind::Thinking,
                ..
            })
        ) {
            self.open_thinking(out);
        }
        match part {
            Part::Thinking => self.delta(out, "thinking_delta", "thinking", text),
            Part::Signature => self.delta(out, "signature_delta", "signature", text),
        }
        Ok(())
    }

    fn open_text(&mut self, out: &mut Vec<u8>) {
        self.open_block(OpenKind::Text, out, |w| {
            w.field("type").string("text");
            w.field("text").string("");
        });
    }

    fn open_thinking(&mut self, out: &mut Vec<u8>) {
        self.open_block(OpenKind::Thinking, out, |w| {
            w.field("type").string("thinking");
            w.field("thinking").string("");
            w.field("signature").string("");
        });
    }

    fn write_redacted(&mut self, data: Text<'_>, out: &mut Vec<u8>) {
        self.open_block(OpenKind::Thinking, out, |w| {
            w.field("type").string("redacted_thinking");
            w.field("data").text(data);
        });
        self.close(out);
    }

    fn write_tool(&mut self, serial: u64, id: Text<'_>, name: Text<'_>, out: &mut Vec<u8>) {
        let kind = OpenKind::Tool {
            serial,
            arguments: Arguments::default(),
        };
        self.open_block(kind, out, |w| {
            w.field("type").string("tool_use");
            w.field("id").text(id);
            w.field("name").text(name);
            w.field("input").object(|_| {});
        });
    }

    /// Writes the part of `fragment` that belongs to the open tool's object.
    fn write_arguments(&mut self, fragment: Text<'_>, out: &mut Vec<u8>) {
        let Some(OpenBlock {
            kind: OpenKind::Tool { arguments, .. },
            ..
        }) = &mut self.open
        else {
            return;
        };
        let part = arguments.accept(fragment);
        self.delta(out, "input_json_delta", "partial_json", part);
    }

    /// Closes the open block and opens the next one.
    fn open_block(
        &mut self,
        kind: OpenKind,
        out: &mut Vec<u8>,
        content_block: impl FnOnce(&mut Writer<'_>),
    ) {
        self.close(out);
        let index = self.next_index;
        self.next_index = index.saturating_add(1);
        event(out, "content_block_start", |w| {
            w.field("index").number(index);
            w.field("content_block").object(content_block);
        });
        self.open = Some(OpenBlock { index, kind });
    }

    fn delta(&self, out: &mut Vec<u8>, kind: &str, field: &str, text: Text<'_>) {
        let Some(open) = self.open.as_ref().filter(|_| !text.is_empty()) else {
            return;
        };
        event(out, "content_block_delta", |w| {
            w.field("index").number(open.index);
            w.field("delta").object(|w| {
                w.field("type").string(kind);
                w.field(field).text(text);
            });
        });
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if let Some(open) = self.open.take() {
            event(out, "content_block_stop", |w| {
                w.field("index").number(open.index);
            });
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Thinking,
    Signature,
}

/// Writes `event` and `data`; `type` is the first member of the data.
fn event(out: &mut Vec<u8>, name: &str, fields: impl FnOnce(&mut Writer<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    Writer::new(out).object(|w| {
        w.field("type").string(name);
        fields(w);
    });
    out.extend_from_slice(b"\n\n");
}

fn escaped(inside: &[u8]) -> Text<'_> {
    Text::Escaped(std::str::from_utf8(inside).unwrap_or_default())
}

#[cfg(test)]
mod tests;
