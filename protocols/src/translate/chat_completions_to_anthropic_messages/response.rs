//! Translates a complete response: an Anthropic message to a chat completion.

use crate::error::{self, ProviderError};
use crate::formats::anthropic_messages::{ReceivedBlock, ReceivedMessage};
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
    chat.reasoning_signature = signature(&blocks);
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

/// The signature that lets the client replay the reasoning: only a single thinking block at the start can be restored
/// from joined texts.
fn signature<'a>(blocks: &[ReceivedBlock<'a>]) -> Option<Text<'a>> {
    let thinks = |block: &ReceivedBlock<'_>| {
        let kind = block.kind.and_then(Text::decode);
        matches!(kind.as_deref(), Some("thinking" | "redacted_thinking"))
    };
    let (first, rest) = blocks.split_first()?;
    let signature = first.signature.filter(|signature| !signature.is_empty())?;
    (thinks(first) && !rest.iter().any(thinks)).then_some(signature)
}
