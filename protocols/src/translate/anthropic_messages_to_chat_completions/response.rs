//! Translates a complete response: a chat completion to an Anthropic message.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::error::ProviderError;
use crate::formats::anthropic_messages::{MessageBlock, MessageResponse};
use crate::formats::chat_completions::{ReceivedResponse, ToolCallDelta, signed_reasoning};
use crate::json;
use crate::json::Text;
use crate::translate::TranslatedResponse;
use crate::translate::anthropic_messages_to_chat_completions::stop_reason::StopSequences;
use crate::translator::Attempt;

/// Translates the body of a success response.
pub(super) fn translate(
    attempt: &Attempt,
    stop_sequences: &StopSequences,
    body: &[u8],
) -> Result<TranslatedResponse, ProviderError> {
    let response = ReceivedResponse::read(body)?;
    let own_id = own_message_id(attempt);
    let own_call_ids: Vec<String> = (0..response.delta.tool_calls.len())
        .map(|call| own_call_id(attempt, call))
        .collect();
    let mut content = Vec::new();
    let delta = response.delta;
    let thoughts = marked_thoughts(&delta.tool_calls);
    if !delta.reasoning.is_empty() || delta.signature.is_some() {
        content.push(MessageBlock::Thinking {
            thinking: delta.reasoning,
            signature: delta.signature,
        });
    }
    for text in [delta.text, delta.refusal] {
        if !text.is_empty() {
            content.push(MessageBlock::Text(text));
        }
    }
    let calls = delta.tool_calls.iter().zip(&own_call_ids);
    for ((call, own_id), thought) in calls.zip(&thoughts) {
        // A call without a name cannot be run.
        if let Some(name) = call.name {
            if let Some(thought) = thought {
                content.push(MessageBlock::Thinking {
                    thinking: Vec::new(),
                    signature: Some(Text::Plain(thought)),
                });
            }
            content.push(MessageBlock::ToolUse {
                id: call.id.unwrap_or(Text::Plain(own_id)),
                name,
                input: input(call.arguments),
            });
        }
    }
    let met = response.stop_sequence.and_then(Text::decode);
    let (stop_reason, stop_sequence) =
        stop_sequences.stop_reason(response.finish_reason, met.as_deref());
    let message = MessageResponse {
        id: response.id.unwrap_or(Text::Plain(&own_id)),
        model: response.model.unwrap_or(Text::Plain(&attempt.model)),
        content,
        stop_reason,
        stop_sequence: stop_sequence.map(Text::Plain),
        usage: response.usage.unwrap_or_default(),
    };
    let mut out = Vec::with_capacity(body.len().saturating_add(256));
    message.write(&mut out);
    Ok(TranslatedResponse {
        body: out,
        usage: response.usage,
        served_model: response.model.and_then(Text::decode).map(Cow::into_owned),
    })
}

/// The thought signatures of calls, as signatures of thinking before them.
pub(in crate::translate) fn marked_thoughts(calls: &[ToolCallDelta<'_>]) -> Vec<Option<String>> {
    let signatures = calls.iter().map(|call| call.thought_signature);
    signatures
        .map(|signature| signature.map(signed_reasoning::marked_thought))
        .collect()
}

/// The id of a response if the provider gives none.
pub(super) fn own_message_id(attempt: &Attempt) -> String {
    format!("msg_{}", attempt.request_id)
}

/// The id of a tool call if the provider gives none.
pub(super) fn own_call_id(attempt: &Attempt, call: usize) -> String {
    format!("toolu_{}_{call}", attempt.request_id)
}

/// The arguments as the object that clients expect. A length limit may have truncated them; invalid arguments become
/// `{}`.
fn input(arguments: Text<'_>) -> Cow<'_, str> {
    arguments
        .decode()
        .filter(|text| {
            text.trim_start().starts_with('{') && json::parse_text::<IgnoredAny>(text).is_ok()
        })
        .unwrap_or(Cow::Borrowed("{}"))
}
