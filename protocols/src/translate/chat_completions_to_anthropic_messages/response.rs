//! Translates a complete response: an Anthropic message to a chat completion.

use crate::error::{self, ProviderError};
use crate::formats::anthropic_messages::{ReceivedBlock, ReceivedMessage};
use crate::formats::chat_completions::signed_reasoning::SignatureWriter;
use crate::formats::chat_completions::{ChatResponse, FinishReason, MarkdownFence, ToolCall};
use crate::json::{self, Text};
use crate::translate::TranslatedResponse;
use crate::translate::chat_completions_to_anthropic_messages::finish_reason::finish_reason;
use crate::translate::chat_completions_to_anthropic_messages::request::ResponseHints;
use crate::translator::Attempt;

/// Translates the body of a success response.
pub(super) fn translate(
    attempt: &Attempt,
    hints: &ResponseHints,
    body: &[u8],
) -> Result<TranslatedResponse, ProviderError> {
    let message: ReceivedMessage<'_> = json::read_response(body)?;
    let kind = message.kind.and_then(Text::decode);
    if kind.as_deref() == Some("error") {
        return Err(error::classify_in_stream("", body));
    }
    let blocks = message
        .content
        .ok_or_else(|| ProviderError::invalid_response("no list of content blocks"))?;
    let own_id = format!("chatcmpl-{}", attempt.request_id);
    let usage = message.usage.map(|usage| usage.total());
    let mut chat = ChatResponse {
        id: message.id.unwrap_or(Text::Plain(&own_id)),
        created: attempt.created,
        model: message.model.unwrap_or(Text::Plain(&attempt.model)),
        content: Vec::new(),
        reasoning: Vec::new(),
        reasoning_signature: None,
        tool_calls: Vec::new(),
        finish_reason: FinishReason::Stop,
        usage,
    };
    let signature = signature(&blocks, hints);
    if !signature.is_empty() {
        chat.reasoning_signature = Some(Text::Plain(&signature));
    }
    for block in &blocks {
        let kind = block.kind.and_then(Text::decode).unwrap_or_default();
        match kind.as_ref() {
            "text" => chat.content.extend(block.text),
            "thinking" => chat.reasoning.extend(block.thinking),
            "tool_use" => {
                let (Some(id), Some(name)) = (block.id, block.name) else {
                    return Err(ProviderError::invalid_response(
                        "tool_use without id or name",
                    ));
                };
                // Anything but an object would break the client, which parses it.
                let input = block.input.map(|input| input.get());
                let arguments = input.filter(|input| input.starts_with('{')).unwrap_or("{}");
                if hints.tool.is_some() && name.decode().as_deref() == hints.tool.as_deref() {
                    // Its arguments are the response's text.
                    chat.content.push(Text::Plain(arguments));
                } else {
                    chat.tool_calls.push(ToolCall {
                        id,
                        name,
                        arguments: Text::Plain(arguments),
                    });
                }
            }
            // Server tools, their results, and newer types: not for the client.
            _ => {}
        }
    }
    chat.finish_reason = finish_reason(message.stop_reason, !chat.tool_calls.is_empty());
    let unfenced = hints
        .strips_code_fence
        .then(|| MarkdownFence::strip_code_fence(&chat.content))
        .flatten();
    if let Some(text) = &unfenced {
        chat.content = vec![Text::Plain(text)];
    }
    let mut out = Vec::with_capacity(body.len().saturating_add(512));
    chat.write(&mut out);
    Ok(TranslatedResponse {
        body: out,
        usage,
        served_model: message
            .model
            .and_then(Text::decode)
            .map(std::borrow::Cow::into_owned),
    })
}

/// The signature that lets the client replay the reasoning: see [`SignatureWriter`].
fn signature(blocks: &[ReceivedBlock<'_>], hints: &ResponseHints) -> String {
    let mut writer = SignatureWriter::default();
    let mut signature = String::new();
    let mut place: usize = 0;
    for block in blocks {
        let kind = block.kind.and_then(Text::decode).unwrap_or_default();
        let piece = match kind.as_ref() {
            "thinking" => {
                let thinking = block.thinking.unwrap_or_default();
                let length = thinking
                    .decoded_length()
                    .and_then(|length| length.try_into().ok());
                let signed = block.signature.and_then(Text::decode).unwrap_or_default();
                let signed = length.map_or("", |_| signed.as_ref());
                writer.thinking(place, length.unwrap_or(u64::MAX), signed)
            }
            "redacted_thinking" => {
                let data = block.data.and_then(Text::decode).unwrap_or_default();
                writer.redacted(place, &data)
            }
            "text" => {
                place = place.max(1);
                None
            }
            "tool_use" if hints.tool.is_none() => {
                place = place.max(1).saturating_add(1);
                None
            }
            _ => None,
        };
        signature.push_str(&piece.unwrap_or_default());
    }
    signature
}
