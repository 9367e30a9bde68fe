//! A request: Chat Completions in, Responses out.

use std::borrow::Cow;

use catalog::{DeveloperRole, Dialect, Effort, Efforts, ReasoningRequest, Word};
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::formats::chat_completions::ChatRequest;
use crate::formats::chat_completions::request_reader::{ResponseFormat, Tool, ToolChoice};
use crate::json::Writer;
use crate::translate::chat_completions_to_responses::{DROPPED_PARAMS, items};
use crate::translate::dropped_param;
use crate::translator::Attempt;

/// Fields that mean the same in both.
const SHARED: &[&str] = &[
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "store",
];

/// Fewest tokens that a limit of Responses may have. Source: OpenAI, API reference, `max_output_tokens`.
const LEAST_LIMIT: u64 = 16;

/// The upstream's body.
pub(super) fn translate(attempt: &Attempt, body: &[u8]) -> Result<Vec<u8>, RequestError> {
    let request = ChatRequest::read(body)?;
    let mut shared: Vec<&(Cow<'_, str>, &RawValue)> = Vec::new();
    let mut verbosity = None;
    for field in &request.rest {
        let (name, value) = field;
        match name.as_ref() {
            "verbosity" => verbosity = Some(*value),
            known if SHARED.contains(&known) => shared.push(field),
            _ => dropped_param::drop_or_refuse(DROPPED_PARAMS, name, name, value)?,
        }
    }
    let dialect = attempt.dialect();
    let system_role = match dialect.developer_role {
        DeveloperRole::Developer => "developer",
        DeveloperRole::System => "system",
    };
    let mut out = Vec::with_capacity(body.len().saturating_add(1024));
    Writer::new(&mut out).object(|w| {
        w.field("model").string(&attempt.model);
        if attempt.stream {
            w.field("stream").bool(true);
        }
        w.field("input").array(|w| {
            for message in &request.messages {
                items::write(message, system_role, w);
            }
        });
        write_tools(&request, w);
        if let Some(limit) = request.max_tokens {
            w.field("max_output_tokens").number(limit.max(LEAST_LIMIT));
        }
        if let Some(temperature) = request.temperature {
            w.field("temperature").verbatim(temperature.json);
        }
        if let Some(top_p) = request.top_p {
            w.field("top_p").verbatim(top_p.json);
        }
        write_text(request.response_format, verbosity, w);
        write_reasoning(&dialect, request.reasoning_effort, w);
        if let Some(user) = request.user.filter(|user| !user.is_empty()) {
            w.field("safety_identifier").text(user);
        }
        if !shared.iter().any(|(name, _)| name == "store") {
            w.field("store").bool(false);
        }
        for (name, value) in &shared {
            w.field(name).raw(value);
        }
    });
    Ok(out)
}

fn write_tools(request: &ChatRequest<'_>, w: &mut Writer<'_>) {
    if request.tools.is_empty() {
        return;
    }
    w.field("tools")
        .array(|w| request.tools.iter().for_each(|tool| write_tool(tool, w)));
    if let Some(choice) = &request.tool_choice {
        write_choice(choice, w.field("tool_choice"));
    }
    if let Some(parallel) = request.parallel_tool_calls {
        w.field("parallel_tool_calls").bool(parallel);
    }
}

fn write_tool(tool: &Tool<'_>, w: &mut Writer<'_>) {
    w.object(|w| {
        w.field("type").string("function");
        w.field("name").text(tool.name);
        if let Some(description) = tool.description {
            w.field("description").text(description);
        }
        match tool.parameters {
            Some(parameters) => w.field("parameters").raw(parameters),
            None => w
                .field("parameters")
                .verbatim(r#"{"type":"object","properties":{}}"#),
        }
        // What is not said is taken for true here, and for false in Chat Completions.
        w.field("strict").bool(tool.strict);
    });
}

fn write_choice(choice: &ToolChoice<'_>, w: &mut Writer<'_>) {
    match choice {
        ToolChoice::Auto => w.string("auto"),
        ToolChoice::None => w.string("none"),
        ToolChoice::Required => w.string("required"),
        ToolChoice::Function(name) => w.object(|w| {
            w.field("type").string("function");
            w.field("name").text(*name);
        }),
        ToolChoice::Allowed { required, names } => w.object(|w| {
            let mode = if *required { "required" } else { "auto" };
            w.field("type").string("allowed_tools");
            w.field("mode").string(mode);
            w.field("tools").array(|w| {
                for name in names {
                    w.object(|w| {
                        w.field("type").string("function");
                        w.field("name").text(*name);
                    });
                }
            });
        }),
    }
}

/// `text`: the format of the answer, and how long-winded it is.
fn write_text(format: ResponseFormat<'_>, verbosity: Option<&RawValue>, w: &mut Writer<'_>) {
    if matches!(format, ResponseFormat::Text) && verbosity.is_none() {
        return;
    }
    w.field("text").object(|w| {
        match format {
            ResponseFormat::Text => {}
            ResponseFormat::JsonObject => w
                .field("format")
                .object(|w| w.field("type").string("json_object")),
            ResponseFormat::JsonSchema {
                name,
                description,
                schema,
                strict,
            } => w.field("format").object(|w| {
                w.field("type").string("json_schema");
                w.field("name").text(name);
                if let Some(description) = description {
                    w.field("description").text(description);
                }
                w.field("schema").raw(schema);
                w.field("strict").bool(strict);
            }),
        }
        if let Some(verbosity) = verbosity {
            w.field("verbosity").raw(verbosity);
        }
    });
}

/// How much to think; and that reasoning comes back in a form that can be sent again.
fn write_reasoning(dialect: &Dialect, effort: Option<Effort>, w: &mut Writer<'_>) {
    let thinks = dialect.reasoning_request != ReasoningRequest::None
        && dialect.efforts != Efforts::NONE
        && effort != Some(Effort::None);
    if let Some(effort) = effort {
        w.field("reasoning")
            .object(|w| w.field("effort").string(effort.name()));
    }
    if thinks {
        w.field("include")
            .array(|w| w.string("reasoning.encrypted_content"));
    }
}
