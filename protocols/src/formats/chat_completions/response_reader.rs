//! Reads a complete Chat Completions response for clients of other protocols.

use serde_json::value::RawValue;

use crate::error::{ProviderError, classify_in_stream};
use crate::formats::chat_completions::FinishReason;
use crate::formats::chat_completions::delta::{MessageDelta, non_empty};
use crate::formats::chat_completions::finish::Finish;
use crate::json;
use crate::json::{Object, Text};
use crate::usage::Usage;

/// The first choice of a `chat.completion`. Further choices are ignored.
#[derive(Debug)]
pub struct ReceivedResponse<'a> {
    /// The provider's id; never empty.
    pub id: Option<Text<'a>>,
    /// The model that responded; never empty.
    pub model: Option<Text<'a>>,
    /// Unix seconds.
    pub created: Option<u64>,
    /// The message. Gemini omits it if there is no content.
    pub delta: MessageDelta<'a>,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// The stop sequence that was matched, if the provider reports it.
    pub stop_sequence: Option<Text<'a>>,
    /// Usage, if the provider reported it.
    pub usage: Option<Usage>,
}

impl<'a> ReceivedResponse<'a> {
    /// Reads a body with a success status.
    ///
    /// # Errors
    /// The body is an error in spite of its status, or not a `chat.completion` with a choice.
    pub fn read(body: &'a [u8]) -> Result<Self, ProviderError> {
        let response: Object<'_> = json::parse(body).map_err(ProviderError::invalid_response)?;
        if response.get("error").is_some() {
            return Err(classify_in_stream("", body));
        }
        let choice = response
            .get("choices")
            .and_then(first_object)
            .ok_or_else(|| ProviderError::invalid_response("no choices in it"))?;
        let delta = choice
            .get("message")
            .and_then(MessageDelta::read)
            .unwrap_or_default();
        let finish = Finish::read(&choice)?;
        let reason = finish.map_or(FinishReason::Stop, |finish| finish.reason);
        // A call without a name cannot be run.
        let has_calls = delta.tool_calls.iter().any(|call| call.name.is_some());
        Ok(Self {
            id: non_empty(response.get("id")),
            model: non_empty(response.get("model")),
            created: response
                .get("created")
                .and_then(|raw| raw.get().parse().ok()),
            finish_reason: Finish::reason_with_tools(reason, has_calls),
            stop_sequence: finish.and_then(|finish| finish.stop_sequence),
            delta,
            usage: response
                .get("usage")
                .and_then(|usage| Usage::from_openai(usage.get().as_bytes())),
        })
    }
}

fn first_object(raw: &RawValue) -> Option<Object<'_>> {
    let items: Vec<&RawValue> = json::parse_text(raw.get()).ok()?;
    json::parse_text(items.first()?.get()).ok()
}

#[cfg(test)]
mod tests;
