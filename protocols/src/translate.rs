//! What translators have in common whose requests and answers are new bodies: all but those that pass bodies on.

pub mod anthropic_messages_to_bedrock_converse;
pub mod anthropic_messages_to_chat_completions;
pub mod chat_completions_to_anthropic_messages;
pub mod chat_completions_to_bedrock_converse;
pub mod composed;
pub mod dropped_param;
pub mod embeddings_to_bedrock_titan;
pub mod responses_to_chat_completions;
pub mod to_bedrock_converse;

use std::fmt::Debug;
use std::rc::Rc;

use crate::error::{self, ProviderError, RequestError};
use crate::headers::HeaderSlice;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;

/// A client's protocol over an upstream's.
pub trait Translate {
    /// What the answer depends on of the request.
    type RequestState: Default + Debug;
    /// A streamed answer.
    type Stream: StreamTranslator<Self::RequestState> + Debug;

    /// A stream for this attempt.
    fn stream(attempt: &Attempt) -> Self::Stream;

    /// The upstream's request.
    ///
    /// # Errors
    /// The client's request cannot be said in the upstream's protocol.
    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(OutgoingRequest, Self::RequestState), RequestError>;

    /// `stream` will answer a request in which this was agreed.
    fn set_request_state(_stream: &mut Self::Stream, _request_state: &Self::RequestState) {}

    /// A whole answer to a request in which this was agreed.
    ///
    /// # Errors
    /// The upstream's answer cannot be read.
    fn response(
        attempt: &Attempt,
        request_state: &Self::RequestState,
        body: &[u8],
    ) -> Result<TranslatedResponse, ProviderError>;

    /// Reads the upstream's error answer.
    fn error(status: u16, headers: &HeaderSlice<'_>, body: &[u8]) -> ProviderError {
        error::classify(status, headers, body)
    }
}

/// A streamed answer: the upstream's bytes in, the client's out. Its methods are those of [`Translator`].
pub trait StreamTranslator<RequestState> {
    /// Takes the next bytes.
    fn push(
        &mut self,
        attempt: &Attempt,
        request_state: &RequestState,
        chunk: &[u8],
        out: &mut Vec<u8>,
    );

    /// The upstream closed the stream.
    fn end(&mut self, attempt: &Attempt, request_state: &RequestState, out: &mut Vec<u8>);

    /// How far it has come.
    fn state(&self) -> &StreamState;

    /// Tokens, once the upstream has said.
    fn usage(&self) -> Option<Usage>;

    /// Bytes of text, reasoning and arguments so far.
    fn text_bytes(&self) -> u64;

    /// The model that the upstream names, if it names one.
    fn served_model(&self) -> Option<&str> {
        None
    }
}

/// A whole answer for the client.
#[derive(Debug)]
pub struct TranslatedResponse {
    /// In the client's shape.
    pub body: Vec<u8>,
    /// Tokens, when the upstream has said.
    pub usage: Option<Usage>,
    /// The model that the upstream names, if it names one.
    pub served_model: Option<String>,
}

/// Translates one attempt.
#[derive(Debug)]
pub struct TranslatorFor<P: Translate> {
    attempt: Rc<Attempt>,
    request_state: P::RequestState,
    stream: P::Stream,
    /// Of a whole answer; streams keep their own.
    usage: Option<Usage>,
    served_model: Option<String>,
}

impl<P: Translate> TranslatorFor<P> {
    /// A translator for one attempt.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Self {
        let attempt = attempt.into();
        Self {
            stream: P::stream(&attempt),
            attempt,
            request_state: P::RequestState::default(),
            usage: None,
            served_model: None,
        }
    }
}

impl<P: Translate> Translator for TranslatorFor<P> {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        let (outgoing, request_state) = P::request(&self.attempt, body)?;
        P::set_request_state(&mut self.stream, &request_state);
        self.request_state = request_state;
        Ok(outgoing)
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let response = P::response(&self.attempt, &self.request_state, body)?;
        self.usage = response.usage;
        self.served_model = response.served_model;
        Ok(Some(response.body))
    }

    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        self.stream
            .push(&self.attempt, &self.request_state, chunk, out);
        false
    }

    fn stream_end(&mut self, out: &mut Vec<u8>) {
        self.stream.end(&self.attempt, &self.request_state, out);
    }

    fn stream_state(&self) -> &StreamState {
        self.stream.state()
    }

    fn error(&self, status: u16, headers: &HeaderSlice<'_>, body: &[u8]) -> ProviderError {
        P::error(status, headers, body)
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
