//! Translation between different formats: the parts common to all translators that write new bodies.

pub mod anthropic_messages_to_bedrock_converse;
pub mod anthropic_messages_to_chat_completions;
pub mod chat_completions_to_anthropic_messages;
pub mod chat_completions_to_bedrock_converse;
pub mod chat_completions_to_responses;
pub mod composed;
pub mod dropped_param;
pub mod embeddings_to_bedrock_titan;
pub mod responses_to_chat_completions;
pub mod to_bedrock_converse;

use catalog::Provider;
use std::fmt::Debug;
use std::rc::Rc;

use crate::error::{self, ProviderError, RequestError};
use crate::headers::HeaderSlice;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;

/// Translates one client format to one upstream format.
pub trait Translate {
    /// What a response needs to know of its request.
    type RequestState: Default + Debug;
    /// A streamed response.
    type Stream: StreamTranslator<Self::RequestState> + Debug;

    /// A stream for this attempt.
    fn stream(attempt: &Attempt) -> Self::Stream;

    /// Builds the upstream's request.
    ///
    /// # Errors
    /// The client's request cannot be expressed in the upstream's protocol.
    fn request(
        attempt: &Attempt,
        body: &[u8],
    ) -> Result<(OutgoingRequest, Self::RequestState), RequestError>;

    /// Tells `stream` about the request it responds to.
    fn set_request_state(_stream: &mut Self::Stream, _request_state: &Self::RequestState) {}

    /// Translates a complete response.
    ///
    /// # Errors
    /// The upstream's response is invalid.
    fn response(
        attempt: &Attempt,
        request_state: &Self::RequestState,
        body: &[u8],
    ) -> Result<TranslatedResponse, ProviderError>;

    /// Classifies the upstream's error response.
    fn error(
        provider: Provider,
        status: u16,
        headers: &HeaderSlice<'_>,
        body: &[u8],
    ) -> ProviderError {
        error::classify(provider, status, headers, body)
    }
}

/// Translates a streamed response. The methods correspond to those of [`Translator`].
pub trait StreamTranslator<RequestState> {
    /// Handles the next bytes.
    fn push(
        &mut self,
        attempt: &Attempt,
        request_state: &RequestState,
        chunk: &[u8],
        out: &mut Vec<u8>,
    );

    /// Handles the end of the upstream's stream.
    fn end(&mut self, attempt: &Attempt, request_state: &RequestState, out: &mut Vec<u8>);

    /// The state of the stream.
    fn state(&self) -> &StreamState;

    /// Usage, once the upstream has reported it.
    fn usage(&self) -> Option<Usage>;

    /// Bytes of text, reasoning and arguments so far.
    fn text_bytes(&self) -> u64;

    /// Events that were left out because they are no JSON.
    fn skipped_events(&self) -> u32 {
        0
    }

    /// The model that the upstream reports.
    fn served_model(&self) -> Option<&str> {
        None
    }
}

/// A complete response for the client.
#[derive(Debug)]
pub struct TranslatedResponse {
    /// In the client's format.
    pub body: Vec<u8>,
    /// Usage, if the upstream reported it.
    pub usage: Option<Usage>,
    /// The model that the upstream reports.
    pub served_model: Option<String>,
}

/// The translator of one attempt.
#[derive(Debug)]
pub struct TranslatorFor<P: Translate> {
    attempt: Rc<Attempt>,
    request_state: P::RequestState,
    stream: P::Stream,
    /// Of a complete response; streams keep their own.
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

    fn error(
        &self,
        provider: Provider,
        status: u16,
        headers: &HeaderSlice<'_>,
        body: &[u8],
    ) -> ProviderError {
        P::error(provider, status, headers, body)
    }

    fn skipped_events(&self) -> u32 {
        self.stream.skipped_events()
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
