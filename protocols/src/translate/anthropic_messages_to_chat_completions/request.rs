//! A request: Anthropic Messages in, Chat Completions out.

mod conversation;
mod media;
mod tools;

use catalog::Dialect;

use crate::error::RequestError;
use crate::formats::anthropic_messages::MessagesRequest;
use crate::json::{Text, Writer};
use crate::translate::anthropic_messages_to_chat_completions::DROPPED_PARAMS;
use crate::translate::anthropic_messages_to_chat_completions::stop_reason::StopSequences;
use crate::translate::dropped_param;
use crate::translate::responses_to_chat_completions::limit_name;
use crate::translator::Attempt;
use catalog::Effort;
use conversation::Conversation;
use tools::ToolPlan;

/// Longest `user` that OpenAI accepts, in characters.
const MAX_USER_CHARACTERS: usize = 64;

/// The schema's name, which OpenAI requires and Anthropic does not have.
const SCHEMA_NAME: &str = "structured_output";

/// The upstream's body, and the client's stop sequences.
pub(super) fn translate(
    attempt: &Attempt,
    body: &[u8],
) -> Result<(Vec<u8>, StopSequences), RequestError> {
    let request = MessagesRequest::read(body)?;
    let mut prompt_cache_key = None;
    for (name, value) in &request.rest {
        match name.as_ref() {
            "prompt_cache_key" => prompt_cache_key = Some(*value),
            "output_format" => {}
            _ => dropped_param::drop_or_refuse(DROPPED_PARAMS, name, name, value)?,
        }
    }
    if request.max_tokens == Some(0) {
        return Err(RequestError::invalid_value(
            "max_tokens",
            "expected at least 1, because the target of this request cannot answer with nothing, found 0",
        ));
    }
    let dialect = attempt.dialect();
    let conversation = Conversation::build(&dialect, request.system, request.messages)?;
    let tools = ToolPlan::new(request.tools, request.tool_choice)?;
    let effort = request
        .output_config
        .effort
        .and_then(|effort| reasoning_effort(&dialect, effort));

    let mut out = Vec::with_capacity(body.len().saturating_add(1024));
    Writer::new(&mut out).object(|w| {
        w.field("model").string(&attempt.model);
        conversation.write(w);
        if let Some(limit) = request.max_tokens {
            w.field(limit_name(&dialect)).number(limit);
        }
        if attempt.stream {
            w.field("stream").bool(true);
            // Anthropic's streams always carry usage; these only on request.
            w.field("stream_options")
                .object(|w| w.field("include_usage").bool(true));
        }
        if let Some(temperature) = request.temperature {
            w.field("temperature").verbatim(temperature.json);
        }
        if let Some(top_p) = request.top_p {
            w.field("top_p").verbatim(top_p.json);
        }
        if !request.stop_sequences.is_empty() {
            w.field("stop").array(|w| {
                for stop in &request.stop_sequences {
                    w.text(*stop);
                }
            });
        }
        tools.write(w);
        if let Some(schema) = request.output_config.schema {
            w.field("response_format").object(|w| {
                w.field("type").string("json_schema");
                w.field("json_schema").object(|w| {
                    w.field("name").string(SCHEMA_NAME);
                    w.field("schema").raw(schema);
                });
            });
        }
        if let Some(effort) = effort {
            w.field("reasoning_effort").string(effort.as_str());
        }
        if let Some(user) = request.user_id.filter(|user| is_short_enough(*user)) {
            w.field("user").text(user);
        }
        if let Some(key) = prompt_cache_key {
            w.field("prompt_cache_key").raw(key);
        }
    });
    Ok((out, StopSequences::new(request.stop_sequences)))
}

/// The effort to send, if the model supports it.
fn reasoning_effort(dialect: &Dialect, effort: Effort) -> Option<Effort> {
    if dialect.takes("reasoning_effort") {
        dialect.effort(effort)
    } else {
        None
    }
}

fn is_short_enough(user: Text<'_>) -> bool {
    !user.is_empty()
        && user
            .decode()
            .is_some_and(|user| user.chars().count() <= MAX_USER_CHARACTERS)
}
