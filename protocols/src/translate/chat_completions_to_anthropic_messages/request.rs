//! A request: Chat Completions in, Anthropic Messages out.

mod blocks;
mod conversation;
mod thinking;
mod tools;

use catalog::Sampling;
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::chat_completions::ChatRequest;
use crate::formats::chat_completions::request_reader::{Number, ResponseFormat};
use crate::json::{self, Writer};
use crate::translate::chat_completions_to_anthropic_messages::DROPPED_PARAMS;
use crate::translate::dropped_param;
use crate::translator::Attempt;
use conversation::Conversation;
use thinking::ThinkingPlan;
use tools::ToolPlan;

/// What the response must undo of the request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseHints {
    /// Name of the synthetic tool whose arguments are the response's text.
    pub(super) tool: Option<String>,
    /// The output should be JSON, and only the prompt enforces it: a Markdown fence around it is stripped.
    pub(super) strips_code_fence: bool,
}

/// Anthropic's own fields, sent through OpenAI's SDKs as extra fields, as Anthropic's own OpenAI-compatible endpoint
/// accepts them.
#[derive(Debug, Default)]
struct Extras<'a> {
    thinking: Option<&'a RawValue>,
    top_k: Option<&'a RawValue>,
    cache_control: Option<&'a RawValue>,
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
    let strips_code_fence = matches!(request.response_format, ResponseFormat::JsonObject);
    let dialect = attempt.dialect();
    let conversation = Conversation::build(request.messages)?;
    let tools = ToolPlan::new(
        &dialect,
        request.tools,
        request.tool_choice,
        request.parallel_tool_calls,
        request.response_format,
    )?;
    let thinking = ThinkingPlan::new(&thinking::ThinkingRequest {
        dialect: &dialect,
        effort: request.reasoning_effort,
        thinking: extras.thinking,
        max_tokens: request.max_tokens,
        default_max_tokens: u64::from(attempt.default_max_tokens.max(1)),
        forced_tool: tools.forces_a_call(),
        unsigned_tool_loop: conversation.is_unsigned_tool_loop(),
    })?;
    let sampling = if thinking.is_on() {
        Sampling::None
    } else {
        dialect.sampling
    };

    let mut out = Vec::with_capacity(body.len().saturating_add(1024));
    Writer::new(&mut out).object(|w| {
        w.field("model").string(&attempt.model);
        w.field("max_tokens").number(thinking.max_tokens);
        if attempt.stream {
            w.field("stream").bool(true);
        }
        conversation.write(w);
        tools.write(w);
        thinking.write(w);
        write_output_config(w, thinking.effort, tools.schema());
        write_sampling(
            w,
            sampling,
            request.temperature,
            request.top_p,
            extras.top_k,
        );
        let mut stop = request
            .stop
            .iter()
            .filter(|stop| !stop.is_blank())
            .peekable();
        if stop.peek().is_some() {
            w.field("stop_sequences")
                .array(|w| stop.for_each(|stop| w.text(*stop)));
        }
        if let Some(user) = request.user.filter(|user| !user.is_empty()) {
            w.field("metadata")
                .object(|w| w.field("user_id").text(user));
        }
        if let Some(cache_control) = extras.cache_control {
            w.field("cache_control").raw(cache_control);
        }
    });
    let hints = ResponseHints {
        tool: tools.into_answer_tool(),
        strips_code_fence,
    };
    Ok((out, hints))
}

fn write_output_config(w: &mut Writer<'_>, effort: Option<&str>, schema: Option<&str>) {
    if effort.is_none() && schema.is_none() {
        return;
    }
    w.field("output_config").object(|w| {
        if let Some(effort) = effort {
            w.field("effort").string(effort);
        }
        if let Some(schema) = schema {
            w.field("format").object(|w| {
                w.field("type").string("json_schema");
                w.field("schema").verbatim(schema);
            });
        }
    });
}

/// Anthropic's `temperature` ends at 1, OpenAI's at 2.
fn write_sampling(
    w: &mut Writer<'_>,
    sampling: Sampling,
    temperature: Option<Number<'_>>,
    top_p: Option<Number<'_>>,
    top_k: Option<&RawValue>,
) {
    let (temperature, top_p, top_k) = match sampling {
        Sampling::Both | Sampling::NotThinking => (temperature, top_p, top_k),
        Sampling::One if temperature.is_some() => (temperature, None, top_k),
        Sampling::One => (None, top_p, top_k),
        Sampling::None => (None, None, None),
    };
    if let Some(temperature) = temperature {
        let clamped = if temperature.value > 1.0 {
            "1"
        } else {
            temperature.json
        };
        w.field("temperature").verbatim(clamped);
    }
    if let Some(top_p) = top_p {
        w.field("top_p").verbatim(top_p.json);
    }
    if let Some(top_k) = top_k {
        w.field("top_k").raw(top_k);
    }
}
