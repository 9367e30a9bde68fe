//! Writes a Chat Completions stream.

use crate::error::ProviderError;
use crate::formats::bedrock_converse::{ConverseSink, Stop};
use crate::formats::chat_completions::signed_reasoning::SignatureWriter;
use crate::formats::chat_completions::{ChatStreamWriter, MarkdownFence, ToolIndex};
use crate::json::Text;
use crate::translate::chat_completions_to_bedrock_converse::request::ResponseHints;
use crate::translate::chat_completions_to_bedrock_converse::response::finish_reason;
use crate::translator::Attempt;
use crate::usage::Usage;

/// The client's side of a stream.
#[derive(Debug)]
pub struct ChatSink {
    writer: ChatStreamWriter,
    hints: ResponseHints,
    /// Set if the output should be JSON.
    fence: Option<MarkdownFence>,
    signature: SignatureWriter,
    /// Of the open block's reasoning, in bytes; `None` where it cannot be told.
    reasoning_length: Option<u64>,
    /// Of the next block: see [`SignatureWriter`].
    place: usize,
    called_tools: bool,
}

impl ChatSink {
    pub(super) fn new(attempt: &Attempt) -> Self {
        let id = format!("chatcmpl-{}", attempt.request_id);
        Self {
            writer: ChatStreamWriter::new(
                Text::Plain(&id),
                attempt.created,
                Text::Plain(&attempt.model),
                attempt.include_usage,
            ),
            hints: ResponseHints::default(),
            fence: None,
            signature: SignatureWriter::default(),
            reasoning_length: Some(0),
            place: 0,
            called_tools: false,
        }
    }

    /// Applies the request's hints.
    pub(super) fn expect(&mut self, hints: &ResponseHints) {
        self.fence = hints.strips_code_fence.then(MarkdownFence::default);
        self.hints = hints.clone();
    }
}

impl ConverseSink for ChatSink {
    type Call = ToolIndex;

    /// The role is sent with the first content.
    fn start(&mut self, _out: &mut Vec<u8>) {}

    fn text(&mut self, text: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        self.place = self.place.max(1);
        match (&mut self.fence, text.decode()) {
            (Some(fence), Some(text)) => {
                let certain = fence.push(&text);
                self.writer.content(Text::Plain(&certain), out);
            }
            (None, _) | (_, None) => self.writer.content(text, out),
        }
        Ok(())
    }

    fn reasoning(&mut self, text: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        let more = text
            .decoded_length()
            .and_then(|more| u64::try_from(more).ok());
        let length = self.reasoning_length.zip(more);
        self.reasoning_length = length.map(|(so_far, more)| so_far.saturating_add(more));
        self.writer.reasoning(text, out);
        Ok(())
    }

    fn signature(&mut self, signature: &str, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        let length = self.reasoning_length.replace(0);
        let signature = length.map_or("", |_| signature);
        let length = length.unwrap_or(u64::MAX);
        if let Some(piece) = self.signature.thinking(self.place, length, signature) {
            self.writer.reasoning_signature(Text::Plain(&piece), out);
        }
        Ok(())
    }

    fn redacted(&mut self, data: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        let data = data.decode().unwrap_or_default();
        if let Some(piece) = self.signature.redacted(self.place, &data) {
            self.writer.reasoning_signature(Text::Plain(&piece), out);
        }
        Ok(())
    }

    fn close_block(&mut self, _out: &mut Vec<u8>) {}

    fn open_call(
        &mut self,
        id: Text<'_>,
        name: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<ToolIndex, ProviderError> {
        self.called_tools = true;
        self.place = self.place.max(1).saturating_add(1);
        let name = self.hints.tool_names.client_name(name);
        Ok(self.writer.open_tool(id, name, out))
    }

    fn call_input(
        &mut self,
        call: ToolIndex,
        fragment: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProviderError> {
        self.writer.tool_arguments(call, fragment, out);
        Ok(())
    }

    fn close_call(&mut self, call: ToolIndex, out: &mut Vec<u8>) {
        self.writer.close_tool(call, out);
    }

    fn finish(&mut self, stop: &Stop, usage: Option<&Usage>, out: &mut Vec<u8>) {
        if let Some(fence) = &mut self.fence {
            let kept_back = fence.finish();
            self.writer.content(Text::Plain(&kept_back), out);
        }
        self.writer
            .finish(finish_reason(stop.reason, self.called_tools), out);
        self.writer.end(usage, out);
    }

    fn fail(&mut self, error: &ProviderError, out: &mut Vec<u8>) {
        self.writer.fail(error, out);
    }
}
