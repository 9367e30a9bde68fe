//! Writes an Anthropic Messages stream.

use crate::error::ProviderError;
use crate::formats::anthropic_messages::{BufferLimitExceeded, MessageStreamWriter, ToolBlock};
use crate::formats::bedrock_converse::{ConverseSink, Stop, ToolNames};
use crate::json::Text;
use crate::translate::anthropic_messages_to_bedrock_converse::response::stop_reason;
use crate::translator::Attempt;
use crate::usage::Usage;

/// The client's side of a stream.
#[derive(Debug)]
pub struct MessageSink {
    writer: MessageStreamWriter,
    id: String,
    model: String,
    tool_names: ToolNames,
    called_tools: bool,
}

impl MessageSink {
    pub(super) fn new(attempt: &Attempt) -> Self {
        Self {
            writer: MessageStreamWriter::new(),
            id: format!("msg_{}", attempt.request_id),
            model: attempt.model.clone(),
            tool_names: ToolNames::default(),
            called_tools: false,
        }
    }

    /// Sets the client's tool names.
    pub(super) fn call_tools(&mut self, tool_names: ToolNames) {
        self.tool_names = tool_names;
    }
}

impl ConverseSink for MessageSink {
    type Call = ToolBlock;

    /// Converse reports usage at the end; until then the client sees none.
    fn start(&mut self, out: &mut Vec<u8>) {
        self.writer.start(
            Text::Plain(&self.id),
            Text::Plain(&self.model),
            &Usage::default(),
            out,
        );
    }

    fn text(&mut self, text: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        self.writer.text(text, out).map_err(buffer_limit_error)
    }

    fn reasoning(&mut self, text: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        self.writer.thinking(text, out).map_err(buffer_limit_error)
    }

    fn signature(&mut self, signature: &str, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        self.writer
            .signature(Text::Plain(signature), out)
            .map_err(buffer_limit_error)
    }

    fn redacted(&mut self, data: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        self.writer
            .redacted_thinking(data, out)
            .map_err(buffer_limit_error)
    }

    fn close_block(&mut self, out: &mut Vec<u8>) {
        self.writer.close_block(out);
    }

    fn open_call(
        &mut self,
        id: Text<'_>,
        name: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<ToolBlock, ProviderError> {
        self.called_tools = true;
        let name = self.tool_names.client_name(name);
        self.writer
            .open_tool(id, name, out)
            .map_err(buffer_limit_error)
    }

    fn call_input(
        &mut self,
        call: ToolBlock,
        fragment: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProviderError> {
        self.writer
            .tool_arguments(call, fragment, out)
            .map_err(buffer_limit_error)
    }

    fn close_call(&mut self, call: ToolBlock, out: &mut Vec<u8>) {
        self.writer.close_tool(call, out);
    }

    fn finish(&mut self, stop: &Stop, usage: Option<&Usage>, out: &mut Vec<u8>) {
        let usage = usage.copied().unwrap_or_default();
        self.writer.finish(
            stop_reason(stop.reason, self.called_tools),
            stop.sequence.as_deref().map(Text::Plain),
            &usage,
            out,
        );
    }

    fn fail(&mut self, error: &ProviderError, out: &mut Vec<u8>) {
        self.writer.fail(error, out);
    }
}

fn buffer_limit_error(error: BufferLimitExceeded) -> ProviderError {
    ProviderError::invalid_response(error)
}
