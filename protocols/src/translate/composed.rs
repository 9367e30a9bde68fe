//! Composes two translators for pairs that have none of their own: the client's format to Chat Completions, and Chat
//! Completions to the upstream's.

use catalog::Provider;
use std::rc::Rc;

use crate::error::{ProviderError, RequestError};
use crate::format::ClientFormat;
use crate::headers::HeaderSlice;
use crate::request_info::RequestTraits;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;

/// One attempt, translated twice. Each stage reads what the other writes incrementally: nothing is delayed that a
/// single stage would not delay.
pub struct ComposedTranslator {
    /// From the client's format to Chat Completions.
    client: Box<dyn Translator>,
    /// From Chat Completions to the upstream's format.
    upstream: Box<dyn Translator>,
    /// Chat Completions on their way from one stage to the other.
    intermediate: Vec<u8>,
}

impl ComposedTranslator {
    /// A composed translator for one attempt. Each stage gets the attempt as seen from there.
    pub fn new(
        attempt: impl Into<Rc<Attempt>>,
        client: impl FnOnce(Rc<Attempt>) -> Box<dyn Translator>,
        upstream: impl FnOnce(Rc<Attempt>) -> Box<dyn Translator>,
    ) -> Self {
        // Keeps the real upstream format, which may accept what others do not: signed reasoning.
        let from_client = attempt.into();
        let to_upstream = Attempt {
            client: ClientFormat::ChatCompletions,
            // A client's stage of another format needs it, whether or not the client asked.
            include_usage: from_client.include_usage
                || from_client.client != ClientFormat::ChatCompletions,
            // Added once, for the client.
            metadata: None,
            // Of a body that the client's stage writes.
            traits: RequestTraits::ANYTHING,
            ..Attempt::clone(&from_client)
        };
        Self {
            client: client(from_client),
            upstream: upstream(Rc::new(to_upstream)),
            intermediate: Vec::new(),
        }
    }

    /// Passes the intermediate bytes to the client's stage.
    fn drain_intermediate(&mut self, out: &mut Vec<u8>) {
        if self.client.stream(&self.intermediate, out) {
            out.extend_from_slice(&self.intermediate);
        }
        self.intermediate.clear();
    }
}

impl Translator for ComposedTranslator {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        let chat = self.client.request(body)?.body.applied(body);
        self.upstream.request(&chat).map_err(|error| RequestError {
            // It would name a field of a request that the client never sent; the message still explains.
            param: None,
            ..error
        })
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let chat = self.upstream.response(body)?;
        let chat = chat.as_deref().unwrap_or(body);
        Ok(Some(match self.client.response(chat)? {
            Some(response) => response,
            None => chat.to_vec(),
        }))
    }

    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        if self.upstream.stream(chunk, &mut self.intermediate) {
            self.intermediate.extend_from_slice(chunk);
        }
        self.drain_intermediate(out);
        false
    }

    fn stream_end(&mut self, out: &mut Vec<u8>) {
        self.upstream.stream_end(&mut self.intermediate);
        self.drain_intermediate(out);
        self.client.stream_end(out);
    }

    /// A failure is reported in the upstream's own words; any other state counts only once it has reached the client.
    fn stream_state(&self) -> &StreamState {
        match self.upstream.stream_state() {
            failed @ StreamState::Failed(_) => failed,
            StreamState::BeforeContent
            | StreamState::Content
            | StreamState::Complete
            | StreamState::Empty => self.client.stream_state(),
        }
    }

    fn error(
        &self,
        provider: Provider,
        status: u16,
        headers: &HeaderSlice<'_>,
        body: &[u8],
    ) -> ProviderError {
        self.upstream.error(provider, status, headers, body)
    }

    fn usage(&self) -> Option<Usage> {
        self.upstream.usage().or_else(|| self.client.usage())
    }

    fn skipped_events(&self) -> u32 {
        self.upstream.skipped_events()
    }

    fn text_bytes(&self) -> u64 {
        self.upstream.text_bytes().max(self.client.text_bytes())
    }

    fn served_model(&self) -> Option<&str> {
        self.upstream
            .served_model()
            .or_else(|| self.client.served_model())
    }
}

#[cfg(test)]
mod tests;
