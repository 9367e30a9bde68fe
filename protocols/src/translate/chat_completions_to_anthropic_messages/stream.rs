//! Translates a stream: Anthropic's events to Chat Completions chunks, event by event.

use serde::de::IgnoredAny;

use crate::by_index::ByIndex;
use crate::error::{self, ProviderError};
use crate::fast_path::DeltaTemplate;
use crate::formats::anthropic_messages::{
    ReceivedBlock, ReceivedDelta, ReceivedEvent, ReceivedMessage, ReceivedUsage, StopReason,
};
use crate::formats::chat_completions::signed_reasoning::SignatureWriter;
use crate::formats::chat_completions::{ChatStreamWriter, MarkdownFence, ToolIndex};
use crate::json::{self, Object, Text};
use crate::sse::{SseEvent, SseParser};
use crate::translate::StreamTranslator;
use crate::translate::chat_completions_to_anthropic_messages::finish_reason::finish_reason;
use crate::translate::chat_completions_to_anthropic_messages::request::ResponseHints;
use crate::translator::{Attempt, StreamState};
use crate::usage::Usage;

/// Most content blocks that may be open at once; Anthropic opens one.
const MAX_OPEN_BLOCKS: usize = 1024;

/// Longest signature of a thinking block, in bytes, kept until the end of the stream.
const MAX_SIGNATURE_BYTES: usize = 1024 * 1024;

/// State of one stream.
#[derive(Debug)]
pub struct Stream {
    parser: SseParser,
    state: StreamState,
    origin: Origin,
    /// The synthetic tool whose arguments are the response.
    answer_tool: Option<String>,
    /// Set if the output should be JSON.
    fence: Option<MarkdownFence>,
    /// Set from `message_start` on.
    writer: Option<ChatStreamWriter>,
    served_model: Option<String>,
    usage: Option<ReceivedUsage>,
    /// Open content blocks by Anthropic's index.
    blocks: ByIndex<Block>,
    signature: SignatureWriter,
    /// Places of reasoning: see [`signed_reasoning`](crate::formats::chat_completions::signed_reasoning).
    place: usize,
    /// A tool of the client was called.
    called_tools: bool,
    stop_reason: Option<String>,
    skipped_events: u32,
    /// A delta that only continues its open block.
    template: DeltaTemplate,
    /// Index of that block.
    template_block: u64,
}

/// Fields of every chunk that the upstream does not supply.
#[derive(Debug)]
struct Origin {
    id: String,
    created: u64,
    model: String,
    include_usage: bool,
}

/// What an open block's deltas become.
#[derive(Debug)]
enum Block {
    Text,
    Thinking {
        signature: String,
        place: usize,
        /// Of the decoded text so far, in bytes; `None` where it cannot be told.
        length: Option<u64>,
    },
    Tool {
        index: ToolIndex,
        /// Arguments that arrived complete at the start of the block; sent if no fragment follows.
        whole: Option<String>,
    },
    /// Arguments of the synthetic tool are the response's text.
    AnswerTool,
    /// Server tools, their results, and newer types: not for the client.
    Skipped,
}

/// A failure that ends the stream.
type Broken = Result<(), ProviderError>;

impl Stream {
    pub(super) fn new(attempt: &Attempt) -> Self {
        Self {
            parser: SseParser::new(),
            state: StreamState::BeforeContent,
            origin: Origin {
                id: format!("chatcmpl-{}", attempt.request_id),
                created: attempt.created,
                model: attempt.model.clone(),
                include_usage: attempt.include_usage,
            },
            answer_tool: None,
            fence: None,
            writer: None,
            served_model: None,
            usage: None,
            blocks: ByIndex::default(),
            signature: SignatureWriter::default(),
            place: 0,
            called_tools: false,
            stop_reason: None,
            skipped_events: 0,
            template: DeltaTemplate::default(),
            template_block: 0,
        }
    }

    /// Applies the request's hints.
    pub(super) fn expect(&mut self, hints: &ResponseHints) {
        self.answer_tool.clone_from(&hints.tool);
        self.fence = hints.strips_code_fence.then(MarkdownFence::default);
    }
}

impl StreamTranslator<ResponseHints> for Stream {
    fn state(&self) -> &StreamState {
        &self.state
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.map(|usage| usage.total())
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

    fn push(
        &mut self,
        _attempt: &Attempt,
        _request_state: &ResponseHints,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) {
        // An event usually becomes less than twice as long.
        out.reserve(chunk.len().saturating_mul(2));
        let mut parser = std::mem::take(&mut self.parser);
        let mut rest = chunk;
        while !self.is_finished() {
            parser.pass_over(&mut rest, |events| self.match_prefix(events, out));
            match parser.next(&mut rest) {
                Ok(Some(event)) => {
                    if let Err(error) = self.event(&event, out) {
                        self.fail(error, out);
                    }
                }
                Ok(None) => break,
                Err(too_long) => self.fail(ProviderError::invalid_response(too_long), out),
            }
        }
        self.parser = parser;
    }

    /// An event without its blank line still counts; anything but a finished message is a failure.
    fn end(&mut self, _attempt: &Attempt, _request_state: &ResponseHints, out: &mut Vec<u8>) {
        if self.is_finished() {
            return;
        }
        let mut parser = std::mem::take(&mut self.parser);
        if let Ok(Some(event)) = parser.finish()
            // A truncated event is not JSON; that is the same failure as a missing event.
            && json::parse::<IgnoredAny>(event.data).is_ok()
            && let Err(error) = self.event(&event, out)
        {
            self.fail(error, out);
        }
        if !self.is_finished() {
            self.fail(ProviderError::truncated(), out);
        }
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

    fn event(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> Broken {
        // Also handles an event that arrived in chunks.
        if self.match_prefix(event.raw, out).is_empty() {
            return Ok(());
        }
        // Some proxies end Anthropic's streams like OpenAI's.
        if event.data == b"[DONE]" {
            return Ok(());
        }
        let data: ReceivedEvent<'_> = match json::read_response(event.data) {
            Ok(data) => data,
            Err(_) if !json::is_valid(event.data) => {
                self.skipped_events = self.skipped_events.saturating_add(1);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let kind = data.kind.and_then(Text::decode);
        match kind.as_deref().unwrap_or(event.name) {
            "message_start" => self.message_start(&data),
            "content_block_start" => self.block_start(&data, out)?,
            "content_block_delta" => self.block_delta(&data, event, out)?,
            "content_block_stop" => self.block_stop(&data, out),
            "message_delta" => self.message_delta(&data)?,
            "message_stop" => self.message_stop(out),
            "error" => return Err(error::classify_in_stream(event.name, event.data)),
            // `ping`, and newer types.
            _ => {}
        }
        if matches!(self.state, StreamState::BeforeContent)
            && self
                .writer
                .as_ref()
                .is_some_and(ChatStreamWriter::has_begun)
        {
            self.state = StreamState::Content;
        }
        Ok(())
    }

    /// Translates the events at the front of `events` that only continue the current block, without parsing them: most
    /// events do. Returns the bytes after them.
    fn match_prefix<'e>(&mut self, events: &'e [u8], out: &mut Vec<u8>) -> &'e [u8] {
        let mut rest = events;
        let (StreamState::Content, Some(block), Some(writer)) = (
            &self.state,
            self.blocks.get_mut(self.template_block),
            &mut self.writer,
        ) else {
            return rest;
        };
        while let Some(matched) = self.template.match_prefix(rest) {
            let text = Text::Escaped(matched.text);
            match block {
                Block::Text => write_text(writer, &mut self.fence, Some(text), out),
                Block::Thinking { length, .. } => {
                    count(length, text);
                    writer.reasoning(text, out);
                }
                Block::Tool { index, whole } => {
                    *whole = None;
                    writer.tool_arguments(*index, text, out);
                }
                Block::AnswerTool => writer.content(text, out),
                Block::Skipped => {}
            }
            rest = matched.rest;
        }
        rest
    }

    /// A second `message_start` only updates the usage.
    fn message_start(&mut self, data: &ReceivedEvent<'_>) {
        let message = data.message.map(|raw| json::parse_text(raw.get()));
        let message: ReceivedMessage<'_> = message.and_then(Result::ok).unwrap_or_default();
        self.update_usage(message.usage.as_ref());
        if self.writer.is_none() {
            self.served_model = message
                .model
                .and_then(Text::decode)
                .map(std::borrow::Cow::into_owned);
            self.writer = Some(self.origin.writer(message.id, message.model));
        }
    }

    fn block_start(&mut self, data: &ReceivedEvent<'_>, out: &mut Vec<u8>) -> Broken {
        let (Some(index), Some(raw)) = (data.index, data.content_block) else {
            return Err(ProviderError::invalid_response(
                "content_block_start without block",
            ));
        };
        let block: ReceivedBlock<'_> =
            json::parse_text(raw.get()).map_err(ProviderError::invalid_response)?;
        if self.blocks.len() >= MAX_OPEN_BLOCKS {
            return Err(ProviderError::invalid_response(
                "too many open content blocks",
            ));
        }
        let writer = self
            .writer
            .get_or_insert_with(|| self.origin.writer(None, None));
        let kind = block.kind.and_then(Text::decode).unwrap_or_default();
        let open = match kind.as_ref() {
            "text" => {
                self.place = self.place.max(1);
                writer.expect_content(out);
                write_text(writer, &mut self.fence, block.text, out);
                Block::Text
            }
            "thinking" => {
                let text = block.thinking.unwrap_or_default();
                let mut length = Some(0);
                count(&mut length, text);
                writer.reasoning(text, out);
                Block::Thinking {
                    signature: decoded(block.signature),
                    place: self.place,
                    length,
                }
            }
            "tool_use" => {
                let (Some(id), Some(name)) = (block.id, block.name) else {
                    return Err(ProviderError::invalid_response(
                        "tool_use without id or name",
                    ));
                };
                let whole = block.input.map(|input| input.get()).filter(|input| {
                    json::parse_text(input).is_ok_and(|Object(fields)| !fields.is_empty())
                });
                if self.answer_tool.is_some()
                    && name.decode().as_deref() == self.answer_tool.as_deref()
                {
                    writer.content(Text::Plain(whole.unwrap_or_default()), out);
                    Block::AnswerTool
                } else {
                    self.called_tools = true;
                    self.place = self.place.max(1).saturating_add(1);
                    Block::Tool {
                        index: writer.open_tool(id, name, out),
                        whole: whole.map(str::to_owned),
                    }
                }
            }
            "redacted_thinking" => {
                let data = decoded(block.data);
                if let Some(piece) = self.signature.redacted(self.place, &data) {
                    writer.reasoning_signature(Text::Plain(&piece), out);
                }
                Block::Skipped
            }
            _ => Block::Skipped,
        };
        // The deltas of an earlier block with this index may have meant something else.
        self.template.reset();
        self.blocks.insert(index, open);
        Ok(())
    }

    fn block_delta(
        &mut self,
        data: &ReceivedEvent<'_>,
        event: &SseEvent<'_>,
        out: &mut Vec<u8>,
    ) -> Broken {
        let Some(raw) = data.delta else {
            return Err(ProviderError::invalid_response(
                "content_block_delta without delta",
            ));
        };
        let delta: ReceivedDelta<'_> =
            json::parse_text(raw.get()).map_err(ProviderError::invalid_response)?;
        let writer = self
            .writer
            .get_or_insert_with(|| self.origin.writer(None, None));
        let block = data.index.and_then(|index| self.blocks.get_mut(index));
        // The block's type decides: a delta of another type is not for the client.
        let template = match block {
            // A block that was never opened is identified by its delta.
            None => {
                write_text(writer, &mut self.fence, delta.text, out);
                writer.reasoning(delta.thinking.unwrap_or_default(), out);
                None
            }
            Some(Block::Text) => {
                write_text(writer, &mut self.fence, delta.text, out);
                delta.text
            }
            Some(Block::Thinking {
                signature, length, ..
            }) => {
                let text = delta.thinking.unwrap_or_default();
                count(length, text);
                writer.reasoning(text, out);
                let more = decoded(delta.signature);
                if signature.len().saturating_add(more.len()) > MAX_SIGNATURE_BYTES {
                    *length = None;
                } else {
                    signature.push_str(&more);
                }
                delta.thinking.filter(|_| delta.signature.is_none())
            }
            Some(Block::Tool { index, whole }) => {
                if let Some(fragment) = delta.partial_json
                    && !fragment.is_empty()
                {
                    *whole = None;
                    writer.tool_arguments(*index, fragment, out);
                }
                delta.partial_json
            }
            Some(Block::AnswerTool) => {
                writer.content(delta.partial_json.unwrap_or_default(), out);
                delta.partial_json
            }
            Some(Block::Skipped) => None,
        };
        if let (Some(text), Some(index)) = (template, data.index) {
            self.template.record_parts(event, text, None);
            self.template_block = index;
        }
        Ok(())
    }

    fn block_stop(&mut self, data: &ReceivedEvent<'_>, out: &mut Vec<u8>) {
        let block = data.index.and_then(|index| self.blocks.remove(index));
        let (Some(block), Some(writer)) = (block, &mut self.writer) else {
            return;
        };
        match block {
            Block::Tool { index, whole } => {
                writer.tool_arguments(index, Text::Plain(&whole.unwrap_or_default()), out);
                writer.close_tool(index, out);
            }
            Block::Thinking {
                signature,
                place,
                length,
            } => {
                let signature = length.map_or("", |_| signature.as_str());
                let length = length.unwrap_or(u64::MAX);
                if let Some(piece) = self.signature.thinking(place, length, signature) {
                    writer.reasoning_signature(Text::Plain(&piece), out);
                }
            }
            Block::Text | Block::AnswerTool | Block::Skipped => {}
        }
    }

    fn message_delta(&mut self, data: &ReceivedEvent<'_>) -> Broken {
        self.update_usage(data.usage.as_ref());
        if let Some(raw) = data.delta {
            let delta: ReceivedDelta<'_> =
                json::parse_text(raw.get()).map_err(ProviderError::invalid_response)?;
            if delta.stop_reason.is_some() {
                self.stop_reason = Some(decoded(delta.stop_reason));
            }
        }
        Ok(())
    }

    /// Only now is it certain that no error follows: the finish reason waits for this event.
    fn message_stop(&mut self, out: &mut Vec<u8>) {
        let usage = self.usage();
        let writer = self
            .writer
            .get_or_insert_with(|| self.origin.writer(None, None));
        if let Some(fence) = &mut self.fence {
            writer.content(Text::Plain(&fence.finish()), out);
        }
        let explained = self
            .stop_reason
            .as_deref()
            .is_some_and(StopReason::allows_empty_content);
        let is_empty = !writer.has_begun() && !explained;
        let stop_reason = self.stop_reason.as_deref().map(Text::Plain);
        let reason = finish_reason(stop_reason, self.called_tools);
        writer.finish(reason, out);
        writer.end(usage.as_ref(), out);
        self.state = if is_empty {
            StreamState::Empty
        } else {
            StreamState::Complete
        };
    }

    fn update_usage(&mut self, later: Option<&ReceivedUsage>) {
        if let Some(later) = later {
            self.usage.get_or_insert_default().update(later);
        }
    }
}

impl Origin {
    fn writer(&self, id: Option<Text<'_>>, model: Option<Text<'_>>) -> ChatStreamWriter {
        let given = |text: Option<_>| text.filter(|text: &Text<'_>| !text.is_empty());
        ChatStreamWriter::new(
            given(id).unwrap_or(Text::Plain(&self.id)),
            self.created,
            given(model).unwrap_or(Text::Plain(&self.model)),
            self.include_usage,
        )
    }
}

/// Writes a piece of text, without the Markdown fence if the output should be JSON.
fn write_text(
    writer: &mut ChatStreamWriter,
    fence: &mut Option<MarkdownFence>,
    text: Option<Text<'_>>,
    out: &mut Vec<u8>,
) {
    let text = text.unwrap_or_default();
    if let Some(fence) = fence
        && let Some(text) = text.decode()
    {
        writer.content(Text::Plain(&fence.push(&text)), out);
    } else {
        writer.content(text, out);
    }
}

/// Adds the length of a piece of reasoning.
fn count(length: &mut Option<u64>, text: Text<'_>) {
    let more = text
        .decoded_length()
        .and_then(|more| u64::try_from(more).ok());
    *length = length
        .zip(more)
        .map(|(so_far, more)| so_far.saturating_add(more));
}

fn decoded(text: Option<Text<'_>>) -> String {
    text.and_then(Text::decode).unwrap_or_default().into_owned()
}
