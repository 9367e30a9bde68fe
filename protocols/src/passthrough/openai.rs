//! OpenAI's endpoints in front of upstreams that serve them: the model name changes, all other bytes stay.
//!
//! Streams are observed event by event, and only whole events are passed on, so that a stream that dies can still end
//! with an error event that clients understand. Azure's streams lose what OpenAI's clients refuse, Ollama's bodies get
//! the names that OpenAI's have (`response_normalizer.rs`).
//!
//! A client that says nothing about usage in its stream gets none; where the upstream counts when it is asked
//! ([`Attempt::ask_for_usage`]), it is asked all the same, and the chunk that brings the count is taken out again.

mod chunk;
mod reasoning_items;
mod request;
mod response_normalizer;
mod rewrites;

use std::rc::Rc;

use crate::body_edit::{BodyEdit, Parts};
use crate::error::{self, ErrorKind, ProviderError, RequestError};
use crate::format::ClientFormat;
use crate::headers::LentHeaders;
use crate::json;
use crate::passthrough::{Passage, Watcher, WholeEvents, state_of};
use crate::scanner::TopLevel;
use crate::sse::{self, SseEvent};
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::upstream_path;
use crate::usage::Usage;
use chunk::{Chunk, Ending};
use response_normalizer::{Cleaned, Quirks};
use rewrites::{Alike, Form};

/// See the [module](self).
pub struct OpenAiPassThrough {
    attempt: Rc<Attempt>,
    endpoint: &'static str,
    events: WholeEvents,
    state: StreamState,
    /// The choices of the stream so far: their index, and whether they have a finish reason.
    choices: Vec<(u64, bool)>,
    /// What came so far explains itself: see [`StreamState::Content`].
    has_content: bool,
    usage: Option<Usage>,
    text_bytes: u64,
    served_model: Option<String>,
    json: TopLevel,
    quirks: Quirks,
    alike: Alike,
}

impl OpenAiPassThrough {
    /// A translator for one attempt.
    ///
    /// # Errors
    /// The endpoint is not one of OpenAI's, or the upstream does not serve it.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Result<Self, RequestError> {
        let attempt = attempt.into();
        let endpoint = match attempt.client {
            ClientFormat::ChatCompletions => "chat/completions",
            ClientFormat::Completions => "completions",
            ClientFormat::Embeddings => "embeddings",
            ClientFormat::Responses if attempt.native_responses => "responses",
            ClientFormat::Responses => {
                return Err(RequestError::new(
                    "this upstream does not serve the Responses API",
                ));
            }
            ClientFormat::AnthropicMessages | ClientFormat::AnthropicCountTokens => {
                return Err(RequestError::new(
                    "this upstream does not serve Anthropic's API",
                ));
            }
        };
        Ok(Self {
            quirks: Quirks::new(attempt.upstream, attempt.client),
            attempt,
            endpoint,
            events: WholeEvents::default(),
            state: StreamState::Opening,
            choices: Vec::new(),
            has_content: false,
            usage: None,
            text_bytes: 0,
            served_model: None,
            json: TopLevel::new(&["usage", "model"]),
            alike: Alike::default(),
        })
    }

    fn outgoing(&self, body: BodyEdit) -> Result<OutgoingRequest, RequestError> {
        Ok(OutgoingRequest {
            path: upstream_path::openai(&self.attempt, self.endpoint)?,
            headers: Vec::new(),
            body,
        })
    }

    /// Writes an event of which nothing is left to be noted.
    fn write(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> Passage {
        match self.quirks.chunk(event.data) {
            Cleaned::AsItCame => {
                out.extend_from_slice(event.raw);
                Passage::Unchanged
            }
            Cleaned::Nothing => Passage::Altered,
            Cleaned::Other(data) => {
                sse::write_data(out, &data);
                Passage::Altered
            }
        }
    }

    /// Writes an event that is like one before but for its text.
    fn pass_alike(&mut self, event: &SseEvent<'_>, text: &str, out: &mut Vec<u8>) -> Passage {
        self.count(text);
        match self.alike.form() {
            Form::Same => {
                out.extend_from_slice(event.raw);
                Passage::Unchanged
            }
            Form::Around(before, behind) => {
                out.extend_from_slice(before);
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(behind);
                Passage::Altered
            }
            Form::Sample(..) => {
                let start = out.len();
                let passage = self.write(event, out);
                let became = out.get(start..).unwrap_or_default();
                self.alike.compare(text, passage, became);
                passage
            }
        }
    }

    fn count(&mut self, text: &str) {
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.text_bytes = self.text_bytes.saturating_add(bytes);
    }

    fn is_over(&self) -> bool {
        match self.state {
            StreamState::Opening | StreamState::Content => false,
            StreamState::Complete | StreamState::Failed(_) => true,
        }
    }

    fn observe(&mut self, chunk: &Chunk<'_>) {
        if let Some(usage) = chunk.usage.and_then(Usage::from_openai) {
            self.usage = Some(usage);
        }
        if let Some(model) = chunk.model.as_ref().filter(|model| !model.is_empty()) {
            self.served_model
                .get_or_insert_with(|| model.decode().into_owned());
        }
        self.text_bytes = self.text_bytes.saturating_add(chunk.text_bytes);
        for (index, finished) in &chunk.choices {
            match self.choices.iter_mut().find(|(known, _)| known == index) {
                Some((_, known_finished)) => *known_finished |= finished,
                None => self.choices.push((*index, *finished)),
            }
        }
    }

    /// The filter stopped the answer before it began, and another target is to be asked then.
    fn refused_by_filter(&self, chunk: &Chunk<'_>) -> bool {
        chunk.filtered && !self.has_content && self.attempt.fail_over_on_content_policy
    }

    /// A stream that is over without content stays [`StreamState::Opening`].
    fn complete(&mut self) {
        if self.has_content {
            self.state = StreamState::Complete;
        }
    }

    fn fail(&mut self, error: ProviderError, out: &mut Vec<u8>) {
        error::write_stream_error(out, self.attempt.client, &error);
        self.state = StreamState::Failed(error);
    }

    /// All that the client asked for has come, though the last frame has not: some servers leave it out.
    fn lacks_only_the_last_frame(&self) -> bool {
        let every_choice_finished =
            !self.choices.is_empty() && self.choices.iter().all(|(_, finished)| *finished);
        every_choice_finished && (self.usage.is_some() || !self.attempt.include_usage)
    }
}

impl Watcher for OpenAiPassThrough {
    fn event(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> Passage {
        if self.is_over() {
            return Passage::Altered;
        }
        if event.data.is_empty() {
            out.extend_from_slice(event.raw);
            return Passage::Unchanged;
        }
        if event.data == b"[DONE]" {
            self.complete();
            out.extend_from_slice(event.raw);
            return Passage::Unchanged;
        }
        if let Some(verse) = self.alike.next(event.raw) {
            return self.pass_alike(event, verse.text, out);
        }
        let chunk = match Chunk::read(self.attempt.client, event.data) {
            Ok(chunk) => chunk,
            Err(error) => {
                self.fail(ProviderError::unreadable(error), out);
                return Passage::Altered;
            }
        };
        self.observe(&chunk);
        match chunk.ending {
            Ending::None => {}
            Ending::Finished => self.complete(),
            Ending::Failed => {
                let error = error::classify_in_stream(event.name, event.data);
                if self.attempt.client == ClientFormat::Responses {
                    // Its clients know these events by their sequence numbers and response ids.
                    self.state = StreamState::Failed(error);
                    out.extend_from_slice(event.raw);
                    return Passage::Unchanged;
                }
                self.fail(error, out);
                return Passage::Altered;
            }
        }
        // Only the count: a provider that puts it beside content would send it unasked, too.
        if self.attempt.asks_for_usage() && chunk.usage.is_some() && chunk.choices.is_empty() {
            return Passage::Altered;
        }
        if self.refused_by_filter(&chunk) {
            let message = "the provider's content filter refused the prompt";
            self.fail(
                ProviderError::new(ErrorKind::ContentPolicy, message).with_code("content_filter"),
                out,
            );
            return Passage::Altered;
        }
        self.has_content |= chunk.has_content;
        if self.has_content && self.state == StreamState::Opening {
            self.state = StreamState::Content;
        }
        let start = out.len();
        let passage = self.write(event, out);
        let became = out.get(start..).unwrap_or_default();
        self.alike
            .learn(event, &chunk, &self.quirks, passage, became);
        passage
    }

    fn told<'e>(&mut self, events: &'e [u8]) -> &'e [u8] {
        let mut rest = events;
        if let (Form::Same, false) = (self.alike.form(), self.is_over()) {
            while let Some(verse) = self.alike.next(rest) {
                self.count(verse.text);
                rest = verse.rest;
            }
        }
        rest
    }
}

impl Translator for OpenAiPassThrough {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        self.outgoing(request::edit(&self.attempt, body)?)
    }

    fn request_from(&mut self, parts: Parts<'_>) -> Option<Result<OutgoingRequest, RequestError>> {
        let edit = request::edit_from(&self.attempt, parts)?;
        Some(edit.and_then(|edit| self.outgoing(edit)))
    }

    fn needs_only_parts(&self) -> bool {
        request::needs_only_parts(&self.attempt)
    }

    fn changes_only_the_model(&self) -> bool {
        self.needs_only_parts() && !self.attempt.asks_for_usage()
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        self.watch_json(body);
        match self.quirks.answer(body) {
            Cleaned::AsItCame | Cleaned::Nothing => Ok(None),
            Cleaned::Other(body) => Ok(Some(body)),
        }
    }

    fn passes_json(&self) -> bool {
        !self.quirks.changes_answers()
    }

    fn watch_json(&mut self, chunk: &[u8]) {
        self.json.watch(chunk);
        self.state = state_of(&self.json);
        let usage = self.json.value("usage").and_then(Usage::from_openai);
        self.usage = usage.or(self.usage);
        if self.served_model.is_none() {
            self.served_model = self
                .json
                .value("model")
                .and_then(|value| json::parse(value).ok());
        }
    }

    fn stream(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> bool {
        let mut events = std::mem::take(&mut self.events);
        let fed = events.feed(chunk, out, self);
        self.events = events;
        fed.unwrap_or_else(|error| {
            if !self.is_over() {
                self.fail(ProviderError::unreadable(error), out);
            }
            false
        })
    }

    fn stream_end(&mut self, out: &mut Vec<u8>) {
        let client = self.attempt.client;
        let is_whole = |data: &[u8]| data == b"[DONE]" || Chunk::read(client, data).is_ok();
        let mut events = std::mem::take(&mut self.events);
        events.finish(out, is_whole, self);
        if self.state != StreamState::Content {
            return;
        }
        if self.lacks_only_the_last_frame() {
            out.extend_from_slice(sse::DONE);
            self.state = StreamState::Complete;
        } else {
            self.fail(ProviderError::cut_off(), out);
        }
    }

    fn stream_state(&self) -> &StreamState {
        &self.state
    }

    fn error(&self, status: u16, headers: &LentHeaders<'_>, body: &[u8]) -> ProviderError {
        error::classify(status, headers, body)
    }

    fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    fn served_model(&self) -> Option<&str> {
        self.served_model.as_deref()
    }
}

#[cfg(test)]
mod tests;
