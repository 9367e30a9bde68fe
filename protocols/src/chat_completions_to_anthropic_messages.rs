//! Chat Completions clients, Anthropic Messages upstreams.

mod finish_reason;
mod ignored_fields;
mod request;
mod response;
mod stream;

pub use ignored_fields::IGNORED_FIELDS;

use std::rc::Rc;

use crate::body_edit::BodyEdit;
use crate::error::{self, ProviderError, RequestError};
use crate::headers::LentHeaders;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::upstream_path;
use crate::usage::Usage;
use request::Answer;
use stream::Stream;

/// The dialect that this translator writes. Later ones refuse `temperature`, `top_p` and `top_k`.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Translates one attempt. See [`IGNORED_FIELDS`] for what it leaves out; everything else that cannot be said is refused.
#[derive(Debug)]
pub struct ChatCompletionsToAnthropicMessages {
    attempt: Rc<Attempt>,
    /// What was agreed in the request and has to be undone in the answer.
    answer: Answer,
    stream: Stream,
    /// Of a whole answer; streams keep their own.
    usage: Option<Usage>,
    served_model: Option<String>,
}

impl ChatCompletionsToAnthropicMessages {
    /// A translator for one attempt.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Self {
        let attempt = attempt.into();
        Self {
            stream: Stream::new(&attempt),
            attempt,
            answer: Answer::default(),
            usage: None,
            served_model: None,
        }
    }
}

impl Translator for ChatCompletionsToAnthropicMessages {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        let (body, answer) = request::translate(&self.attempt, body)?;
        self.stream.expect(&answer);
        self.answer = answer;
        let mut headers = vec![("anthropic-version", String::from(ANTHROPIC_VERSION))];
        if let Some(beta) = &self.attempt.anthropic_beta {
            headers.push(("anthropic-beta", beta.clone()));
        }
        Ok(OutgoingRequest {
            path: upstream_path::anthropic(&self.attempt.base_path, "messages"),
            headers,
            body: BodyEdit::Replace(body),
        })
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let read = response::translate(&self.attempt, &self.answer, body)?;
        self.usage = read.usage;
        self.served_model = read.served_model;
        Ok(Some(read.body))
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
