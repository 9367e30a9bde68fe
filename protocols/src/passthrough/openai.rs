//! Forwards OpenAI's endpoints: changes the model name; all other bytes stay.
//!
//! Streams are observed and forwarded by whole events, so that a truncated stream can still end with an error event
//! that clients understand. Requests are adapted to the provider's dialect (`request.rs`), responses to what OpenAI's
//! clients expect (`response_normalizer.rs`).
//!
//! A client that does not ask for usage gets none. If the upstream reports usage on request
//! ([`Attempt::ask_for_usage`]), the gateway asks for it and removes the usage chunk from the stream.

mod chunk;
mod reasoning_items;
mod request;
mod response_normalizer;
mod rewrites;

use catalog::Provider;
use std::rc::Rc;

use crate::body_edit::{BodyEdit, BodyPrefix};
use crate::error::{self, ErrorKind, ProviderError, RequestError};
use crate::format::ClientFormat;
use crate::headers::HeaderSlice;
use crate::json;
use crate::passthrough::{EventAction, SseFramer, StreamObserver, state_of};
use crate::scanner::TopLevel;
use crate::sse::{self, SseEvent};
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::upstream_path;
use crate::usage::Usage;
use chunk::{Chunk, Ending};
use response_normalizer::{Normalized, ResponseNormalizer};
use rewrites::{Rewrite, RewriteTemplate};

/// See the [module](self).
pub struct OpenAiPassThrough {
    attempt: Rc<Attempt>,
    endpoint: &'static str,
    events: SseFramer,
    state: StreamState,
    /// The choices so far: index, and whether a finish reason has arrived.
    choices: Vec<(u64, bool)>,
    /// There is content, or a reason for its absence: see [`StreamState::Content`].
    has_content: bool,
    usage: Option<Usage>,
    text_bytes: u64,
    skipped_events: u32,
    served_model: Option<String>,
    json: TopLevel,
    normalizer: ResponseNormalizer,
    template: RewriteTemplate,
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
        let dialect = attempt.dialect();
        Ok(Self {
            normalizer: ResponseNormalizer::new(dialect.response_extras, attempt.client),
            attempt,
            endpoint,
            events: SseFramer::default(),
            state: StreamState::BeforeContent,
            choices: Vec::new(),
            has_content: false,
            usage: None,
            text_bytes: 0,
            skipped_events: 0,
            served_model: None,
            json: TopLevel::new(&["usage", "model"]),
            template: RewriteTemplate::default(),
        })
    }

    fn outgoing(&self, body: BodyEdit) -> Result<OutgoingRequest, RequestError> {
        Ok(OutgoingRequest {
            path: upstream_path::openai(&self.attempt, self.endpoint)?,
            headers: Vec::new(),
            body,
        })
    }

    /// Writes an event after it was observed.
    fn write(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> EventAction {
        match self.normalizer.chunk(event.data) {
            Normalized::Unchanged => {
                out.extend_from_slice(event.raw);
                EventAction::Forwarded
            }
            Normalized::Dropped => EventAction::Rewritten,
            Normalized::Rewritten(data) => {
                sse::write_data(out, &data);
                EventAction::Rewritten
            }
        }
    }

    /// Writes an event that matched the template.
    fn rewrite_matching(
        &mut self,
        event: &SseEvent<'_>,
        text: &str,
        out: &mut Vec<u8>,
    ) -> EventAction {
        self.count(text);
        match self.template.rewrite() {
            Rewrite::Unchanged => {
                out.extend_from_slice(event.raw);
                EventAction::Forwarded
            }
            Rewrite::Wrap(before, behind) => {
                out.extend_from_slice(before);
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(behind);
                EventAction::Rewritten
            }
            Rewrite::Sample(..) => {
                let start = out.len();
                let action = self.write(event, out);
                let written = out.get(start..).unwrap_or_default();
                self.template.record_rewrite(text, action, written);
                action
            }
        }
    }

    fn count(&mut self, text: &str) {
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.text_bytes = self.text_bytes.saturating_add(bytes);
    }

    fn is_finished(&self) -> bool {
        match self.state {
            StreamState::BeforeContent | StreamState::Content => false,
            StreamState::Complete | StreamState::Empty | StreamState::Failed(_) => true,
        }
    }

    fn observe(&mut self, chunk: &Chunk<'_>) {
        let usage = chunk.usage.or(chunk.usage_elsewhere);
        if let Some(usage) = usage.and_then(Usage::from_openai) {
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

    /// The content filter stopped the response before it started, and the policy asks to fail over then.
    fn is_refused_by_filter(&self, chunk: &Chunk<'_>) -> bool {
        chunk.filtered && !self.has_content && self.attempt.fail_over_on_content_policy
    }

    fn complete(&mut self) {
        self.state = if self.has_content {
            StreamState::Complete
        } else {
            StreamState::Empty
        };
    }

    fn fail(&mut self, error: ProviderError, out: &mut Vec<u8>) {
        error::write_stream_error(out, self.attempt.client, &error);
        self.state = StreamState::Failed(error);
    }

    /// Everything that the client asked for has arrived except the last frame, which some servers omit.
    fn lacks_only_the_last_frame(&self) -> bool {
        let every_choice_finished =
            !self.choices.is_empty() && self.choices.iter().all(|(_, finished)| *finished);
        every_choice_finished && (self.usage.is_some() || !self.attempt.include_usage)
    }
}

impl StreamObserver for OpenAiPassThrough {
    fn event(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> EventAction {
        if self.is_finished() {
            return EventAction::Rewritten;
        }
        if event.data.is_empty() {
            out.extend_from_slice(event.raw);
            return EventAction::Forwarded;
        }
        if event.data == b"[DONE]" {
            self.complete();
            out.extend_from_slice(event.raw);
            return EventAction::Forwarded;
        }
        if let Some(matched) = self.template.match_prefix(event.raw) {
            return self.rewrite_matching(event, matched.text, out);
        }
        let chunk = match Chunk::read(self.attempt.client, event.data) {
            Ok(chunk) => chunk,
            Err(_) if !json::is_valid(event.data) => {
                self.skipped_events = self.skipped_events.saturating_add(1);
                return EventAction::Rewritten;
            }
            Err(error) => {
                self.fail(ProviderError::invalid_response(error), out);
                return EventAction::Rewritten;
            }
        };
        self.observe(&chunk);
        match chunk.ending {
            Ending::None => {}
            Ending::Finished => self.complete(),
            Ending::Failed => {
                let error = error::classify_in_stream(event.name, event.data);
                if self.attempt.client == ClientFormat::Responses {
                    // Responses clients identify these events by sequence numbers and response ids.
                    self.state = StreamState::Failed(error);
                    out.extend_from_slice(event.raw);
                    return EventAction::Forwarded;
                }
                self.fail(error, out);
                return EventAction::Rewritten;
            }
        }
        // Only a chunk with nothing but usage: a provider that sends usage with content would do so unasked.
        if self.attempt.injects_usage_request() && chunk.usage.is_some() && chunk.choices.is_empty()
        {
            return EventAction::Rewritten;
        }
        if self.is_refused_by_filter(&chunk) {
            let message = "the provider's content filter refused the prompt";
            self.fail(
                ProviderError::new(ErrorKind::ContentPolicy, message).with_code("content_filter"),
                out,
            );
            return EventAction::Rewritten;
        }
        self.has_content |= chunk.has_content;
        if self.has_content && self.state == StreamState::BeforeContent {
            self.state = StreamState::Content;
        }
        let start = out.len();
        let action = self.write(event, out);
        let written = out.get(start..).unwrap_or_default();
        self.template
            .record(event, &chunk, &self.normalizer, action, written);
        action
    }

    fn match_prefix<'e>(&mut self, events: &'e [u8]) -> &'e [u8] {
        let mut rest = events;
        if let (Rewrite::Unchanged, false) = (self.template.rewrite(), self.is_finished()) {
            while let Some(matched) = self.template.match_prefix(rest) {
                self.count(matched.text);
                rest = matched.rest;
            }
        }
        rest
    }
}

impl Translator for OpenAiPassThrough {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        self.outgoing(request::edit(&self.attempt, body)?)
    }

    fn request_from_prefix(
        &mut self,
        prefix: BodyPrefix<'_>,
    ) -> Option<Result<OutgoingRequest, RequestError>> {
        let edit = request::edit_from_prefix(&self.attempt, prefix)?;
        Some(edit.and_then(|edit| self.outgoing(edit)))
    }

    fn needs_only_prefix(&self) -> bool {
        request::needs_only_prefix(&self.attempt)
    }

    fn changes_only_the_model(&self) -> bool {
        self.needs_only_prefix() && !self.attempt.injects_usage_request()
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        self.observe_json(body);
        match self.normalizer.response(body) {
            Normalized::Unchanged | Normalized::Dropped => Ok(None),
            Normalized::Rewritten(body) => Ok(Some(body)),
        }
    }

    fn forwards_json(&self) -> bool {
        !self.normalizer.changes_responses()
    }

    fn observe_json(&mut self, chunk: &[u8]) {
        self.json.observe(chunk);
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
            if !self.is_finished() {
                self.fail(ProviderError::invalid_response(error), out);
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
            self.fail(ProviderError::truncated(), out);
        }
    }

    fn stream_state(&self) -> &StreamState {
        &self.state
    }

    fn error(
        &self,
        provider: Provider,
        status: u16,
        headers: &HeaderSlice<'_>,
        body: &[u8],
    ) -> ProviderError {
        error::classify(provider, status, headers, body)
    }

    fn skipped_events(&self) -> u32 {
        self.skipped_events
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
