//! Two translators in a row, for pairs that have none of their own: the client's format to Chat Completions, and Chat
//! Completions to the upstream's.

use std::rc::Rc;

use crate::error::{ProviderError, RequestError};
use crate::format::ClientFormat;
use crate::headers::HeaderSlice;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;

/// One attempt, translated twice. What one stage writes the other one reads, piece by piece: nothing waits that would not
/// wait in a stage alone.
pub struct ComposedTranslator {
    /// Speaks the client's format to a Chat Completions upstream.
    client: Box<dyn Translator>,
    /// Speaks Chat Completions to the upstream.
    upstream: Box<dyn Translator>,
    /// Chat Completions on their way from one stage to the other.
    intermediate: Vec<u8>,
}

impl ComposedTranslator {
    /// A chain for one attempt. Each stage gets the attempt as it looks from there.
    pub fn new(
        attempt: impl Into<Rc<Attempt>>,
        client: impl FnOnce(Rc<Attempt>) -> Box<dyn Translator>,
        upstream: impl FnOnce(Rc<Attempt>) -> Box<dyn Translator>,
    ) -> Self {
        // It keeps the real upstream, which may take back what others do not: signed reasoning.
        let from_client = attempt.into();
        let to_upstream = Attempt {
            client: ClientFormat::ChatCompletions,
            // The client's stage needs it, whether the client asked or not.
            include_usage: true,
            // Said once, to the client.
            metadata: None,
            ..Attempt::clone(&from_client)
        };
        Self {
            client: client(from_client),
            upstream: upstream(Rc::new(to_upstream)),
            intermediate: Vec::new(),
        }
    }

    /// Hands what is between the stages to the client's one.
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
            // It names a field of a request that the client has never seen; the message still explains.
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

    /// A failure is the upstream's in its own words; all else counts only when it has come through to the client.
    fn stream_state(&self) -> &StreamState {
        match self.upstream.stream_state() {
            failed @ StreamState::Failed(_) => failed,
            StreamState::BeforeContent | StreamState::Content | StreamState::Complete => {
                self.client.stream_state()
            }
        }
    }

    fn error(&self, status: u16, headers: &HeaderSlice<'_>, body: &[u8]) -> ProviderError {
        self.upstream.error(status, headers, body)
    }

    fn usage(&self) -> Option<Usage> {
        self.upstream.usage().or_else(|| self.client.usage())
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
