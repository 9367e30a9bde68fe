//! Translates a complete response: a chat completion to a Responses response.

use std::borrow::Cow;

use crate::error::ProviderError;
use crate::formats::chat_completions::ReceivedResponse;
use crate::formats::responses::RequestState;
use crate::formats::responses::output_item::{OutputItem, OutputPart, PartKind};
use crate::formats::responses::response_object::{ResponseObject, Status, last_item_status};
use crate::json::Text;
use crate::translate::TranslatedResponse;
use crate::translate::anthropic_messages_to_chat_completions::marked_thoughts;
use crate::translator::Attempt;

/// Translates the body of a success response.
pub(super) fn translate(
    attempt: &Attempt,
    state: &RequestState,
    body: &[u8],
) -> Result<TranslatedResponse, ProviderError> {
    let response = ReceivedResponse::read(body)?;
    let delta = &response.delta;
    let own_call_ids: Vec<String> = (0..delta.tool_calls.len())
        .map(|call| own_call_id(attempt, call))
        .collect();
    let thoughts = marked_thoughts(&delta.tool_calls);
    let mut items = Vec::new();
    if !delta.reasoning.is_empty() || delta.signature.is_some() {
        items.push(OutputItem::Reasoning {
            summary: &delta.reasoning,
            signature: delta.signature,
        });
    }
    let parts: Vec<OutputPart<'_>> = [
        (PartKind::Text, &delta.text),
        (PartKind::Refusal, &delta.refusal),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(kind, text)| OutputPart { kind, text })
    .collect();
    if !parts.is_empty() {
        items.push(OutputItem::Message(parts));
    }
    let calls = delta.tool_calls.iter().zip(&own_call_ids);
    for ((call, own_id), thought) in calls.zip(&thoughts) {
        // A call without a name cannot be run.
        if let Some(name) = call.name {
            if let Some(thought) = thought {
                items.push(OutputItem::Reasoning {
                    summary: &[],
                    signature: Some(Text::Plain(thought)),
                });
            }
            items.push(OutputItem::FunctionCall {
                call_id: call.id.unwrap_or(Text::Plain(own_id)),
                name,
                arguments: Some(arguments(call.arguments)),
                tool: state.tools.get(name),
            });
        }
    }
    let object = ResponseObject {
        attempt,
        echo: &state.echo,
        created_at: response.created.unwrap_or(attempt.created),
        model: response.model.unwrap_or(Text::Plain(&attempt.model)),
    };
    let item_status = last_item_status(response.finish_reason);
    let mut out = Vec::with_capacity(body.len().saturating_add(1024));
    object.write(
        Status::Finished(response.finish_reason),
        response.usage.as_ref(),
        |w| {
            for (index, item) in items.iter().enumerate() {
                item.write(&item.kind().id(attempt, index), item_status, w);
            }
        },
        &mut crate::json::Writer::new(&mut out),
    );
    Ok(TranslatedResponse {
        body: out,
        usage: response.usage,
        served_model: response.model.and_then(Text::decode).map(Cow::into_owned),
    })
}

/// The id of a call if the provider gives none.
pub(super) fn own_call_id(attempt: &Attempt, call: usize) -> String {
    format!("call_{}_{call}", attempt.request_id)
}

/// Some providers send the empty string for a call without arguments, which clients cannot parse.
pub(super) fn arguments(arguments: Text<'_>) -> Text<'_> {
    if arguments.is_blank() {
        Text::Plain("{}")
    } else {
        arguments
    }
}
