//! Anthropic Messages clients, Chat Completions upstreams: OpenAI, Azure, Ollama and everything compatible with them.

mod ignored_fields;
mod request;
mod response;
mod stop_reason;
mod stream;

pub use ignored_fields::{IGNORED_FIELDS, IGNORED_TOOL_FIELDS};

use std::rc::Rc;

use crate::body_edit::BodyEdit;
use crate::error::{self, ProviderError, RequestError};
use crate::format::ClientFormat;
use crate::headers::LentHeaders;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::upstream_path;
use crate::usage::Usage;
use stop_reason::StopSequences;
use stream::Stream;

/// Translates one attempt. See [`IGNORED_FIELDS`] for what it leaves out; everything else that cannot be said is refused.
///
/// `count_tokens` is refused: no endpoint of these upstreams counts tokens, and an estimate would be taken for a count.
#[derive(Debug)]
pub struct AnthropicMessagesToChatCompletions {
    attempt: Rc<Attempt>,
    /// The client's, to tell which one ended an answer.
    stop_sequences: StopSequences,
    stream: Stream,
    /// Of a whole answer; streams keep their own.
    usage: Option<Usage>,
    served_model: Option<String>,
}

impl AnthropicMessagesToChatCompletions {
    /// A translator for one attempt.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Self {
        let attempt = attempt.into();
        Self {
            attempt,
            stop_sequences: StopSequences::default(),
            stream: Stream::default(),
            usage: None,
            served_model: None,
        }
    }
}

impl Translator for AnthropicMessagesToChatCompletions {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        if self.attempt.client == ClientFormat::AnthropicCountTokens {
            return Err(RequestError {
                code: Some("unsupported_endpoint"),
                ..RequestError::new(
                    "count_tokens: the target of this request cannot count tokens, only Anthropic's own API does",
                )
            });
        }
        let (body, stop_sequences) = request::translate(&self.attempt, body)?;
        self.stop_sequences = stop_sequences;
        Ok(OutgoingRequest {
            path: upstream_path::openai(&self.attempt, "chat/completions")?,
            headers: Vec::new(),
            body: BodyEdit::Replace(body),
        })
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let read = response::translate(&self.attempt, &self.stop_sequences, body)?;
        self.usage = read.usage;
        self.served_model = read.served_model;
        Ok(Some(read.body))
    }

    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        self.stream
            .push(&self.attempt, &self.stop_sequences, chunk, out);
        false
    }

    fn stream_end(&mut self, out: &mut Vec<u8>) {
        self.stream.end(&self.attempt, &self.stop_sequences, out);
    }

    fn stream_state(&self) -> &StreamState {
        self.stream.state()
    }

    fn error(&self, status: u16, headers: &LentHeaders<'_>, body: &[u8]) -> ProviderError {
        error::classify(status, headers, body)
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.or_else(|| self.stream.usage())
    }

    fn text_bytes(&self) -> u64 {
        self.stream.text_bytes()
    }

    fn served_model(&self) -> Option<&str> {
        self.served_model
            .as_deref()
            .or_else(|| self.stream.served_model())
    }
}
