//! What all translators to Bedrock Converse share.

use catalog::Provider;
use std::marker::PhantomData;

use crate::body_edit::BodyEdit;
use crate::error::{ProviderError, RequestError};
use crate::formats::bedrock_converse::{ConverseSink, ConverseStream, Operation, path, read_error};
use crate::headers::HeaderSlice;
use crate::translate::{StreamTranslator, Translate, TranslatedResponse, TranslatorFor};
use crate::translator::{Attempt, OutgoingRequest, StreamState};
use crate::usage::Usage;

/// What differs between client formats when translating to Converse.
pub trait ConverseClient {
    /// What the response must undo of the request.
    type RequestState: Default + std::fmt::Debug;
    /// The writer of the client's stream.
    type Sink: ConverseSink<Call: std::fmt::Debug> + std::fmt::Debug;

    /// A writer for this attempt.
    fn sink(attempt: &Attempt) -> Self::Sink;

    /// Builds the body of the Converse request.
    ///
    /// # Errors
    /// The client's request cannot be expressed.
    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(Vec<u8>, Self::RequestState), RequestError>;

    /// Tells the stream about its request.
    fn set_request_state(sink: &mut Self::Sink, request_state: &Self::RequestState);

    /// Translates a complete response; returns the client's body and the usage.
    ///
    /// # Errors
    /// Bedrock's response is invalid.
    fn response(
        attempt: &Attempt,
        request_state: &Self::RequestState,
        body: &[u8],
    ) -> Result<(Vec<u8>, Option<Usage>), ProviderError>;
}

/// Translates one attempt to Converse or ConverseStream.
pub type ToConverseTranslator<C> = TranslatorFor<ConverseTranslation<C>>;

/// The translation of one client format to Converse.
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
            // Converse does not name the model: it is the requested one.
            served_model: None,
        })
    }

    fn error(
        provider: Provider,
        status: u16,
        headers: &HeaderSlice<'_>,
        body: &[u8],
    ) -> ProviderError {
        read_error(provider, status, headers, body)
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
