//! What every translator to Bedrock Converse does in the same way, whatever the client speaks.

use std::rc::Rc;

use super::{ConverseSink, ConverseStream, Operation, path, read_error};
use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::headers::LentHeaders;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;

/// A client's protocol, as far as translating it to Converse differs from translating another.
pub trait ConverseClient {
    /// What was agreed in the request and has to be undone in the answer.
    type Agreed: Default + std::fmt::Debug;
    /// Writes the client's stream.
    type Sink: ConverseSink<Call: std::fmt::Debug> + std::fmt::Debug;

    /// A stream for this attempt.
    fn sink(attempt: &Attempt) -> Self::Sink;

    /// The body of the Converse request.
    ///
    /// # Errors
    /// The client's request cannot be said.
    fn request(attempt: &Attempt, body: &[u8]) -> Result<(Vec<u8>, Self::Agreed), RequestError>;

    /// The stream will answer a request in which this was agreed.
    fn agree(sink: &mut Self::Sink, agreed: &Self::Agreed);

    /// The body of the client's answer.
    ///
    /// # Errors
    /// Bedrock's answer cannot be read.
    fn response(
        attempt: &Attempt,
        agreed: &Self::Agreed,
        body: &[u8],
    ) -> Result<(Vec<u8>, Option<Usage>), ProviderError>;
}

/// Translates one attempt of a client to Converse or ConverseStream.
#[derive(Debug)]
pub struct ToConverse<C: ConverseClient> {
    attempt: Rc<Attempt>,
    agreed: C::Agreed,
    stream: ConverseStream<C::Sink>,
    /// Of a whole answer; streams keep their own.
    usage: Option<Usage>,
}

impl<C: ConverseClient> ToConverse<C> {
    /// A translator for one attempt.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Self {
        let attempt = attempt.into();
        Self {
            stream: ConverseStream::new(C::sink(&attempt)),
            attempt,
            agreed: C::Agreed::default(),
            usage: None,
        }
    }
}

impl<C: ConverseClient> Translator for ToConverse<C> {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        let operation = if self.attempt.stream {
            Operation::ConverseStream
        } else {
            Operation::Converse
        };
        let path = path(&self.attempt, operation)?;
        let (body, agreed) = C::request(&self.attempt, body)?;
        C::agree(self.stream.sink_mut(), &agreed);
        self.agreed = agreed;
        Ok(OutgoingRequest {
            path,
            headers: Vec::new(),
            body: BodyEdit::Replace(body),
        })
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let (body, usage) = C::response(&self.attempt, &self.agreed, body)?;
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

    fn error(&self, status: u16, headers: &LentHeaders<'_>, body: &[u8]) -> ProviderError {
        read_error(status, headers, body)
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
