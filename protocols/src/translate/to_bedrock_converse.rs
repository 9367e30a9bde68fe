//! What every translator to Bedrock Converse does in the same way, whatever the client speaks.

use std::marker::PhantomData;

use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::formats::bedrock_converse::{ConverseSink, ConverseStream, Operation, path, read_error};
use crate::headers::HeaderSlice;
use crate::translate::{StreamTranslator, Translate, TranslatedResponse, TranslatorFor};
use crate::translator::{Attempt, OutgoingRequest, StreamState};
use crate::usage::Usage;

/// A client's protocol, as far as translating it to Converse differs from translating another.
pub trait ConverseClient {
    /// What was agreed in the request and has to be undone in the answer.
    type RequestState: Default + std::fmt::Debug;
    /// Writes the client's stream.
    type Sink: ConverseSink<Call: std::fmt::Debug> + std::fmt::Debug;

    /// A stream for this attempt.
    fn sink(attempt: &Attempt) -> Self::Sink;

    /// The body of the Converse request.
    ///
    /// # Errors
    /// The client's request cannot be said.
    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(Vec<u8>, Self::RequestState), RequestError>;

    /// The stream will answer a request in which this was agreed.
    fn set_request_state(sink: &mut Self::Sink, request_state: &Self::RequestState);

    /// The body of the client's answer.
    ///
    /// # Errors
    /// Bedrock's answer cannot be read.
    fn response(
        attempt: &Attempt,
        request_state: &Self::RequestState,
        body: &[u8],
    ) -> Result<(Vec<u8>, Option<Usage>), ProviderError>;
}

/// Translates one attempt of a client to Converse or ConverseStream.
pub type ToConverseTranslator<C> = TranslatorFor<ConverseTranslation<C>>;

/// Clients of one protocol, upstreams that speak Converse.
#[derive(Debug)]
pub struct ConverseTranslation<C>(PhantomData<C>);

impl<C: ConverseClient> Translate for ConverseTranslation<C> {
    type RequestState = C::RequestState;
    type Stream = ConverseStream<C::Sink>;

    fn stream(attempt: &Attempt) -> Self::Stream {
        ConverseStream::new(C::sink(attempt))
    }

    fn set_request_state(stream: &mut Self::Stream, request_state: &C::RequestState) {
        C::set_request_state(stream.sink_mut(), request_state);
    }

    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(OutgoingRequest, C::RequestState), RequestError> {
        let operation = if attempt.stream {
            Operation::ConverseStream
        } else {
            Operation::Converse
        };
        let path = path(attempt, operation)?;
        let (body, request_state) = C::request(attempt, body)?;
        let outgoing = OutgoingRequest {
            path,
            headers: Vec::new(),
            body: BodyEdit::Replace(body),
        };
        Ok((outgoing, request_state))
    }

    fn response(
        attempt: &Attempt,
        request_state: &C::RequestState,
        body: &[u8],
    ) -> Result<TranslatedResponse, ProviderError> {
        let (body, usage) = C::response(attempt, request_state, body)?;
        Ok(TranslatedResponse {
            body,
            usage,
            // Converse does not say which model has answered: it is the one that was asked.
            served_model: None,
        })
    }

    fn error(status: u16, headers: &HeaderSlice<'_>, body: &[u8]) -> ProviderError {
        read_error(status, headers, body)
    }
}

impl<RequestState, S: ConverseSink> StreamTranslator<RequestState> for ConverseStream<S> {
    fn push(
        &mut self,
        _attempt: &Attempt,
        _request_state: &RequestState,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) {
        self.push(chunk, out);
    }

    fn end(&mut self, _attempt: &Attempt, _request_state: &RequestState, out: &mut Vec<u8>) {
        self.end(out);
    }

    fn state(&self) -> &StreamState {
        self.state()
    }

    fn usage(&self) -> Option<Usage> {
        self.usage()
    }

    fn text_bytes(&self) -> u64 {
        self.text_bytes()
    }
}
