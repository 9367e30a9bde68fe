//! A request: Chat Completions in, Converse out.

mod messages;
mod tools;

use catalog::{Dialect, ReasoningRequest as Word, Sampling};
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::bedrock_converse::{
    AdditionalField, AskedSchema, CachePoint, ConverseRequest, Inference, JsonSchema,
    ReasoningPlan, ReasoningRequest, ToolNames,
};
use crate::formats::chat_completions::ChatRequest;
use crate::formats::chat_completions::request_reader::{Number, ResponseFormat};
use crate::json::{self, Text};
use crate::translate::chat_completions_to_bedrock_converse::DROPPED_PARAMS;
use crate::translate::dropped_param;
use crate::translator::Attempt;
use tools::ToolPlan;

/// Fields of other vendors, sent through OpenAI's SDKs as extra fields.
#[derive(Debug, Default)]
struct Extras<'a> {
    /// Anthropic's own; forwarded unchanged, in place of `reasoning_effort`.
    thinking: Option<&'a RawValue>,
    top_k: Option<&'a RawValue>,
    /// Anthropic's cache mark at the top level: the end of the conversation.
    cache_control: Option<&'a RawValue>,
}

/// What the response must undo of the request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseHints {
    /// The client's tool names.
    pub(super) tool_names: ToolNames,
    /// The output should be JSON, and only the prompt enforces it: a Markdown fence around it is stripped.
    pub(super) strips_code_fence: bool,
}

/// The upstream's body, and the hints for its response.
pub(super) fn translate(
    attempt: &Attempt,
    body: &[u8],
) -> Result<(Vec<u8>, ResponseHints), RequestError> {
    let request = ChatRequest::read(body)?;
    let mut extras = Extras::default();
    for (name, value) in &request.rest {
        match name.as_ref() {
            "thinking" => {
                json::require_object(value, name)?;
                extras.thinking = Some(value);
            }
            "top_k" => {
                let _: u64 = json::read(value, name, "a whole number")?;
                extras.top_k = Some(value);
            }
            "cache_control" => {
                json::require_object(value, name)?;
                extras.cache_control = Some(value);
            }
            _ => dropped_param::drop_or_refuse(DROPPED_PARAMS, name, name, value)?,
        }
    }
    let dialect = attempt.dialect();
    let asked = match &request.response_format {
        ResponseFormat::JsonSchema { schema, .. } => AskedSchema::of(&dialect, Some(schema)),
        ResponseFormat::Text | ResponseFormat::JsonObject => AskedSchema::default(),
    };
    let mut tool_names = ToolNames::default();
    let mut conversation = messages::translate(request.messages, &mut tool_names)?;
    if let Some(mark) = extras.cache_control {
        conversation.add_last_cache_point(CachePoint::read(mark));
    }
    if let Some(words) = &asked.words {
        conversation.add_system(Text::Plain(words), None);
    }
    let tools = ToolPlan::new(
        &dialect,
        request.tools,
        request.tool_choice,
        request.parallel_tool_calls,
        &mut tool_names,
    )?;

    let mut additional = Vec::new();
    let mut reasoning = ReasoningPlan::default();
    if let Some(thinking) = extras.thinking {
        additional.push(AdditionalField::new("thinking", thinking.get()));
        reasoning.refuses_sampling = !is_disabled(thinking)?;
    } else if let Some(effort) = request.reasoning_effort {
        reasoning = ReasoningPlan::new(&ReasoningRequest {
            dialect: &dialect,
            effort,
            max_tokens: request.max_tokens,
            default_max_tokens: u64::from(attempt.default_max_tokens.max(1)),
            forced_tool: tools.forces_a_call(),
            unsigned_tool_loop: conversation.is_unsigned_tool_loop(),
        });
    }
    additional.extend(reasoning.fields);
    additional.extend(tools.additional());

    let sampling = sampling(&dialect, reasoning.refuses_sampling);
    let mut inference = Inference {
        max_tokens: request.max_tokens.or(reasoning.max_tokens),
        stop: request.stop,
        ..Inference::default()
    };
    match sampling {
        Sampling::Both | Sampling::NotThinking => {
            inference.temperature = request.temperature.map(up_to_one);
            inference.top_p = request.top_p.map(up_to_one);
        }
        Sampling::One => {
            inference.temperature = request.temperature.map(up_to_one);
            let alone = request.top_p.filter(|_| request.temperature.is_none());
            inference.top_p = alone.map(up_to_one);
        }
        Sampling::None => {}
    }
    if let Some(top_k) = extras.top_k.filter(|_| sampling != Sampling::None) {
        additional.push(AdditionalField::new("top_k", top_k.get()));
    }

    let strips_code_fence =
        asked.words.is_some() || matches!(request.response_format, ResponseFormat::JsonObject);
    let (tools, tool_choice) = tools.into_config();
    let mut out = Vec::with_capacity(body.len().saturating_add(1024));
    let mut converse = ConverseRequest {
        conversation,
        inference,
        tools,
        tool_choice,
        output: match request.response_format {
            // Without a schema there is nothing to send: the prompt must ask for JSON, which OpenAI also requires.
            ResponseFormat::Text | ResponseFormat::JsonObject => None,
            ResponseFormat::JsonSchema {
                name, description, ..
            } => asked.schema.map(|schema| JsonSchema {
                name: Some(name),
                description,
                schema,
            }),
        },
        additional,
    };
    if !dialect.cache_control {
        converse.remove_cache_points();
    }
    converse.write(&mut out);
    let hints = ResponseHints {
        tool_names,
        strips_code_fence,
    };
    Ok((out, hints))
}

fn is_disabled(thinking: &RawValue) -> Result<bool, RequestError> {
    let fields: json::Object<'_> = json::read(thinking, "thinking", "an object")?;
    let kind = fields
        .get("type")
        .ok_or_else(|| RequestError::missing("thinking.type"))?;
    Ok(json::characters(kind, "thinking.type")? == "disabled")
}

/// The sampling parameters that the model accepts. Only Anthropic's are known to refuse any; they refuse all while thinking.
fn sampling(dialect: &Dialect, thinks: bool) -> Sampling {
    match dialect.reasoning_request {
        Word::AdaptiveThinking | Word::ThinkingBudget if thinks => Sampling::None,
        _ => dialect.sampling,
    }
}

/// Converse's `temperature` ends at 1, OpenAI's at 2.
fn up_to_one(number: Number<'_>) -> &str {
    if number.value > 1.0 { "1" } else { number.json }
}
