//! Reads a Chat Completions stream for clients of other protocols.

mod tool_calls;

use serde_json::value::RawValue;

use tool_calls::ToolCalls;

use crate::error::{ProviderError, classify_in_stream};
use crate::fast_path::DeltaTemplate;
use crate::formats::chat_completions::FinishReason;
use crate::formats::chat_completions::delta::{MessageDelta, non_empty};
use crate::formats::chat_completions::finish::Finish;
use crate::json;
use crate::json::{Object, Text};
use crate::sse::{SseEvent, SseParser};
use crate::translator::StreamState;
use crate::usage::Usage;

/// Receives the content of a stream in an order that holds for every provider: `start`, then content in any order, then
/// either `finish` or `fail`, and nothing after. A tool call is opened before its arguments. Texts are never empty.
///
/// An error returned by a sink ends the stream: `fail` follows.
pub trait StreamSink {
    /// The first chunk. `id` and `model` are the provider's, if present.
    fn start(&mut self, id: Option<Text<'_>>, model: Option<Text<'_>>);

    /// A piece of reasoning.
    fn reasoning(&mut self, text: Text<'_>) -> Result<(), ProviderError>;

    /// The signature required to replay the reasoning.
    fn signature(&mut self, signature: Text<'_>) -> Result<(), ProviderError>;

    /// A piece of text.
    fn text(&mut self, text: Text<'_>) -> Result<(), ProviderError>;

    /// A piece of a refusal.
    fn refusal(&mut self, text: Text<'_>) -> Result<(), ProviderError>;

    /// The thought signature of the tool call that starts next. A client that does not send it back gets no further with
    /// that call's provider.
    fn thought_signature(&mut self, _signature: Text<'_>) -> Result<(), ProviderError> {
        Ok(())
    }

    /// A tool call starts. `call` counts 0, 1, 2 …
    fn open_call(
        &mut self,
        call: usize,
        id: Option<Text<'_>>,
        name: Text<'_>,
    ) -> Result<(), ProviderError>;

    /// A fragment of the arguments of `call`.
    fn arguments(&mut self, call: usize, fragment: Text<'_>) -> Result<(), ProviderError>;

    /// The response is complete.
    fn finish(&mut self, end: &StreamEnd);

    /// The response will never be complete.
    fn fail(&mut self, error: &ProviderError);
}

/// The end of a complete response.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEnd {
    /// The reason.
    pub reason: FinishReason,
    /// The stop sequence that was matched, if the provider reports it.
    pub stop_sequence: Option<String>,
    /// Usage, if the provider reported it.
    pub usage: Option<Usage>,
}

/// Reads the chunks of one response.
///
/// - A response is complete with `[DONE]`, or if the stream ends after a `finish_reason`: some servers omit `[DONE]`. A
///   stream that ends before both was truncated.
/// - Usage may be in any chunk, before or after the `finish_reason`; the last one counts.
/// - Azure's first chunk and those of its asynchronous filter are empty: no choices, or no `delta`.
/// - Choices after the first are ignored.
#[derive(Debug)]
pub struct ChatStreamReader {
    parser: SseParser,
    state: StreamState,
    started: bool,
    /// `finish` or `fail` has been called.
    finished: bool,
    calls: ToolCalls,
    finish: Option<(FinishReason, Option<String>)>,
    usage: Option<Usage>,
    text_bytes: u64,
    skipped_events: u32,
    model: Option<String>,
    /// A chunk that carried text and nothing else.
    template: DeltaTemplate,
}

impl Default for ChatStreamReader {
    fn default() -> Self {
        Self {
            parser: SseParser::new(),
            state: StreamState::BeforeContent,
            started: false,
            finished: false,
            calls: ToolCalls::default(),
            finish: None,
            usage: None,
            text_bytes: 0,
            skipped_events: 0,
            model: None,
            template: DeltaTemplate::default(),
        }
    }
}

impl ChatStreamReader {
    /// A reader without input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next bytes of the stream.
    pub fn feed(&mut self, mut chunk: &[u8], sink: &mut impl StreamSink) {
        if self.finished {
            return;
        }
        let mut parser = std::mem::take(&mut self.parser);
        loop {
            parser.pass_over(&mut chunk, |events| self.match_prefix(events, sink));
            if self.finished {
                return;
            }
            match parser.next(&mut chunk) {
                Ok(Some(event)) => self.event(&event, sink),
                Ok(None) => break,
                Err(too_long) => self.fail(ProviderError::invalid_response(too_long), sink),
            }
            if self.finished {
                return;
            }
        }
        self.parser = parser;
    }

    /// Handles the end of the upstream's stream.
    pub fn end(&mut self, sink: &mut impl StreamSink) {
        if self.finished {
            return;
        }
        let mut parser = std::mem::take(&mut self.parser);
        match parser.finish() {
            // An event without its blank line may be truncated: it only counts if it parses.
            Ok(Some(event)) if is_done(event.data) || json::is_valid(event.data) => {
                self.event(&event, sink);
            }
            Ok(_) => {}
            Err(too_long) => self.fail(ProviderError::invalid_response(too_long), sink),
        }
        if self.finished {
            return;
        }
        if self.finish.is_some() {
            self.finish(sink);
        } else {
            self.fail(ProviderError::truncated(), sink);
        }
    }

    /// The state of the stream.
    pub fn state(&self) -> &StreamState {
        &self.state
    }

    /// Events that were left out because they are no JSON.
    pub fn skipped_events(&self) -> u32 {
        self.skipped_events
    }

    /// Usage reported so far.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Bytes of text, reasoning and arguments so far.
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// The model that the provider reports.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    fn fail(&mut self, error: ProviderError, sink: &mut impl StreamSink) {
        sink.fail(&error);
        self.finished = true;
        self.state = StreamState::Failed(error);
    }

    fn finish(&mut self, sink: &mut impl StreamSink) {
        let (reason, stop_sequence) = self.finish.take().unwrap_or((FinishReason::Stop, None));
        if !self.started {
            sink.start(None, None);
        }
        sink.finish(&StreamEnd {
            reason: Finish::reason_with_tools(reason, self.calls.any()),
            stop_sequence,
            usage: self.usage,
        });
        self.finished = true;
        match self.state {
            StreamState::Content => self.state = StreamState::Complete,
            StreamState::BeforeContent => self.state = StreamState::Empty,
            StreamState::Complete | StreamState::Empty | StreamState::Failed(_) => {}
        }
    }

    /// Handles the events at the front of `events` that only carry more text, and returns the bytes after them.
    fn match_prefix<'e>(&mut self, events: &'e [u8], sink: &mut impl StreamSink) -> &'e [u8] {
        let mut rest = events;
        while !self.finished
            && let Some(matched) = self.template.match_prefix(rest)
        {
            rest = matched.rest;
            let text = Text::Escaped(matched.text);
            self.text_bytes = self.text_bytes.saturating_add(text.length());
            if let Err(error) = sink.text(text) {
                self.fail(error, sink);
            }
        }
        rest
    }

    fn event(&mut self, event: &SseEvent<'_>, sink: &mut impl StreamSink) {
        // Also handles an event that arrived in chunks.
        if self.match_prefix(event.raw, sink).is_empty() {
            return;
        }
        if is_done(event.data) {
            self.finish(sink);
        } else if !event.data.trim_ascii().is_empty()
            && let Err(error) = self.chunk(event, sink)
        {
            if json::is_valid(event.data) {
                self.fail(error, sink);
            } else {
                self.skipped_events = self.skipped_events.saturating_add(1);
            }
        }
    }

    fn chunk(
        &mut self,
        event: &SseEvent<'_>,
        sink: &mut impl StreamSink,
    ) -> Result<(), ProviderError> {
        let chunk: Object<'_> = json::parse(event.data).map_err(ProviderError::invalid_response)?;
        let is_error_object = || {
            chunk
                .get("object")
                .is_some_and(|object| object.get() == "\"error\"")
        };
        if event.name == "error" || chunk.get("error").is_some() || is_error_object() {
            return Err(classify_in_stream(event.name, event.data));
        }
        let choice = chunk.get("choices").and_then(first_choice);
        let usage = usage_of(&chunk, choice.as_ref());
        self.usage = usage.or(self.usage);
        let Some(choice) = choice else {
            return Ok(());
        };
        let delta = choice.get("delta").and_then(MessageDelta::read);
        if let Some(delta) = &delta {
            self.count(delta);
        }
        let finish = Finish::read(&choice)?;
        if delta.is_none() && finish.is_none() {
            return Ok(());
        }
        self.start(&chunk, sink);
        if let Some(delta) = delta {
            self.emit(&delta, sink)?;
            if let (Some(text), None, None) = (delta.sole_text(), &finish, usage) {
                let padding = chunk.get("obfuscation").and_then(Text::of);
                self.template.record_parts(event, text, padding);
            }
        }
        if let Some(finish) = finish {
            self.finish = Some((
                finish.reason,
                finish
                    .stop_sequence
                    .and_then(Text::decode)
                    .map(|sequence| sequence.into_owned()),
            ));
            match finish.reason {
                FinishReason::Length | FinishReason::ContentFilter => self.mark_content(),
                FinishReason::Stop | FinishReason::ToolCalls => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, chunk: &Object<'_>, sink: &mut impl StreamSink) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let model = non_empty(chunk.get("model"));
        self.model = model.and_then(Text::decode).map(|model| model.into_owned());
        sink.start(non_empty(chunk.get("id")), model);
    }

    fn emit(
        &mut self,
        delta: &MessageDelta<'_>,
        sink: &mut impl StreamSink,
    ) -> Result<(), ProviderError> {
        for text in &delta.reasoning {
            self.mark_content();
            sink.reasoning(*text)?;
        }
        if let Some(signature) = delta.signature {
            self.mark_content();
            sink.signature(signature)?;
        }
        for text in &delta.text {
            self.mark_content();
            sink.text(*text)?;
        }
        for text in &delta.refusal {
            self.mark_content();
            sink.refusal(*text)?;
        }
        for call in &delta.tool_calls {
            if self.calls.accept(call, sink)? {
                self.mark_content();
            }
        }
        Ok(())
    }

    fn count(&mut self, delta: &MessageDelta<'_>) {
        let texts = delta
            .reasoning
            .iter()
            .chain(&delta.text)
            .chain(&delta.refusal);
        let arguments = delta.tool_calls.iter().map(|call| call.arguments);
        let bytes = texts.copied().chain(arguments).map(Text::length);
        self.text_bytes = bytes.fold(self.text_bytes, u64::saturating_add);
    }

    fn mark_content(&mut self) {
        match self.state {
            StreamState::BeforeContent => self.state = StreamState::Content,
            StreamState::Content
            | StreamState::Complete
            | StreamState::Empty
            | StreamState::Failed(_) => {}
        }
    }
}

fn is_done(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]"
}

/// `usage` of a chunk; Groq has it in `x_groq` and Moonshot in the choice.
fn usage_of(chunk: &Object<'_>, choice: Option<&Object<'_>>) -> Option<Usage> {
    let read = |usage: &RawValue| Usage::from_openai(usage.get().as_bytes());
    let in_x_groq = || {
        let member = json::parse_text::<Object<'_>>(chunk.get("x_groq")?.get()).ok()?;
        read(member.get("usage")?)
    };
    let in_choice = || read(choice?.get("usage")?);
    (chunk.get("usage").and_then(read))
        .or_else(in_x_groq)
        .or_else(in_choice)
}

/// The choice with index 0.
fn first_choice(raw: &RawValue) -> Option<Object<'_>> {
    let choices: Vec<Object<'_>> = json::parse_text(raw.get()).ok()?;
    choices
        .into_iter()
        .find(|choice| choice.get("index").is_none_or(|index| index.get() == "0"))
}

#[cfg(test)]
mod tests;
