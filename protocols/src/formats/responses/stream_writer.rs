//! Writes the events of a Responses stream.

use crate::error::{self, ProviderError};
use crate::format::ClientFormat;
use crate::formats::chat_completions::FinishReason;
use crate::formats::responses::client_tools::{self, ClientTool, ToolKind};
use crate::formats::responses::output_item::{
    ItemKind, ItemStatus, OutputItem, OutputPart, PartKind, write_summary,
};
use crate::formats::responses::response_object::{ResponseObject, Status, last_item_status};
use crate::json::{Text, Writer};
use crate::translator::Attempt;
use crate::usage::Usage;

/// Longest response, in bytes: its last event repeats all of it.
const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// Size of an item apart from its text.
const ITEM_BYTES: usize = 256;

/// The response exceeds the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an answer of more than {MAX_RESPONSE_BYTES} bytes")]
pub(crate) struct ResponseTooLong;

/// Writes the events, keeps what the last ones repeat, and keeps the rules that clients rely on:
///
/// - `sequence_number` counts 0, 1, 2 …;
/// - `response.created` and `response.in_progress` come first;
/// - an item is added, its parts are added, extended and done, then the item is done; only then is it part of the final
///   output;
/// - reasoning and text are done when something else starts; calls, which may interleave, at the end;
/// - `response.completed`, `response.incomplete` or `response.failed` comes last.
#[derive(Debug, Default)]
pub(crate) struct ResponsesStreamWriter {
    sequence: u64,
    started: bool,
    items: Vec<Item>,
    /// Position in `items` of the open reasoning or message.
    open: Option<usize>,
    /// Positions in `items` of the calls.
    calls: Vec<usize>,
    bytes: usize,
}

/// One item. Texts are insides of JSON literals.
#[derive(Debug)]
struct Item {
    content: Content,
    /// The item as JSON, once it is done.
    done: Option<Vec<u8>>,
}

#[derive(Debug)]
enum Content {
    Reasoning {
        summary: Vec<u8>,
        signature: Vec<u8>,
    },
    Message(Vec<(PartKind, Vec<u8>)>),
    FunctionCall {
        call_id: Vec<u8>,
        name: Vec<u8>,
        arguments: Vec<u8>,
        /// What the client calls it, if it is not simply a function.
        tool: Option<ClientTool>,
    },
}

impl Content {
    fn kind(&self) -> ItemKind {
        match self {
            Self::Reasoning { .. } => ItemKind::Reasoning,
            Self::Message(_) => ItemKind::Message,
            Self::FunctionCall { tool, .. } => ItemKind::Call(kind_of(tool.as_ref())),
        }
    }

    /// Writes the item in its current state.
    fn write(&self, id: &str, status: ItemStatus, w: &mut Writer<'_>) {
        match self {
            Self::Reasoning { summary, signature } => OutputItem::Reasoning {
                summary: &[escaped(summary)],
                signature: Some(escaped(signature)).filter(|signature| !signature.is_empty()),
            }
            .write(id, status, w),
            Self::Message(parts) => {
                let texts: Vec<[Text<'_>; 1]> =
                    parts.iter().map(|(_, text)| [escaped(text)]).collect();
                let parts = parts.iter().zip(&texts);
                let parts = parts.map(|((kind, _), text)| OutputPart { kind: *kind, text });
                OutputItem::Message(parts.collect()).write(id, status, w);
            }
            Self::FunctionCall {
                call_id,
                name,
                arguments,
                tool,
            } => OutputItem::FunctionCall {
                call_id: escaped(call_id),
                name: escaped(name),
                arguments: Some(escaped(arguments)).filter(|_| status != ItemStatus::InProgress),
                tool: tool.as_ref(),
            }
            .write(id, status, w),
        }
    }
}

impl ResponsesStreamWriter {
    pub(crate) fn start(&mut self, object: &ResponseObject<'_>, out: &mut Vec<u8>) {
        self.started = true;
        for name in ["response.created", "response.in_progress"] {
            self.event(out, name, |w| {
                object.write(Status::InProgress, None, |_| {}, w.field("response"));
            });
        }
    }

    /// Writes a piece of reasoning.
    pub(crate) fn reasoning(
        &mut self,
        attempt: &Attempt,
        text: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ResponseTooLong> {
        let index = self.open_reasoning(attempt, out)?;
        let id = ItemKind::Reasoning.id(attempt, index);
        let Some(Content::Reasoning { summary, .. }) = self.content(index) else {
            return Ok(());
        };
        let is_first = summary.is_empty();
        let added = append(summary, text);
        if is_first {
            self.event(out, "response.reasoning_summary_part.added", |w| {
                write_place(w, &id, index);
                w.field("summary_index").number(0);
                write_summary(w.field("part"), &[]);
            });
        }
        self.event(out, "response.reasoning_summary_text.delta", |w| {
            write_place(w, &id, index);
            w.field("summary_index").number(0);
            w.field("delta").text(text);
        });
        self.count(added)
    }

    /// Keeps the signature required to replay the reasoning.
    pub(crate) fn signature(
        &mut self,
        attempt: &Attempt,
        text: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ResponseTooLong> {
        let index = self.open_reasoning(attempt, out)?;
        let Some(Content::Reasoning { signature, .. }) = self.content(index) else {
            return Ok(());
        };
        let added = append(signature, text);
        self.count(added)
    }

    /// Writes a piece of text or of a refusal.
    pub(crate) fn delta(
        &mut self,
        attempt: &Attempt,
        kind: PartKind,
        text: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ResponseTooLong> {
        let index = match self.open_item(ItemKind::Message) {
            Some(index) => index,
            None => self.open(attempt, Content::Message(Vec::new()), out)?,
        };
        let id = ItemKind::Message.id(attempt, index);
        let Some(Content::Message(parts)) = self.content(index) else {
            return Ok(());
        };
        let last = parts.last().map(|(kind, _)| *kind);
        let mut finished = None;
        if last != Some(kind) {
            finished = parts
                .last()
                .map(|(kind, text)| (parts.len().saturating_sub(1), *kind, text.clone()));
            parts.push((kind, Vec::new()));
        }
        let part = parts.len().saturating_sub(1);
        let added = parts
            .last_mut()
            .map_or(0, |(_, so_far)| append(so_far, text));
        if let Some((part, kind, text)) = finished {
            self.part_done(&id, index, part, kind, &text, out);
        }
        if last != Some(kind) {
            self.event(out, "response.content_part.added", |w| {
                write_place(w, &id, index);
                w.field("content_index").number(part as u64);
                OutputPart { kind, text: &[] }.write(w.field("part"));
            });
        }
        let name = match kind {
            PartKind::Text => "response.output_text.delta",
            PartKind::Refusal => "response.refusal.delta",
        };
        self.event(out, name, |w| {
            write_place(w, &id, index);
            w.field("content_index").number(part as u64);
            w.field("delta").text(text);
            match kind {
                PartKind::Text => w.field("logprobs").array(|_| {}),
                PartKind::Refusal => {}
            }
        });
        self.count(added)
    }

    /// Opens a function call.
    pub(crate) fn open_call(
        &mut self,
        attempt: &Attempt,
        call_id: Text<'_>,
        name: Text<'_>,
        tool: Option<&ClientTool>,
        out: &mut Vec<u8>,
    ) -> Result<(), ResponseTooLong> {
        let mut content = Content::FunctionCall {
            call_id: Vec::new(),
            name: Vec::new(),
            arguments: Vec::new(),
            tool: tool.cloned(),
        };
        let mut added = 0;
        if let Content::FunctionCall {
            call_id: own_call_id,
            name: own_name,
            ..
        } = &mut content
        {
            added = append(own_call_id, call_id).saturating_add(append(own_name, name));
        }
        let index = self.open(attempt, content, out)?;
        self.open = None;
        self.calls.push(index);
        self.count(added)
    }

    /// Writes a fragment of the arguments of `call`.
    pub(crate) fn arguments(
        &mut self,
        attempt: &Attempt,
        call: usize,
        fragment: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ResponseTooLong> {
        let Some(index) = self.calls.get(call).copied() else {
            return Ok(());
        };
        let Some(Content::FunctionCall {
            arguments, tool, ..
        }) = self.content(index)
        else {
            return Ok(());
        };
        let is_function = kind_of(tool.as_ref()) == ToolKind::Function;
        let added = append(arguments, fragment);
        if is_function {
            self.arguments_delta(attempt, index, fragment, out);
        }
        self.count(added)
    }

    /// Ends a complete response.
    pub(crate) fn finish(
        &mut self,
        object: &ResponseObject<'_>,
        reason: FinishReason,
        usage: Option<&Usage>,
        out: &mut Vec<u8>,
    ) {
        let item_status = last_item_status(reason);
        for index in 0..self.items.len() {
            self.close(object.attempt, index, item_status, out);
        }
        let status = Status::Finished(reason);
        let name = match item_status {
            ItemStatus::Completed | ItemStatus::InProgress => "response.completed",
            ItemStatus::Incomplete => "response.incomplete",
        };
        self.last(object, name, status, usage, out);
    }

    /// Ends a response that failed.
    pub(crate) fn fail(
        &mut self,
        object: &ResponseObject<'_>,
        error: &ProviderError,
        out: &mut Vec<u8>,
    ) {
        if self.started {
            self.last(object, "response.failed", Status::Failed(error), None, out);
        } else {
            error::write_stream_error(out, ClientFormat::Responses, error);
        }
    }

    /// Writes the final event, which repeats all items that are done.
    fn last(
        &mut self,
        object: &ResponseObject<'_>,
        name: &str,
        status: Status<'_>,
        usage: Option<&Usage>,
        out: &mut Vec<u8>,
    ) {
        let items = std::mem::take(&mut self.items);
        let output = |w: &mut Writer<'_>| {
            for done in items.iter().filter_map(|item| item.done.as_deref()) {
                w.verbatim(std::str::from_utf8(done).unwrap_or("null"));
            }
        };
        self.event(out, name, |w| {
            object.write(status, usage, output, w.field("response"));
        });
    }

    fn open_reasoning(
        &mut self,
        attempt: &Attempt,
        out: &mut Vec<u8>,
    ) -> Result<usize, ResponseTooLong> {
        if let Some(index) = self.open_item(ItemKind::Reasoning) {
            return Ok(index);
        }
        let content = Content::Reasoning {
            summary: Vec::new(),
            signature: Vec::new(),
        };
        self.open(attempt, content, out)
    }

    /// The position of the open item, if it is of this kind.
    fn open_item(&self, kind: ItemKind) -> Option<usize> {
        self.open.filter(|index| {
            self.items
                .get(*index)
                .is_some_and(|item| item.content.kind() == kind)
        })
    }

    /// Adds an item and closes the previous one.
    fn open(
        &mut self,
        attempt: &Attempt,
        content: Content,
        out: &mut Vec<u8>,
    ) -> Result<usize, ResponseTooLong> {
        if let Some(index) = self.open {
            self.close(attempt, index, ItemStatus::Completed, out);
        }
        let index = self.items.len();
        let id = content.kind().id(attempt, index);
        self.event(out, "response.output_item.added", |w| {
            w.field("output_index").number(index as u64);
            content.write(&id, ItemStatus::InProgress, w.field("item"));
        });
        self.items.push(Item {
            content,
            done: None,
        });
        self.open = Some(index);
        self.count(ITEM_BYTES)?;
        Ok(index)
    }

    /// Writes the events that end an item, once.
    fn close(&mut self, attempt: &Attempt, index: usize, status: ItemStatus, out: &mut Vec<u8>) {
        let Some(item) = self.items.get_mut(index).filter(|item| item.done.is_none()) else {
            return;
        };
        let nothing = Content::Message(Vec::new());
        let mut content = std::mem::replace(&mut item.content, nothing);
        let id = content.kind().id(attempt, index);
        match &mut content {
            Content::Reasoning { summary, .. } if summary.is_empty() => {}
            Content::Reasoning { summary, .. } => self.summary_done(&id, index, summary, out),
            Content::Message(parts) => {
                if let Some((kind, text)) = parts.last() {
                    let part = parts.len().saturating_sub(1);
                    self.part_done(&id, index, part, *kind, text, out);
                }
            }
            Content::FunctionCall {
                arguments, tool, ..
            } if kind_of(tool.as_ref()) == ToolKind::Custom => {
                self.custom_input(&id, index, escaped(arguments), out);
            }
            Content::FunctionCall { tool, .. } if kind_of(tool.as_ref()) != ToolKind::Function => {}
            Content::FunctionCall { arguments: all, .. } => {
                // Clients cannot parse the empty string.
                if escaped(all).is_blank() {
                    all.extend_from_slice(b"{}");
                    self.arguments_delta(attempt, index, Text::Plain("{}"), out);
                }
                self.event(out, "response.function_call_arguments.done", |w| {
                    write_place(w, &id, index);
                    w.field("arguments").text(escaped(all));
                });
            }
        }
        let mut done = Vec::new();
        content.write(&id, status, &mut Writer::new(&mut done));
        self.event(out, "response.output_item.done", |w| {
            w.field("output_index").number(index as u64);
            w.field("item")
                .verbatim(std::str::from_utf8(&done).unwrap_or("null"));
        });
        if let Some(item) = self.items.get_mut(index) {
            item.done = Some(done);
        }
    }

    fn summary_done(&mut self, id: &str, index: usize, summary: &[u8], out: &mut Vec<u8>) {
        let text = escaped(summary);
        self.event(out, "response.reasoning_summary_text.done", |w| {
            write_place(w, id, index);
            w.field("summary_index").number(0);
            w.field("text").text(text);
        });
        self.event(out, "response.reasoning_summary_part.done", |w| {
            write_place(w, id, index);
            w.field("summary_index").number(0);
            write_summary(w.field("part"), &[text]);
        });
    }

    fn part_done(
        &mut self,
        id: &str,
        index: usize,
        part: usize,
        kind: PartKind,
        text: &[u8],
        out: &mut Vec<u8>,
    ) {
        let text = escaped(text);
        let name = match kind {
            PartKind::Text => "response.output_text.done",
            PartKind::Refusal => "response.refusal.done",
        };
        self.event(out, name, |w| {
            write_place(w, id, index);
            w.field("content_index").number(part as u64);
            match kind {
                PartKind::Text => {
                    w.field("text").text(text);
                    w.field("logprobs").array(|_| {});
                }
                PartKind::Refusal => w.field("refusal").text(text),
            }
        });
        self.event(out, "response.content_part.done", |w| {
            write_place(w, id, index);
            w.field("content_index").number(part as u64);
            let text = &[text];
            OutputPart { kind, text }.write(w.field("part"));
        });
    }

    fn arguments_delta(
        &mut self,
        attempt: &Attempt,
        index: usize,
        fragment: Text<'_>,
        out: &mut Vec<u8>,
    ) {
        let id = ItemKind::Call(ToolKind::Function).id(attempt, index);
        self.event(out, "response.function_call_arguments.delta", |w| {
            write_place(w, &id, index);
            w.field("delta").text(fragment);
        });
    }

    /// Writes the input of a custom tool, which is inside its function's arguments and known only at their end.
    fn custom_input(&mut self, id: &str, index: usize, arguments: Text<'_>, out: &mut Vec<u8>) {
        let decoded = client_tools::custom_input(arguments);
        let input = decoded.as_deref().map_or(arguments, Text::Plain);
        self.event(out, "response.custom_tool_call_input.delta", |w| {
            write_place(w, id, index);
            w.field("delta").text(input);
        });
        self.event(out, "response.custom_tool_call_input.done", |w| {
            write_place(w, id, index);
            w.field("input").text(input);
        });
    }

    fn content(&mut self, index: usize) -> Option<&mut Content> {
        self.items.get_mut(index).map(|item| &mut item.content)
    }

    fn count(&mut self, added: usize) -> Result<(), ResponseTooLong> {
        self.bytes = self.bytes.saturating_add(added);
        if self.bytes > MAX_RESPONSE_BYTES {
            return Err(ResponseTooLong);
        }
        Ok(())
    }

    /// Writes an event with its sequence number.
    fn event(&mut self, out: &mut Vec<u8>, name: &str, fields: impl FnOnce(&mut Writer<'_>)) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        Writer::new(out).object(|w| {
            w.field("type").string(name);
            w.field("sequence_number").number(self.sequence);
            fields(w);
        });
        out.extend_from_slice(b"\n\n");
        self.sequence = self.sequence.saturating_add(1);
    }
}

fn kind_of(tool: Option<&ClientTool>) -> ToolKind {
    tool.map_or(ToolKind::Function, |tool| tool.kind)
}

fn write_place(w: &mut Writer<'_>, id: &str, index: usize) {
    w.field("item_id").string(id);
    w.field("output_index").number(index as u64);
}

/// Appends the inside of a JSON literal and returns its length.
fn append(buffer: &mut Vec<u8>, text: Text<'_>) -> usize {
    let before = buffer.len();
    text.write_inside(buffer);
    buffer.len().saturating_sub(before)
}

fn escaped(inside: &[u8]) -> Text<'_> {
    Text::Escaped(std::str::from_utf8(inside).unwrap_or_default())
}
