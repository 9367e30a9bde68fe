//! Translates a complete response: a Responses response to a chat completion.

use serde_json::value::RawValue;

use crate::error::{self, ProviderError};
use crate::formats::chat_completions::{ChatResponse, FinishReason, ToolCall, signed_reasoning};
use crate::json::{self, Object, Text};
use crate::translate::TranslatedResponse;
use crate::translator::Attempt;
use crate::usage::Usage;

/// Translates the body of a success response.
pub(super) fn translate(
    attempt: &Attempt,
    body: &[u8],
) -> Result<TranslatedResponse, ProviderError> {
    let response: Object<'_> = json::read_response(body)?;
    if is_failed(&response) {
        return Err(error::classify_in_stream("", body));
    }
    let output = list(response.get("output"))
        .ok_or_else(|| ProviderError::invalid_response("no list of output items"))?;
    let own_id = format!("chatcmpl-{}", attempt.request_id);
    let model = string(&response, "model");
    let usage = usage(&response);
    let mut signature = String::new();
    let mut chat = ChatResponse {
        id: string(&response, "id").unwrap_or(Text::Plain(&own_id)),
        created: number(&response, "created_at").unwrap_or(attempt.created),
        model: model.unwrap_or(Text::Plain(&attempt.model)),
        content: Vec::new(),
        reasoning: Vec::new(),
        reasoning_signature: None,
        tool_calls: Vec::new(),
        finish_reason: FinishReason::Stop,
        usage,
    };
    for item in &output {
        match kind(item).as_deref() {
            Some("message") => chat.content.extend(texts(item, "content")),
            Some("reasoning") => {
                for part in texts(item, "summary")
                    .into_iter()
                    .chain(texts(item, "content"))
                {
                    if !chat.reasoning.is_empty() {
                        chat.reasoning.push(Text::Plain("\n\n"));
                    }
                    chat.reasoning.push(part);
                }
                if let Some(encrypted) = string(item, "encrypted_content") {
                    let piece = signed_reasoning::encrypted_piece(encrypted, signature.is_empty());
                    signature.push_str(&piece);
                }
            }
            Some("function_call") => {
                let (Some(id), Some(name)) = (string(item, "call_id"), string(item, "name")) else {
                    return Err(ProviderError::invalid_response(
                        "function_call without call_id or name",
                    ));
                };
                let arguments = string(item, "arguments").filter(|text| !text.is_blank());
                chat.tool_calls.push(ToolCall {
                    id,
                    name,
                    arguments: arguments.unwrap_or(Text::Plain("{}")),
                });
            }
            // Hosted tools, which nobody asked for, and newer types.
            _ => {}
        }
    }
    if !signature.is_empty() {
        chat.reasoning_signature = Some(Text::Plain(&signature));
    }
    chat.finish_reason = finish_reason(&response, !chat.tool_calls.is_empty());
    let mut out = Vec::with_capacity(body.len().saturating_add(512));
    chat.write(&mut out);
    Ok(TranslatedResponse {
        body: out,
        usage,
        served_model: model
            .and_then(Text::decode)
            .map(std::borrow::Cow::into_owned),
    })
}

/// The response says that it failed.
fn is_failed(response: &Object<'_>) -> bool {
    response.get("error").is_some()
        || string(response, "status")
            .and_then(Text::decode)
            .is_some_and(|status| matches!(&*status, "failed" | "cancelled"))
}

/// Why `response` ended.
pub(super) fn finish_reason(response: &Object<'_>, has_calls: bool) -> FinishReason {
    let details = object(response.get("incomplete_details"));
    let reason = details
        .as_ref()
        .and_then(|details| string(details, "reason"));
    match reason.and_then(Text::decode).as_deref() {
        Some("content_filter") => FinishReason::ContentFilter,
        Some(_) => FinishReason::Length,
        None if has_calls => FinishReason::ToolCalls,
        None => FinishReason::Stop,
    }
}

/// What `response` says that it used.
pub(super) fn usage(response: &Object<'_>) -> Option<Usage> {
    Usage::from_openai(response.get("usage")?.get().as_bytes())
}

/// The type of an item, a part or an event.
pub(super) fn kind<'a>(object: &Object<'a>) -> Option<std::borrow::Cow<'a, str>> {
    string(object, "type").and_then(Text::decode)
}

/// A member that is a string.
pub(super) fn string<'a>(object: &Object<'a>, name: &str) -> Option<Text<'a>> {
    Text::of(object.get(name)?)
}

/// A member that is a whole number.
pub(super) fn number(object: &Object<'_>, name: &str) -> Option<u64> {
    json::parse_text(object.get(name)?.get()).ok()
}

/// An object, if it is one.
pub(super) fn object(raw: Option<&RawValue>) -> Option<Object<'_>> {
    json::parse_text(raw?.get()).ok()
}

fn list(raw: Option<&RawValue>) -> Option<Vec<Object<'_>>> {
    json::parse_text(raw?.get()).ok()
}

/// The texts of the parts in the list `name`: `text`, and `refusal` of a refusal.
fn texts<'a>(item: &Object<'a>, name: &str) -> Vec<Text<'a>> {
    let parts = list(item.get(name)).unwrap_or_default();
    let text = |part: &Object<'a>| string(part, "text").or_else(|| string(part, "refusal"));
    parts.iter().filter_map(text).collect()
}
