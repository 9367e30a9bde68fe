//! Forwards Anthropic's endpoints: changes the model name and removes thinking that Anthropic did not sign; all other
//! bytes stay.
//!
//! The client's `anthropic-version` and `anthropic-beta` are forwarded, because they determine the dialect of the body.

mod model_rules;
mod unsigned_thinking;

use catalog::Provider;
use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use crate::body_edit::{BodyEdit, BodyPrefix};
use crate::error::{self, ProviderError, RequestError};
use crate::fast_path::DeltaTemplate;
use crate::format::ClientFormat;
use crate::formats::anthropic_messages::StopReason;
use crate::headers::HeaderSlice;
use crate::json;
use crate::json::{Object, Text};
use crate::passthrough::{EventAction, SseFramer, StreamObserver, model_edit, state_of};
use crate::scanner::TopLevel;
use crate::sse::SseEvent;
use crate::translator::{Attempt, OutgoingRequest, StreamState, Translator};
use crate::upstream_path;
use crate::usage::{AnthropicUsage, Usage};

/// The version for a client that sends none.
const DEFAULT_VERSION: &str = "2023-06-01";

/// See the [module](self).
pub struct AnthropicPassThrough {
    attempt: Rc<Attempt>,
    endpoint: &'static str,
    events: SseFramer,
    state: StreamState,
    /// There is content, or a reason for its absence: see [`StreamState::Content`].
    has_content: bool,
    usage: AnthropicUsage,
    text_bytes: u64,
    skipped_events: u32,
    served_model: Option<String>,
    json: TopLevel,
    template: DeltaTemplate,
}

impl AnthropicPassThrough {
    /// A translator for one attempt.
    ///
    /// # Errors
    /// The endpoint is not one of Anthropic's.
    pub fn new(attempt: impl Into<Rc<Attempt>>) -> Result<Self, RequestError> {
        let attempt = attempt.into();
        let endpoint = match attempt.client {
            ClientFormat::AnthropicMessages => "messages",
            ClientFormat::AnthropicCountTokens => "messages/count_tokens",
            ClientFormat::ChatCompletions
            | ClientFormat::Completions
            | ClientFormat::Embeddings
            | ClientFormat::Responses => {
                return Err(RequestError::new(
                    "this upstream does not serve OpenAI's API",
                ));
            }
        };
        Ok(Self {
            attempt,
            endpoint,
            events: SseFramer::default(),
            state: StreamState::BeforeContent,
            has_content: false,
            usage: AnthropicUsage::default(),
            text_bytes: 0,
            skipped_events: 0,
            served_model: None,
            json: TopLevel::new(&["usage", "model"]),
            template: DeltaTemplate::default(),
        })
    }

    /// Updates the state from an event.
    fn observe(&mut self, event: &SseEvent<'_>) -> Result<(), ProviderError> {
        let data: Object<'_> = json::parse(event.data).map_err(ProviderError::invalid_response)?;
        let object = |name: &str| json::parse_text::<Object<'_>>(data.get(name)?.get()).ok();
        match text(&data, "type").as_deref().unwrap_or(event.name) {
            "message_start" => {
                let message = object("message").unwrap_or_default();
                self.count(&message);
                if let Some(model) = text(&message, "model") {
                    self.served_model.get_or_insert_with(|| model.into_owned());
                }
            }
            "content_block_start" => {
                let block = object("content_block").unwrap_or_default();
                let is_text = matches!(text(&block, "type").as_deref(), Some("text" | "thinking"));
                self.has_content |= !is_text || has_value(&block);
            }
            "content_block_delta" => {
                let delta = object("delta").unwrap_or_default();
                self.has_content |= has_value(&delta);
                self.text_bytes = self.text_bytes.saturating_add(length(&delta));
                match sole_text(&delta) {
                    Some(text) => self.template.record_parts(event, text, None),
                    None => self.template.reset(),
                }
            }
            "message_delta" => {
                self.count(&data);
                let delta = object("delta").unwrap_or_default();
                self.has_content |= text(&delta, "stop_reason")
                    .is_some_and(|word| StopReason::allows_empty_content(&word));
            }
            "message_stop" if self.has_content => self.state = StreamState::Complete,
            "message_stop" => self.state = StreamState::Empty,
            "error" => return Err(error::classify_in_stream(event.name, event.data)),
            _ => {}
        }
        if self.has_content && self.state == StreamState::BeforeContent {
            self.state = StreamState::Content;
        }
        Ok(())
    }

    fn count(&mut self, holder: &Object<'_>) {
        if let Some(usage) = holder
            .get("usage")
            .and_then(|usage| json::parse_text::<Value>(usage.get()).ok())
        {
            self.usage.update(&usage);
        }
    }

    fn is_finished(&self) -> bool {
        match self.state {
            StreamState::BeforeContent | StreamState::Content => false,
            StreamState::Complete | StreamState::Empty | StreamState::Failed(_) => true,
        }
    }

    fn fail(&mut self, error: ProviderError, out: &mut Vec<u8>) {
        error::write_stream_error(out, self.attempt.client, &error);
        self.state = StreamState::Failed(error);
    }
}

/// Bytes of a delta's values, without quotes.
fn length(delta: &Object<'_>) -> u64 {
    let delta = delta.0.iter().filter(|(name, _)| name != "type");
    delta
        .map(|(_, value)| value.get().len().saturating_sub(2))
        .fold(0, |sum, bytes| {
            sum.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
        })
}

/// The text of a delta that has one non-empty text and nothing else.
fn sole_text<'a>(delta: &Object<'a>) -> Option<Text<'a>> {
    let mut delta = delta.0.iter().filter(|(name, _)| name != "type");
    let (_, value) = delta.next().filter(|_| delta.next().is_none())?;
    Text::of(value).filter(|text| !text.is_empty())
}

/// A block or delta has a value apart from its type.
fn has_value(object: &Object<'_>) -> bool {
    object.0.iter().any(|(name, value)| {
        name != "type" && !matches!(value.get(), "null" | "\"\"" | "[]" | "{}")
    })
}

fn text<'a>(object: &Object<'a>, name: &str) -> Option<Cow<'a, str>> {
    Text::of(object.get(name)?)?.decode()
}

impl StreamObserver for AnthropicPassThrough {
    fn event(&mut self, event: &SseEvent<'_>, out: &mut Vec<u8>) -> EventAction {
        if self.is_finished() {
            return EventAction::Rewritten;
        }
        // Also handles an event that arrived in chunks.
        if !event.data.is_empty()
            && !self.match_prefix(event.raw).is_empty()
            && let Err(error) = self.observe(event)
        {
            if json::is_valid(event.data) {
                self.fail(error, out);
            } else {
                self.skipped_events = self.skipped_events.saturating_add(1);
            }
            return EventAction::Rewritten;
        }
        out.extend_from_slice(event.raw);
        EventAction::Forwarded
    }

    fn match_prefix<'e>(&mut self, events: &'e [u8]) -> &'e [u8] {
        let mut rest = events;
        if !self.is_finished() {
            while let Some(matched) = self.template.match_prefix(rest) {
                let bytes = u64::try_from(matched.text.len()).unwrap_or(u64::MAX);
                self.text_bytes = self.text_bytes.saturating_add(bytes);
                rest = matched.rest;
            }
        }
        rest
    }
}

impl Translator for AnthropicPassThrough {
    fn request(&mut self, body: &[u8]) -> Result<OutgoingRequest, RequestError> {
        let version = self
            .attempt
            .anthropic_version
            .clone()
            .unwrap_or_else(|| DEFAULT_VERSION.to_owned());
        let mut headers = vec![("anthropic-version", version)];
        headers.extend(
            self.attempt
                .anthropic_beta
                .clone()
                .map(|beta| ("anthropic-beta", beta)),
        );
        let mut edits = unsigned_thinking::removals(body).map_err(RequestError::not_json)?;
        let dialect = self.attempt.dialect();
        let is_unsigned = !edits.is_empty();
        let rules = model_rules::edits(&dialect, body, is_unsigned);
        edits.extend(rules.map_err(RequestError::not_json)?);
        let prefix = BodyPrefix::of(body, &self.attempt.model_span);
        edits.extend(model_edit(&self.attempt, prefix.model)?);
        Ok(OutgoingRequest {
            path: upstream_path::anthropic(&self.attempt.base_path, self.endpoint),
            headers,
            body: BodyEdit::of(edits),
        })
    }

    fn response(&mut self, body: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        self.observe_json(body);
        Ok(None)
    }

    fn forwards_json(&self) -> bool {
        true
    }

    fn observe_json(&mut self, chunk: &[u8]) {
        self.json.observe(chunk);
        self.state = state_of(&self.json);
        if let Some(usage) = self
            .json
            .value("usage")
            .and_then(|usage| json::parse(usage).ok())
        {
            self.usage.update(&usage);
        }
        if self.served_model.is_none() {
            self.served_model = self
                .json
                .value("model")
                .and_then(|model| json::parse(model).ok());
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
        let is_whole = |data: &[u8]| json::parse::<Object<'_>>(data).is_ok();
        let mut events = std::mem::take(&mut self.events);
        events.finish(out, is_whole, self);
        if self.state == StreamState::Content {
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
        ProviderError {
            details: details_of(body),
            ..error::classify(provider, status, headers, body)
        }
    }

    fn skipped_events(&self) -> u32 {
        self.skipped_events
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.usage()
    }

    fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    fn served_model(&self) -> Option<&str> {
        self.served_model.as_deref()
    }
}

/// `error.details` of an error body, as JSON.
fn details_of(body: &[u8]) -> Option<String> {
    let body: Object<'_> = json::parse(body).ok()?;
    let error: Object<'_> = json::parse_text(body.get("error")?.get()).ok()?;
    let details = error.get("details")?.get();
    details.starts_with('{').then(|| details.to_owned())
}

#[cfg(test)]
mod tests;
