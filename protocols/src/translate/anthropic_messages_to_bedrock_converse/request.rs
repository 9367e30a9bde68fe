//! A request: Anthropic Messages in, Converse out.

mod messages;
mod thinking;
mod tools;

use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::anthropic_messages::MessagesRequest;
use crate::formats::bedrock_converse::{
    AdditionalField, AskedSchema, CachePoint, ConverseRequest, Inference, JsonSchema, ToolNames,
};
use crate::json::{self, Text};
use crate::translate::anthropic_messages_to_bedrock_converse::DROPPED_PARAMS;
use crate::translate::dropped_param;
use crate::translator::Attempt;
use tools::ToolPlan;

/// The upstream's body, and the client's tool names.
pub(super) fn translate(
    attempt: &Attempt,
    body: &[u8],
) -> Result<(Vec<u8>, ToolNames), RequestError> {
    let request = MessagesRequest::read(body)?;
    let mut cache_control: Option<&RawValue> = None;
    for (name, value) in &request.rest {
        match name.as_ref() {
            // At the top level it marks the end of the conversation.
            "cache_control" => {
                json::require_object(value, name)?;
                cache_control = Some(value);
            }
            _ => dropped_param::drop_or_refuse(DROPPED_PARAMS, name, name, value)?,
        }
    }
    if request.max_tokens == Some(0) {
        return Err(RequestError::invalid_value(
            "max_tokens",
            "expected at least 1 for the target of this request, found 0",
        ));
    }

    let dialect = attempt.dialect();
    let asked = AskedSchema::of(&dialect, request.output_config.schema);
    let mut tool_names = ToolNames::default();
    let mut conversation = messages::translate(request.system, request.messages, &mut tool_names)?;
    if let Some(mark) = cache_control {
        conversation.add_last_cache_point(CachePoint::read(mark));
    }
    if let Some(words) = &asked.words {
        conversation.add_system(Text::Plain(words), None);
    }
    let tools = ToolPlan::new(
        &dialect,
        request.tools,
        request.tool_choice,
        &mut tool_names,
    )?;
    let mut additional = thinking::fields(
        &dialect,
        request.thinking.as_ref(),
        request.output_config.effort,
        request.max_tokens,
        conversation.is_unsigned_tool_loop(),
    );
    additional.extend(tools.additional());
    let top_k = request
        .top_k
        .map(|top_k| AdditionalField::new("top_k", top_k.to_string()));
    additional.extend(top_k);

    let (tools, tool_choice) = tools.into_config();
    let mut out = Vec::with_capacity(body.len().saturating_add(1024));
    let mut converse = ConverseRequest {
        conversation,
        inference: Inference {
            max_tokens: request.max_tokens,
            temperature: request.temperature.map(|number| number.json),
            top_p: request.top_p.map(|number| number.json),
            stop: request.stop_sequences,
        },
        tools,
        tool_choice,
        output: asked.schema.map(|schema| JsonSchema {
            name: None,
            description: None,
            schema,
        }),
        additional,
    };
    if !dialect.cache_control {
        converse.remove_cache_points();
    }
    converse.write(&mut out);
    Ok((out, tool_names))
}
