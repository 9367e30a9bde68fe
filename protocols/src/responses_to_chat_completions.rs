//! OpenAI Responses clients, upstreams that only speak Chat Completions. By [`crate::chain`] also Anthropic and Bedrock.
//!
//! Nothing is stored: a conversation comes with each request in `input`, and `previous_response_id` is refused.

mod echo;
mod ignored_fields;
mod output_item;
mod request;
mod response;
mod response_object;
mod signature;
mod stream;

pub use ignored_fields::{IGNORED_FIELDS, IGNORED_ITEM_FIELDS};
pub(crate) use signature::MARK as SIGNATURE_MARK;

use std::rc::Rc;

use crate::body_edit::BodyEdit;
use crate::error::{self, ProviderError, RequestError};
use crate::headers::LentHeaders;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::upstream_path;
use crate::usage::Usage;
use echo::Echo;
use stream::Stream;

/// Translates one attempt. See [`IGNORED_FIELDS`] for what it leaves out; everything else that cannot be said is refused.
#[derive(Debug)]
pub struct ResponsesToChatCompletions {
    attempt: Rc<Attempt>,
    /// What the answer repeats of the request.
    echo: Echo,
    stream: Stream,
    /// Of a whole answer; streams keep their own.
    usage: Option<Usage>,
    served_model: Option<String>,
}

impl ResponsesToChatCompletions {
    /// A translator for one attempt.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Self {
        let attempt = attempt.into();
        Self {
            attempt,
            echo: Echo::default(),
            stream: Stream::default(),
            usage: None,
            served_model: None,
        }
    }
}

impl Translator for ResponsesToChatCompletions {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        let (body, echo) = request::translate(&self.attempt, body)?;
        self.echo = echo;
        Ok(OutgoingRequest {
            path: upstream_path::openai(&self.attempt, "chat/completions")?,
            headers: Vec::new(),
            body: BodyEdit::Replace(body),
        })
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let read = response::translate(&self.attempt, &self.echo, body)?;
        self.usage = read.usage;
        self.served_model = read.served_model;
        Ok(Some(read.body))
    }

    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        self.stream.push(&self.attempt, &self.echo, chunk, out);
        false
    }

    fn stream_end(&mut self, out: &mut Vec<u8>) {
        self.stream.end(&self.attempt, &self.echo, out);
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
