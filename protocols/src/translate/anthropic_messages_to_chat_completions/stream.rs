//! Translates a stream: Chat Completions chunks to Anthropic's events.

use crate::error::ProviderError;
use crate::formats::anthropic_messages::{BufferLimitExceeded, MessageStreamWriter, ToolBlock};
use crate::formats::chat_completions::{ChatStreamReader, StreamEnd, StreamSink, signed_reasoning};
use crate::json::Text;
use crate::translate::StreamTranslator;
use crate::translate::anthropic_messages_to_chat_completions::response::{
    own_call_id, own_message_id,
};
use crate::translate::anthropic_messages_to_chat_completions::stop_reason::StopSequences;
use crate::translator::{Attempt, StreamState};
use crate::usage::Usage;

/// State of reader and writer.
#[derive(Debug, Default)]
pub struct Stream {
    reader: ChatStreamReader,
    writer: MessageStreamWriter,
    /// The blocks of the tool calls, in the order of opening.
    calls: Vec<ToolBlock>,
}

/// Writes what the reader reports.
struct Sink<'s> {
    attempt: &'s Attempt,
    stop_sequences: &'s StopSequences,
    writer: &'s mut MessageStreamWriter,
    calls: &'s mut Vec<ToolBlock>,
    out: &'s mut Vec<u8>,
}

impl StreamTranslator<StopSequences> for Stream {
    fn push(
        &mut self,
        attempt: &Attempt,
        stop_sequences: &StopSequences,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) {
        let mut sink = Sink {
            attempt,
            stop_sequences,
            writer: &mut self.writer,
            calls: &mut self.calls,
            out,
        };
        self.reader.feed(chunk, &mut sink);
    }

    fn end(&mut self, attempt: &Attempt, stop_sequences: &StopSequences, out: &mut Vec<u8>) {
        let mut sink = Sink {
            attempt,
            stop_sequences,
            writer: &mut self.writer,
            calls: &mut self.calls,
            out,
        };
        self.reader.end(&mut sink);
    }

    fn state(&self) -> &StreamState {
        self.reader.state()
    }

    fn usage(&self) -> Option<Usage> {
        self.reader.usage()
    }

    fn skipped_events(&self) -> u32 {
        self.reader.skipped_events()
    }

    fn text_bytes(&self) -> u64 {
        self.reader.text_bytes()
    }

    fn served_model(&self) -> Option<&str> {
        self.reader.model()
    }
}

impl StreamSink for Sink<'_> {
    fn start(&mut self, id: Option<Text<'_>>, model: Option<Text<'_>>) {
        let own_id = own_message_id(self.attempt);
        self.writer.start(
            id.unwrap_or(Text::Plain(&own_id)),
            model.unwrap_or(Text::Plain(&self.attempt.model)),
            // Only known at the end; `message_delta` corrects it.
            &Usage::default(),
            self.out,
        );
    }

    fn reasoning(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.writer
            .thinking(text, self.out)
            .map_err(buffer_limit_error)
    }

    fn signature(&mut self, signature: Text<'_>) -> Result<(), ProviderError> {
        self.writer
            .signature(signature, self.out)
            .map_err(buffer_limit_error)
    }

    fn text(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.writer.text(text, self.out).map_err(buffer_limit_error)
    }

    /// Anthropic has no other place for a refusal.
    fn refusal(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.text(text)
    }

    /// It travels as the signature of thinking before the call.
    fn thought_signature(&mut self, signature: Text<'_>) -> Result<(), ProviderError> {
        let marked = signed_reasoning::marked_thought(signature);
        self.signature(Text::Plain(&marked))
    }

    fn open_call(
        &mut self,
        call: usize,
        id: Option<Text<'_>>,
        name: Text<'_>,
    ) -> Result<(), ProviderError> {
        let own_id = own_call_id(self.attempt, call);
        let id = id.unwrap_or(Text::Plain(&own_id));
        let block = self
            .writer
            .open_tool(id, name, self.out)
            .map_err(buffer_limit_error)?;
        self.calls.push(block);
        Ok(())
    }

    fn arguments(&mut self, call: usize, fragment: Text<'_>) -> Result<(), ProviderError> {
        match self.calls.get(call) {
            Some(block) => self
                .writer
                .tool_arguments(*block, fragment, self.out)
                .map_err(buffer_limit_error),
            None => Ok(()),
        }
    }

    fn finish(&mut self, end: &StreamEnd) {
        let (reason, sequence) = self
            .stop_sequences
            .stop_reason(end.reason, end.stop_sequence.as_deref());
        self.writer.finish(
            reason,
            sequence.map(Text::Plain),
            &end.usage.unwrap_or_default(),
            self.out,
        );
    }

    fn fail(&mut self, error: &ProviderError) {
        self.writer.fail(error, self.out);
    }
}

fn buffer_limit_error(error: BufferLimitExceeded) -> ProviderError {
    ProviderError::invalid_response(error)
}
