//! Writes a Chat Completions stream.

use crate::error::{self, ProviderError};
use crate::format::ClientFormat;
use crate::formats::chat_completions::{FinishReason, write_usage};
use crate::json::{Text, Writer};
use crate::sse;
use crate::usage::Usage;

/// Writes the chunks of one response with one choice and keeps the rules that clients rely on:
///
/// - all chunks have the same `id`, `created` and `model`;
/// - `role` comes once, before anything else;
/// - tools are numbered 0, 1, 2 … in the order in which they are opened; only the first fragment of a tool carries
///   `id`, `type` and `name`; a tool closed without arguments gets `{}`;
/// - one `finish_reason`, and no content after it;
/// - a usage chunk with `choices: []` comes last, only if the client asked for one; all other chunks then have `usage:
///   null`;
/// - `[DONE]` comes only after a proper end: a failed stream ends with an `error` frame.
///
/// Empty deltas are not written.
#[derive(Debug, Clone)]
pub struct ChatStreamWriter {
    /// `data: {"id":…,"object":…,"created":…,"model":…,"choices":[`, the start of every chunk.
    head: Vec<u8>,
    /// The bytes before the text of every text chunk: `head`, and its choice up to `"content":"`.
    before_text: Vec<u8>,
    /// The bytes after it, from the closing quote on.
    behind_text: Vec<u8>,
    include_usage: bool,
    role_sent: bool,
    has_begun: bool,
    /// One entry per tool: arguments, even `{}`, have been sent.
    tools: Vec<bool>,
    finished: bool,
    ended: bool,
    text_bytes: u64,
}

/// A tool opened by [`ChatStreamWriter::open_tool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolIndex(usize);

impl ChatStreamWriter {
    /// A stream without output.
    pub fn new(id: Text<'_>, created: u64, model: Text<'_>, include_usage: bool) -> Self {
        let mut head = b"data: ".to_vec();
        Writer::new(&mut head).object(|w| {
            w.field("id").text(id);
            w.field("object").string("chat.completion.chunk");
            w.field("created").number(created);
            w.field("model").text(model);
            w.field("choices").array(|_| {});
        });
        // Every chunk continues inside the array of choices.
        head.truncate(head.len().saturating_sub(2));
        let mut before_text = head.clone();
        before_text.extend_from_slice(CHOICE);
        before_text.extend_from_slice(b"\"content\":\"");
        let mut behind_text = b"\"".to_vec();
        end_choice(&mut behind_text, None, include_usage);
        Self {
            head,
            before_text,
            behind_text,
            include_usage,
            role_sent: false,
            has_begun: false,
            tools: Vec::new(),
            finished: false,
            ended: false,
            text_bytes: 0,
        }
    }

    /// Sends the role ahead, because text will follow if anything does. Does not count as content.
    pub fn expect_content(&mut self, out: &mut Vec<u8>) {
        self.role(Some(""), out);
    }

    /// Writes a piece of text.
    pub fn content(&mut self, text: Text<'_>, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.open(Some(""), out);
            self.count(text);
            if !self.finished {
                out.extend_from_slice(&self.before_text);
                text.write_inside(out);
                out.extend_from_slice(&self.behind_text);
            }
        }
    }

    /// Writes a piece of a refusal.
    pub fn refusal(&mut self, text: Text<'_>, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.open(None, out);
            self.count(text);
            self.delta(out, |w| w.field("refusal").text(text));
        }
    }

    /// Writes a piece of reasoning.
    pub fn reasoning(&mut self, text: Text<'_>, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.open(None, out);
            self.count(text);
            self.delta(out, |w| w.field("reasoning_content").text(text));
        }
    }

    /// Writes a piece of the signature required to replay the reasoning; clients concatenate the pieces.
    pub fn reasoning_signature(&mut self, signature: Text<'_>, out: &mut Vec<u8>) {
        if !signature.is_empty() {
            self.open(None, out);
            self.delta(out, |w| w.field("reasoning_signature").text(signature));
        }
    }

    /// Opens a tool call. Several may be open at once.
    pub fn open_tool(&mut self, id: Text<'_>, name: Text<'_>, out: &mut Vec<u8>) -> ToolIndex {
        let index = self.tools.len();
        self.tools.push(false);
        self.open(None, out);
        self.delta(out, |w| {
            w.field("tool_calls").array(|w| {
                w.object(|w| {
                    w.field("index").number(index as u64);
                    w.field("id").text(id);
                    w.field("type").string("function");
                    w.field("function").object(|w| {
                        w.field("name").text(name);
                        w.field("arguments").string("");
                    });
                });
            });
        });
        ToolIndex(index)
    }

    /// Writes a fragment of a tool's arguments.
    pub fn tool_arguments(&mut self, tool: ToolIndex, fragment: Text<'_>, out: &mut Vec<u8>) {
        if fragment.is_empty() {
            return;
        }
        if let Some(sent) = self.tools.get_mut(tool.0) {
            *sent = true;
        }
        self.count(fragment);
        self.delta(out, |w| {
            w.field("tool_calls").array(|w| {
                w.object(|w| {
                    w.field("index").number(tool.0 as u64);
                    w.field("function")
                        .object(|w| w.field("arguments").text(fragment));
                });
            });
        });
    }

    /// Closes a tool call: its arguments are complete.
    pub fn close_tool(&mut self, tool: ToolIndex, out: &mut Vec<u8>) {
        if self.tools.get(tool.0) == Some(&false) {
            self.tool_arguments(tool, Text::Plain("{}"), out);
        }
    }

    /// Ends the choice and closes open tools.
    pub fn finish(&mut self, reason: FinishReason, out: &mut Vec<u8>) {
        if self.finished {
            return;
        }
        self.open(None, out);
        for index in 0..self.tools.len() {
            self.close_tool(ToolIndex(index), out);
        }
        self.choice(out, |_| {}, Some(reason));
        self.finished = true;
    }

    /// Writes the usage chunk, if the client asked for one and `usage` is known, and `[DONE]`.
    pub fn end(&mut self, usage: Option<&Usage>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.finished = true;
        if let Some(usage) = usage.filter(|_| self.include_usage) {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b"],\"usage\":");
            write_usage(&mut Writer::new(out), usage);
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(sse::DONE);
    }

    /// Ends the stream with an `error` frame and without `[DONE]`.
    pub fn fail(&mut self, error: &ProviderError, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.ended, true) {
            self.finished = true;
            error::write_stream_error(out, ClientFormat::ChatCompletions, error);
        }
    }

    /// At least the role has been written.
    pub fn has_written(&self) -> bool {
        self.role_sent
    }

    /// Bytes of text, reasoning and arguments written so far.
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    fn count(&mut self, text: Text<'_>) {
        self.text_bytes = self.text_bytes.saturating_add(text.length());
    }

    /// Something visible to a user has been written, or the stream has ended.
    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn open(&mut self, content: Option<&str>, out: &mut Vec<u8>) {
        self.has_begun |= !self.finished;
        self.role(content, out);
    }

    /// Writes the role chunk. OpenAI starts text with empty content and everything else with `null`.
    fn role(&mut self, content: Option<&str>, out: &mut Vec<u8>) {
        if self.finished || std::mem::replace(&mut self.role_sent, true) {
            return;
        }
        self.delta(out, |w| {
            w.field("role").string("assistant");
            match content {
                Some(content) => w.field("content").string(content),
                None => w.field("content").null(),
            }
        });
    }

    fn delta(&self, out: &mut Vec<u8>, delta: impl FnOnce(&mut Writer<'_>)) {
        if !self.finished {
            self.choice(out, delta, None);
        }
    }

    fn choice(
        &self,
        out: &mut Vec<u8>,
        delta: impl FnOnce(&mut Writer<'_>),
        reason: Option<FinishReason>,
    ) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(CHOICE);
        delta(&mut Writer::new(out));
        end_choice(out, reason, self.include_usage);
    }
}

/// The start of a choice, up to the members of its delta.
const CHOICE: &[u8] = b"{\"index\":0,\"delta\":{";

/// Ends the delta, the choice and the chunk.
fn end_choice(out: &mut Vec<u8>, reason: Option<FinishReason>, include_usage: bool) {
    out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":");
    match reason {
        Some(reason) => Text::Plain(reason.as_str()).write(out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(if include_usage {
        b"}],\"usage\":null}\n\n"
    } else {
        b"}]}\n\n"
    });
}

#[cfg(test)]
mod tests;
