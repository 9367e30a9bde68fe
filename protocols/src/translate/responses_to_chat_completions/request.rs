//! A request: Responses in, Chat Completions out.

mod input;
mod options;
mod parts;
mod tools;

use catalog::{Dialect, OutputLimit};
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::format::UpstreamFormat;
use crate::formats::chat_completions::OutgoingMessage;
use crate::formats::chat_completions::request_reader::Number;
use crate::formats::responses::{EchoedFields, RequestState};
use crate::json::{self, Object, Text, Writer};
use crate::translate::dropped_param;
use crate::translate::responses_to_chat_completions::DROPPED_PARAMS;
use crate::translator::Attempt;
use catalog::Effort;
use options::TextConfig;
use tools::ToolPlan;

/// Fields with the same name in Chat Completions.
const SAME: &[&str] = &["prompt_cache_key", "prompt_cache_retention", "service_tier"];

/// Fields with the same name in Chat Completions, and an equivalent in other protocols.
const SAME_EVERYWHERE: &[&str] = &["user", "safety_identifier"];

/// The upstream that the conversation is written for.
#[derive(Clone, Copy)]
struct Target<'a> {
    format: UpstreamFormat,
    dialect: &'a Dialect,
}

/// A parsed request.
#[derive(Default)]
struct Request<'a> {
    input: Option<&'a RawValue>,
    instructions: Option<Text<'a>>,
    max_output_tokens: Option<u64>,
    temperature: Option<Number<'a>>,
    top_p: Option<Number<'a>>,
    tools: Option<&'a RawValue>,
    tool_choice: Option<&'a RawValue>,
    parallel_tool_calls: Option<bool>,
    text: TextConfig<'a>,
    effort: Option<Effort>,
    /// Fields forwarded under their names.
    same: Vec<(&'static str, &'a RawValue)>,
}

/// The upstream's body, and what the response needs to know of the request.
pub(super) fn translate(
    attempt: &Attempt,
    body: &[u8],
) -> Result<(Vec<u8>, RequestState), RequestError> {
    let object: Object<'_> = json::parse(body)
        .map_err(|error| RequestError::new(format!("expected a JSON object: {error}")))?;
    let request = Request::read(&object)?;
    let mut echo = EchoedFields::default();
    for (name, value) in object.fields() {
        echo.keep(name, value);
    }
    let input = request
        .input
        .ok_or_else(|| RequestError::missing("input"))?;
    let tools = ToolPlan::new(
        request.tools,
        &input::found_tools(input),
        request.tool_choice,
        request.parallel_tool_calls,
    )?;
    echo.keep_json("tools", &tools.echo());
    let mut messages = Vec::new();
    if let Some(instructions) = request.instructions.filter(|text| !text.is_empty()) {
        messages.push(OutgoingMessage::System(vec![vec![instructions]]));
    }
    let is_last_stage = attempt.upstream() == UpstreamFormat::OpenAi;
    let dialect = if is_last_stage {
        attempt.dialect()
    } else {
        Dialect::UNKNOWN
    };
    let target = Target {
        format: attempt.upstream(),
        dialect: &dialect,
    };
    input::read_input(target, input, &mut messages)?;

    let mut out = Vec::with_capacity(body.len().saturating_add(1024));
    Writer::new(&mut out).object(|w| {
        w.field("model").string(&attempt.model);
        w.field("messages").array(|w| {
            for message in &messages {
                message.write(w);
            }
        });
        if let Some(limit) = request.max_output_tokens {
            w.field(limit_name(&dialect)).number(limit);
        }
        if attempt.stream {
            w.field("stream").bool(true);
            // The last event carries usage whether or not the client asked.
            w.field("stream_options")
                .object(|w| w.field("include_usage").bool(true));
        }
        for (name, number) in [
            ("temperature", request.temperature),
            ("top_p", request.top_p),
        ] {
            if let Some(number) = number {
                w.field(name).verbatim(number.json);
            }
        }
        tools.write(w);
        request.text.write_format(w);
        if let Some(effort) = request.effort.and_then(|effort| dialect.effort(effort)) {
            w.field("reasoning_effort").string(effort.as_str());
        }
        if is_last_stage
            && dialect.takes("verbosity")
            && let Some(verbosity) = request.text.verbosity
        {
            w.field("verbosity").raw(verbosity);
        }
        for (name, value) in &request.same {
            let goes_on = if is_last_stage {
                dialect.takes(name)
            } else {
                SAME_EVERYWHERE.contains(name)
            };
            if goes_on {
                w.field(name).raw(value);
            }
        }
    });
    let state = RequestState {
        echo,
        tools: tools.into_client_tools(),
    };
    Ok((out, state))
}

impl<'a> Request<'a> {
    fn read(object: &Object<'a>) -> Result<Self, RequestError> {
        let mut request = Self::default();
        for (name, value) in object.fields() {
            match name {
                "model" | "stream" => {}
                "input" => request.input = Some(value),
                "instructions" => request.instructions = Some(json::text(value, name)?),
                "max_output_tokens" => {
                    request.max_output_tokens = Some(options::read_limit(value)?)
                }
                "temperature" => request.temperature = Some(Number::read(value, name, 2.0)?),
                "top_p" => request.top_p = Some(Number::read(value, name, 1.0)?),
                "tools" => request.tools = Some(value),
                "tool_choice" => request.tool_choice = Some(value),
                "parallel_tool_calls" => {
                    request.parallel_tool_calls = Some(json::read(value, name, "a boolean")?);
                }
                "text" => request.text = TextConfig::read(value)?,
                "reasoning" => request.effort = options::read_effort(value)?,
                "include" => options::check_include(value)?,
                "metadata" => json::require_object(value, name)?,
                "previous_response_id" | "conversation" => {
                    return Err(RequestError::unsupported(
                        name,
                        "the target of this request keeps no earlier answers; send the conversation in `input`",
                    ));
                }
                "prompt" => {
                    return Err(RequestError::unsupported(
                        name,
                        "the prompt is stored with OpenAI, the target of this request cannot read it; send `input`",
                    ));
                }
                _ => {
                    let mut same = SAME.iter().chain(SAME_EVERYWHERE);
                    match same.find(|known| **known == name) {
                        Some(name) => request.same.push((name, value)),
                        None => dropped_param::drop_unknown(DROPPED_PARAMS, name, name, value)?,
                    }
                }
            }
        }
        Ok(request)
    }
}

/// The field that limits the output. Many models refuse the older name; a further stage of this gateway reads both.
pub(in crate::translate) fn limit_name(dialect: &Dialect) -> &'static str {
    match dialect.output_limit {
        OutputLimit::MaxTokens => "max_tokens",
        OutputLimit::MaxCompletionTokens | OutputLimit::Either => "max_completion_tokens",
    }
}
