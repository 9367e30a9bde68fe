//! Translates a complete response: Converse to a chat completion.

use crate::error::{self, ProviderError};
use crate::formats::bedrock_converse::{ConverseResponse, ReceivedBlock, StopReason, ToolNames};
use crate::formats::chat_completions::signed_reasoning::SignatureWriter;
use crate::formats::chat_completions::{ChatResponse, FinishReason, MarkdownFence, ToolCall};
use crate::json;
use crate::json::Text;
use crate::translate::chat_completions_to_bedrock_converse::request::ResponseHints;
use crate::translator::Attempt;
use crate::usage::Usage;

/// OpenAI's finish reason. Unknown reasons become `stop`, never an error.
pub(super) fn finish_reason(reason: StopReason, called_tools: bool) -> FinishReason {
    match reason {
        StopReason::MaxTokens | StopReason::ModelContextWindowExceeded => FinishReason::Length,
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => {
            FinishReason::ContentFilter
        }
        // Some models send `end_turn` after calls; clients run tools only if the reason says so.
        StopReason::EndTurn
        | StopReason::StopSequence
        | StopReason::ToolUse
        | StopReason::MalformedModelOutput
        | StopReason::MalformedToolUse
        | StopReason::Other => {
            if called_tools {
                FinishReason::ToolCalls
            } else {
                FinishReason::Stop
            }
        }
    }
}

/// Translates the body of a success response and returns its usage.
pub(super) fn translate(
    attempt: &Attempt,
    hints: &ResponseHints,
    body: &[u8],
) -> Result<(Vec<u8>, Option<Usage>), ProviderError> {
    let response: ConverseResponse<'_> =
        json::parse(body).map_err(ProviderError::invalid_response)?;
    let Some(blocks) = response.content() else {
        return Err(error::classify_in_stream("", body));
    };
    let id = format!("chatcmpl-{}", attempt.request_id);
    let usage = response.usage.map(|usage| usage.total());
    let mut chat = ChatResponse {
        id: Text::Plain(&id),
        created: attempt.created,
        model: Text::Plain(&attempt.model),
        content: Vec::new(),
        reasoning: Vec::new(),
        reasoning_signature: None,
        tool_calls: Vec::new(),
        finish_reason: FinishReason::Stop,
        // Clients rely on the object being present.
        usage: Some(usage.unwrap_or_default()),
    };
    for block in blocks {
        add_block(&mut chat, &hints.tool_names, block)?;
    }
    let signature = signature(blocks);
    if !signature.is_empty() {
        chat.reasoning_signature = Some(Text::Plain(&signature));
    }
    let reason = StopReason::read(response.stop_reason);
    chat.finish_reason = finish_reason(reason, !chat.tool_calls.is_empty());
    let unfenced = hints
        .strips_code_fence
        .then(|| MarkdownFence::strip_code_fence(&chat.content))
        .flatten();
    if let Some(text) = &unfenced {
        chat.content = vec![Text::Plain(text)];
    }
    let mut out = Vec::with_capacity(body.len().saturating_add(512));
    chat.write(&mut out);
    Ok((out, usage))
}

/// The signature that lets the client replay the reasoning: see [`SignatureWriter`].
fn signature(blocks: &[ReceivedBlock<'_>]) -> String {
    let mut writer = SignatureWriter::default();
    let mut signature = String::new();
    let mut place: usize = 0;
    for block in blocks {
        if let Some(reasoning) = &block.reasoning_content {
            let piece = match (&reasoning.reasoning_text, reasoning.redacted_content) {
                (Some(text), _) => {
                    let length = text.text.unwrap_or_default().decoded_length();
                    let length = length.and_then(|length| length.try_into().ok());
                    let signed = text.signature.and_then(Text::decode).unwrap_or_default();
                    let signed = length.map_or("", |_| signed.as_ref());
                    writer.thinking(place, length.unwrap_or(u64::MAX), signed)
                }
                (None, Some(data)) => writer.redacted(place, &data.decode().unwrap_or_default()),
                (None, None) => None,
            };
            signature.push_str(&piece.unwrap_or_default());
        } else if block
            .tool_use
            .as_ref()
            .is_some_and(|call| !call.is_servers())
        {
            place = place.max(1).saturating_add(1);
        } else {
            place = place.max(1);
        }
    }
    signature
}

/// Drops blocks that the client's protocol does not have.
fn add_block<'a>(
    chat: &mut ChatResponse<'a>,
    tool_names: &'a ToolNames,
    block: &ReceivedBlock<'a>,
) -> Result<(), ProviderError> {
    chat.content.extend(block.text);
    if let Some(cited) = &block.citations_content {
        chat.content.extend(cited.texts());
    }
    if let Some(text) = block
        .reasoning_content
        .as_ref()
        .and_then(|reasoning| reasoning.reasoning_text.as_ref())
    {
        chat.reasoning.extend(text.text);
    }
    if let Some(call) = block.tool_use.as_ref().filter(|call| !call.is_servers()) {
        let (Some(id), Some(name)) = (call.tool_use_id, call.name) else {
            return Err(ProviderError::invalid_response(
                "toolUse without toolUseId or name",
            ));
        };
        // Anything but an object would break the client, which parses it.
        let input = call.input.map(|input| input.get());
        let arguments = input.filter(|input| input.starts_with('{')).unwrap_or("{}");
        chat.tool_calls.push(ToolCall {
            id,
            name: tool_names.client_name(name),
            arguments: Text::Plain(arguments),
        });
    }
    Ok(())
}
