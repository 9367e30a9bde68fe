//! Translates a stream: Responses events to Chat Completions chunks, event by event.

use serde::de::IgnoredAny;

use super::response::{finish_reason, kind, number, object, string, usage};
use crate::by_index::ByIndex;
use crate::error::{self, ProviderError};
use crate::formats::chat_completions::{ChatStreamWriter, ToolIndex, signed_reasoning};
use crate::json::{self, Object, Text};
use crate::sse::{SseEvent, SseParser};
use crate::translate::StreamTranslator;
use crate::translator::{Attempt, StreamState};
use crate::usage::Usage;

/// Most calls of one response.
const MAX_CALLS: usize = 1024;

/// State of one stream.
#[derive(Debug)]
pub struct Stream {
    parser: SseParser,
    state: StreamState,
    /// Set from the first event on.
    writer: Option<ChatStreamWriter>,
    served_model: Option<String>,
    usage: Option<Usage>,
    /// Calls by the index of their item.
    calls: ByIndex<Call>,
    has_reasoning: bool,
    has_signature: bool,
    skipped_events: u32,
}

/// A function call.
#[derive(Debug)]
struct Call {
    tool: ToolIndex,
    has_arguments: bool,
}

/// A failure that ends the stream.
type Broken = Result<(), ProviderError>;

impl Default for Stream {
    fn default() -> Self {
        Self {
            parser: SseParser::new(),
            state: StreamState::BeforeContent,
            writer: None,
            served_model: None,
            usage: None,
            calls: ByIndex::default(),
            has_reasoning: false,
            has_signature: false,
            skipped_events: 0,
        }
    }
}

impl StreamTranslator<()> for Stream {
    fn push(&mut self, attempt: &Attempt, (): &(), chunk: &[u8], out: &mut Vec<u8>) {
        let mut parser = std::mem::take(&mut self.parser);
        let mut rest = chunk;
        while !self.is_finished() {
            match parser.next(&mut rest) {
                Ok(Some(event)) => {
                    if let Err(error) = self.event(attempt, &event, out) {
                        self.fail(error, out);
                    }
                }
                Ok(None) => break,
                Err(too_long) => self.fail(ProviderError::invalid_response(too_long), out),
            }
        }
        self.parser = parser;
    }

    /// An event without its blank line still counts; anything but a finished response is a failure.
    fn end(&mut self, attempt: &Attempt, (): &(), out: &mut Vec<u8>) {
        if self.is_finished() {
            return;
        }
        let mut parser = std::mem::take(&mut self.parser);
        if let Ok(Some(event)) = parser.finish()
            && json::parse::<IgnoredAny>(event.data).is_ok()
            && let Err(error) = self.event(attempt, &event, out)
        {
            self.fail(error, out);
        }
        if !self.is_finished() {
            self.fail(ProviderError::truncated(), out);
        }
    }

    fn state(&self) -> &StreamState {
        &self.state
    }

    fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn skipped_events(&self) -> u32 {
        self.skipped_events
    }

    fn text_bytes(&self) -> u64 {
        self.writer.as_ref().map_or(0, ChatStreamWriter::text_bytes)
    }

    fn served_model(&self) -> Option<&str> {
        self.served_model.as_deref()
    }
}

impl Stream {
    fn is_finished(&self) -> bool {
        match self.state {
            StreamState::BeforeContent | StreamState::Content => false,
            StreamState::Complete | StreamState::Empty | StreamState::Failed(_) => true,
        }
    }

    fn fail(&mut self, error: ProviderError, out: &mut Vec<u8>) {
        if let Some(writer) = self.writer.as_mut().filter(|writer| writer.has_written()) {
            writer.fail(&error, out);
        }
        self.state = StreamState::Failed(error);
    }

    fn event(&mut self, attempt: &Attempt, event: &SseEvent<'_>, out: &mut Vec<u8>) -> Broken {
        // Some servers end these streams like those of Chat Completions.
        if event.data == b"[DONE]" {
            return Ok(());
        }
        let data: Object<'_> = match json::read_response(event.data) {
            Ok(data) => data,
            Err(_) if !json::is_valid(event.data) => {
                self.skipped_events = self.skipped_events.saturating_add(1);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let response = object(data.get("response"));
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.start(attempt, response.as_ref()),
        };
        let kind = kind(&data);
        let name = kind.as_deref().unwrap_or(event.name);
        let handled = self.handle(name, &data, response.as_ref(), &mut writer, out);
        let has_begun = writer.has_begun();
        self.writer = Some(writer);
        match handled {
            Handled::Done => {}
            Handled::Failed => return Err(error::classify_in_stream(event.name, event.data)),
            Handled::Invalid(what) => return Err(ProviderError::invalid_response(what)),
        }
        if has_begun && self.state == StreamState::BeforeContent {
            self.state = StreamState::Content;
        }
        Ok(())
    }

    fn start(&mut self, attempt: &Attempt, response: Option<&Object<'_>>) -> ChatStreamWriter {
        let own_id = format!("chatcmpl-{}", attempt.request_id);
        let id = response.and_then(|response| string(response, "id"));
        let model = response.and_then(|response| string(response, "model"));
        let created = response.and_then(|response| number(response, "created_at"));
        let decoded = model.and_then(Text::decode);
        self.served_model = decoded.map(std::borrow::Cow::into_owned);
        ChatStreamWriter::new(
            id.unwrap_or(Text::Plain(&own_id)),
            created.unwrap_or(attempt.created),
            model.unwrap_or(Text::Plain(&attempt.model)),
            attempt.include_usage,
        )
    }

    fn handle(
        &mut self,
        name: &str,
        data: &Object<'_>,
        response: Option<&Object<'_>>,
        writer: &mut ChatStreamWriter,
        out: &mut Vec<u8>,
    ) -> Handled {
        let delta = || string(data, "delta").unwrap_or_default();
        match name {
            "response.output_text.delta" => writer.content(delta(), out),
            "response.refusal.delta" => writer.refusal(delta(), out),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.has_reasoning = true;
                writer.reasoning(delta(), out);
            }
            "response.reasoning_summary_part.added" if self.has_reasoning => {
                writer.reasoning(Text::Plain("\n\n"), out);
            }
            "response.output_item.added" => return self.open(data, writer, out),
            "response.function_call_arguments.delta" => {
                let call = number(data, "output_index").and_then(|at| self.calls.get_mut(at));
                if let Some(call) = call {
                    call.has_arguments = true;
                    writer.tool_arguments(call.tool, delta(), out);
                }
            }
            "response.output_item.done" => return self.close(data, writer, out),
            "response.completed" | "response.incomplete" => {
                let Some(response) = response else {
                    return Handled::Invalid("an end without its response");
                };
                self.usage = usage(response);
                let is_empty = !writer.has_begun() && name == "response.completed";
                writer.finish(finish_reason(response, self.calls.len() > 0), out);
                writer.end(self.usage.as_ref(), out);
                self.state = if is_empty {
                    StreamState::Empty
                } else {
                    StreamState::Complete
                };
            }
            "response.failed" | "response.cancelled" | "error" => return Handled::Failed,
            // Beginnings, ends of parts, hosted tools, and newer types.
            _ => {}
        }
        Handled::Done
    }

    /// An item begins.
    fn open(
        &mut self,
        data: &Object<'_>,
        writer: &mut ChatStreamWriter,
        out: &mut Vec<u8>,
    ) -> Handled {
        let Some(item) = object(data.get("item")) else {
            return Handled::Invalid("an item that is no object");
        };
        let index = number(data, "output_index").unwrap_or_default();
        if kind(&item).as_deref() != Some("function_call") || self.calls.get(index).is_some() {
            return Handled::Done;
        }
        let (Some(id), Some(name)) = (string(&item, "call_id"), string(&item, "name")) else {
            return Handled::Invalid("function_call without call_id or name");
        };
        if self.calls.len() >= MAX_CALLS {
            return Handled::Invalid("too many calls");
        }
        let tool = writer.open_tool(id, name, out);
        self.calls.insert(
            index,
            Call {
                tool,
                has_arguments: false,
            },
        );
        Handled::Done
    }

    /// An item has come to its end: what it holds and no delta had is sent now.
    fn close(
        &mut self,
        data: &Object<'_>,
        writer: &mut ChatStreamWriter,
        out: &mut Vec<u8>,
    ) -> Handled {
        let opened = self.open(data, writer, out);
        let Some(item) = object(data.get("item")) else {
            return opened;
        };
        let index = number(data, "output_index").unwrap_or_default();
        if let Some(call) = self.calls.get_mut(index) {
            if !std::mem::replace(&mut call.has_arguments, true) {
                let whole = string(&item, "arguments").unwrap_or_default();
                writer.tool_arguments(call.tool, whole, out);
            }
            writer.close_tool(call.tool, out);
        }
        if kind(&item).as_deref() == Some("reasoning")
            && let Some(encrypted) = string(&item, "encrypted_content")
        {
            let is_first = !std::mem::replace(&mut self.has_signature, true);
            let piece = signed_reasoning::encrypted_piece(encrypted, is_first);
            writer.reasoning_signature(Text::Plain(&piece), out);
        }
        opened
    }
}

/// What an event came to.
enum Handled {
    Done,
    /// The provider reports a failure.
    Failed,
    /// It is not what the protocol has.
    Invalid(&'static str),
}
