//! Chat Completions in the dialect of the upstream's provider, whichever translator made them.

use std::rc::Rc;

use catalog::{Dialect, Provider};

use crate::body_edit::{BodyEdit, BodyPrefix};
use crate::error::{ProviderError, RequestError};
use crate::formats::chat_completions::request_dialect::{self, RestoredNames};
use crate::headers::HeaderSlice;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::usage::Usage;

/// A translator whose requests the provider takes, and whose answers have the client's names of tools.
pub(crate) struct InDialect<T> {
    attempt: Rc<Attempt>,
    dialect: Dialect,
    translator: T,
    names: RestoredNames,
}

impl<T: Translator> InDialect<T> {
    /// `translator` sends Chat Completions, which are written in `dialect`.
    pub(crate) fn new(attempt: Rc<Attempt>, dialect: Dialect, translator: T) -> Self {
        Self {
            dialect,
            attempt,
            translator,
            names: RestoredNames::default(),
        }
    }

    /// The client's body may have to change in more than the translator changes.
    fn may_change(&self) -> bool {
        request_dialect::may_change(&self.dialect, &self.attempt.traits)
    }

    /// Puts the client's names back into what was appended behind `start`.
    fn restore(&self, out: &mut Vec<u8>, start: usize) {
        if !self.names.is_empty() {
            let appended = out.split_off(start);
            out.extend(self.names.restore(appended));
        }
    }
}

impl<T: Translator> Translator for InDialect<T> {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        let outgoing = self.translator.request(body)?;
        let (edit, names) = match outgoing.body {
            BodyEdit::Replace(body) => {
                let rewritten = request_dialect::rewrite(&self.dialect, body);
                let (body, names) = rewritten.map_err(|error| RequestError {
                    // It would name a field of a request that the client never sent; the message still explains.
                    param: None,
                    ..error
                })?;
                (BodyEdit::Replace(body), names)
            }
            spliced if !self.may_change() => (spliced, RestoredNames::default()),
            spliced => {
                let written = request_dialect::write(&self.dialect, body)?;
                let mut edits = written.edits;
                if let BodyEdit::Splice(own) = spliced {
                    edits.extend(own);
                }
                (BodyEdit::of(edits), written.names)
            }
        };
        self.names = names;
        Ok(OutgoingRequest {
            body: edit,
            ..outgoing
        })
    }

    fn request_from_prefix(
        &mut self,
        prefix: BodyPrefix<'_>,
    ) -> Option<Result<OutgoingRequest, RequestError>> {
        if self.may_change() {
            return None;
        }
        self.translator.request_from_prefix(prefix)
    }

    fn needs_only_prefix(&self) -> bool {
        self.translator.needs_only_prefix() && !self.may_change()
    }

    fn changes_only_the_model(&self) -> bool {
        self.translator.changes_only_the_model() && !self.may_change()
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        let response = self.translator.response(body)?;
        if self.names.is_empty() {
            return Ok(response);
        }
        let response = response.unwrap_or_else(|| body.to_vec());
        Ok(Some(self.names.restore(response)))
    }

    fn forwards_json(&self) -> bool {
        self.names.is_empty() && self.translator.forwards_json()
    }

    fn observe_json(&mut self, chunk: &[u8]) {
        self.translator.observe_json(chunk);
    }

    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let is_unchanged = self.translator.stream(chunk, out);
        if !is_unchanged || self.names.is_empty() {
            self.restore(out, start);
            return is_unchanged;
        }
        out.extend_from_slice(chunk);
        self.restore(out, start);
        false
    }

    fn stream_end(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        self.translator.stream_end(out);
        self.restore(out, start);
    }

    fn stream_state(&self) -> &StreamState {
        self.translator.stream_state()
    }

    fn error(
        &self,
        provider: Provider,
        status: u16,
        headers: &HeaderSlice<'_>,
        body: &[u8],
    ) -> ProviderError {
        self.translator.error(provider, status, headers, body)
    }

    fn skipped_events(&self) -> u32 {
        self.translator.skipped_events()
    }

    fn usage(&self) -> Option<Usage> {
        self.translator.usage()
    }

    fn text_bytes(&self) -> u64 {
        self.translator.text_bytes()
    }

    fn served_model(&self) -> Option<&str> {
        self.translator.served_model()
    }
}
