//! Anthropic Messages clients, Bedrock Converse upstreams.

mod ignored_fields;
mod request;
mod response;
mod stream;

pub use ignored_fields::{IGNORED_FIELDS, IGNORED_TOOL_FIELDS};

use crate::bedrock::{self, ConverseStream, Operation, ToolNames};
use crate::error::{ProviderError, RequestError};
use crate::translator::{Attempt, BodyEdit, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;
use stream::MessageSink;

/// Translates one attempt. See [`IGNORED_FIELDS`] and [`IGNORED_TOOL_FIELDS`] for what it leaves out; everything else that
/// cannot be said is refused.
#[derive(Debug)]
pub struct AnthropicMessagesToBedrockConverse {
    attempt: Attempt,
    /// What tools are called at the client.
    tool_names: ToolNames,
    stream: ConverseStream<MessageSink>,
    /// Of a whole answer; streams keep their own.
    usage: Option<Usage>,
}

impl AnthropicMessagesToBedrockConverse {
    /// A translator for one attempt.
    pub fn new(attempt: Attempt) -> Self {
        Self {
            stream: ConverseStream::new(MessageSink::new(&attempt)),
            attempt,
            tool_names: ToolNames::default(),
            usage: None,
        }
    }
}

impl Translator for AnthropicMessagesToBedrockConverse {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        let operation = if self.attempt.stream {
            Operation::ConverseStream
        } else {
            Operation::Converse
        };
        let path = bedrock::path(&self.attempt, operation)?;
        let (body, tool_names) = request::translate(&self.attempt, body)?;
        self.stream.sink_mut().call_tools(tool_names.clone());
        self.tool_names = tool_names;
        Ok(OutgoingRequest {
            path,
            headers: Vec::new(),
            body: BodyEdit::Replace(body),
        })
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let (body, usage) = response::translate(&self.attempt, &self.tool_names, body)?;
        self.usage = usage;
        Ok(Some(body))
    }

    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        self.stream.push(chunk, out);
        false
    }

    fn stream_end(&mut self, out: &mut Vec<u8>) {
        self.stream.end(out);
    }

    fn stream_state(&self) -> &StreamState {
        self.stream.state()
    }

    fn error(&self, status: u16, headers: &[(String, Vec<u8>)], body: &[u8]) -> ProviderError {
        bedrock::read_error(status, headers, body)
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.or_else(|| self.stream.usage())
    }

    fn text_bytes(&self) -> u64 {
        self.stream.text_bytes()
    }

    /// Converse does not say which model has answered: it is the one that was asked.
    fn served_model(&self) -> Option<&str> {
        None
    }
}
