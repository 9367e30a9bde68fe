//! Translates a complete response: Converse to an Anthropic message.

use std::borrow::Cow;

use crate::error::{self, ProviderError};
use crate::formats::anthropic_messages::{self, MessageBlock, MessageResponse};
use crate::formats::bedrock_converse::{
    ConverseResponse, ReceivedBlock, Stop, StopReason, ToolNames,
};
use crate::json;
use crate::json::Text;
use crate::translator::Attempt;
use crate::usage::Usage;

/// Anthropic's stop reason. Unknown reasons become `end_turn`, never an error.
pub(super) fn stop_reason(
    reason: StopReason,
    called_tools: bool,
) -> anthropic_messages::StopReason {
    match reason {
        StopReason::MaxTokens => anthropic_messages::StopReason::MaxTokens,
        StopReason::ModelContextWindowExceeded => {
            anthropic_messages::StopReason::ModelContextWindowExceeded
        }
        StopReason::GuardrailIntervened | StopReason::ContentFiltered => {
            anthropic_messages::StopReason::Refusal
        }
        // Clients run tools only if the reason says so.
        StopReason::EndTurn
        | StopReason::ToolUse
        | StopReason::MalformedModelOutput
        | StopReason::MalformedToolUse
        | StopReason::Other
            if called_tools =>
        {
            anthropic_messages::StopReason::ToolUse
        }
        StopReason::StopSequence => anthropic_messages::StopReason::StopSequence,
        StopReason::EndTurn
        | StopReason::ToolUse
        | StopReason::MalformedModelOutput
        | StopReason::MalformedToolUse
        | StopReason::Other => anthropic_messages::StopReason::EndTurn,
    }
}

/// Translates the body of a success response and returns its usage.
pub(super) fn translate(
    attempt: &Attempt,
    tool_names: &ToolNames,
    body: &[u8],
) -> Result<(Vec<u8>, Option<Usage>), ProviderError> {
    let response: ConverseResponse<'_> =
        json::parse(body).map_err(ProviderError::invalid_response)?;
    let Some(blocks) = response.content() else {
        return Err(error::classify_in_stream("", body));
    };
    let mut content = Vec::with_capacity(blocks.len());
    for block in blocks {
        content.extend(message_block(tool_names, block)?);
    }
    let called_tools = content
        .iter()
        .any(|block| matches!(block, MessageBlock::ToolUse { .. }));
    let stop = Stop::read(
        response.stop_reason,
        response.additional_model_response_fields,
    );
    let id = format!("msg_{}", attempt.request_id);
    let usage = response.usage.map(|usage| usage.total());
    let message = MessageResponse {
        id: Text::Plain(&id),
        model: Text::Plain(&attempt.model),
        content,
        stop_reason: stop_reason(stop.reason, called_tools),
        stop_sequence: stop.sequence.as_deref().map(Text::Plain),
        usage: usage.unwrap_or_default(),
    };
    let mut out = Vec::with_capacity(body.len().saturating_add(512));
    message.write(&mut out);
    Ok((out, usage))
}

/// `None` for blocks that the client's protocol does not have, and for empty text.
fn message_block<'a>(
    tool_names: &'a ToolNames,
    block: &ReceivedBlock<'a>,
) -> Result<Option<MessageBlock<'a>>, ProviderError> {
    if let Some(text) = block.text {
        return Ok((!text.is_empty()).then(|| MessageBlock::Text(vec![text])));
    }
    if let Some(cited) = &block.citations_content {
        let texts: Vec<_> = cited.texts().collect();
        let says_something = texts.iter().any(|text| !text.is_empty());
        return Ok(says_something.then_some(MessageBlock::Text(texts)));
    }
    if let Some(reasoning) = &block.reasoning_content {
        if let Some(data) = reasoning.redacted_content {
            return Ok(Some(MessageBlock::RedactedThinking { data }));
        }
        return Ok(reasoning
            .reasoning_text
            .as_ref()
            .map(|reasoning| MessageBlock::Thinking {
                thinking: reasoning.text.into_iter().collect(),
                signature: reasoning.signature,
            }));
    }
    let Some(call) = block.tool_use.as_ref().filter(|call| !call.is_servers()) else {
        return Ok(None);
    };
    let (Some(id), Some(name)) = (call.tool_use_id, call.name) else {
        return Err(ProviderError::invalid_response(
            "toolUse without toolUseId or name",
        ));
    };
    // Anything but an object would break clients' types.
    let input = call.input.map(|input| input.get());
    let input = input.filter(|input| input.starts_with('{')).unwrap_or("{}");
    Ok(Some(MessageBlock::ToolUse {
        id,
        name: tool_names.client_name(name),
        input: Cow::Borrowed(input),
    }))
}
