//! Writes a Chat Completions request in a provider's dialect. The client's bytes stay but for what the dialect says
//! otherwise:
//!
//! | of the dialect | what becomes of the request |
//! |---|---|
//! | fields | a field that is refused is left out; where the answer would be another without it, the request is refused |
//! | output limit | the other name of the limit takes its place; of two limits the newer one counts |
//! | streams | `stream_options` is left out where usage comes unasked |
//! | sampling, temperature, stop, seed | what is refused is left out, renamed, lowered or shortened |
//! | reasoning | the effort is said as the model is told it, and is one that the model has |
//! | JSON answers | a schema that cannot be asked for is said in words |
//! | tools | `tools.rs`: names, `strict`, schemas; `tool_choice.rs`: what the model has to call |
//! | messages | `messages.rs`: roles, order, fields, ids, parts; what stands for reasoning that a client has lost |

mod ids;
mod messages;
mod options;
mod tool_choice;
mod tools;

pub(crate) use ids::RestoredNames;

use catalog::{
    DeveloperRole, Dialect, Fields, ForcedTools, Images, JsonObjectSupport, JsonSchemaSupport,
    MessageName, NamedToolChoice, NoToolChoice, OutputLimit, ReasoningHistory, ReasoningRequest,
    RequiredToolChoice, Sampling, SchemaSubset, SeedField, StreamUsage, SystemMessages,
    TextContent, ToolCallIds, UnknownFields,
};

use std::ops::Range;

use crate::body_edit::{BodyEdit, Splice};
use crate::error::RequestError;
use crate::formats::chat_completions::members::Members;
use crate::request_info::RequestTraits;
use crate::scanner::{JsonError, Kind, Literal, Scanner};

/// How a request changes.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// They do not overlap.
    pub(crate) edits: Vec<Splice>,
    /// The client's names of tools that got others.
    pub(crate) names: RestoredNames,
}

/// Why a request cannot be written.
enum Refusal {
    NotJson(JsonError),
    Request(RequestError),
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        Self::NotJson(error)
    }
}

/// Whether a request with these traits may have to change.
pub(crate) fn may_change(dialect: &Dialect, traits: &RequestTraits) -> bool {
    let has = |name: &str| traits.fields.contains(name).unwrap_or(true);
    let refused = traits.fields.without(dialect.fields) != Fields::NONE
        || (traits.has_unknown_fields && options::refuses_unknown_fields(dialect));
    let limit = match dialect.output_limit {
        OutputLimit::MaxTokens => has("max_completion_tokens"),
        OutputLimit::MaxCompletionTokens => has("max_tokens"),
        OutputLimit::Either => false,
    };
    let sampling = (has("temperature") || has("top_p")) && dialect.sampling != Sampling::Both
        || (has("temperature") && dialect.max_temperature_percent > 0);
    let stop = has("stop") && dialect.max_stop != u16::MAX;
    let seed = has("seed") && dialect.seed != SeedField::Seed;
    let usage = has("stream_options") && dialect.stream_usage == StreamUsage::Unasked;
    let format = has("response_format")
        && (dialect.json_schema != JsonSchemaSupport::Native
            || dialect.json_object != JsonObjectSupport::Native
            || dialect.schema != SchemaSubset::Full);
    refused
        || limit
        || sampling
        || stop
        || seed
        || usage
        || format
        || has("reasoning_effort")
        || changes_tools(dialect, traits)
        || changes_messages(dialect, traits)
}

fn changes_tools(dialect: &Dialect, traits: &RequestTraits) -> bool {
    let has = |name: &str| traits.fields.contains(name).unwrap_or(true);
    let choice = has("tool_choice")
        && (dialect.required_tool_choice != RequiredToolChoice::Required
            || dialect.named_tool_choice != NamedToolChoice::Function
            || dialect.no_tool_choice != NoToolChoice::None
            || dialect.forced_tools != ForcedTools::Always);
    let tools = has("tools")
        && (!traits.has_plain_tools && tools::has_rules(dialect)
            || (traits.has_strict_tools && !dialect.strict_tools)
            || matches!(
                dialect.schema,
                SchemaSubset::Google | SchemaSubset::Anthropic
            ));
    choice || tools
}

fn changes_messages(dialect: &Dialect, traits: &RequestTraits) -> bool {
    let special = !traits.has_plain_messages
        && (dialect.developer_role == DeveloperRole::System
            || dialect.system_messages == SystemMessages::First
            || dialect.message_name != MessageName::Anyone
            || dialect.unknown_fields == UnknownFields::Refused
            || !dialect.cache_control);
    special
        || (traits.has_calls && dialect.reasoning_history == ReasoningHistory::Required)
        || dialect.text_content == TextContent::String
        || dialect.images != Images::Any
        || !dialect.files
        || !dialect.user_after_tool
        || !dialect.prefill
        || dialect.tool_call_ids != ToolCallIds::Any
}

/// The edits that write `body` in that dialect.
///
/// # Errors
/// The body is not JSON, or asks for something that the provider does not do.
pub(crate) fn write(dialect: &Dialect, body: &[u8]) -> Result<Written, RequestError> {
    collect(dialect, body).map_err(|refusal| match refusal {
        Refusal::NotJson(error) => RequestError::not_json(error),
        Refusal::Request(error) => error,
    })
}

/// A body of the gateway's own making, in that dialect.
///
/// # Errors
/// As [`write`].
pub(crate) fn rewrite(
    dialect: &Dialect,
    body: Vec<u8>,
) -> Result<(Vec<u8>, RestoredNames), RequestError> {
    if !may_change(dialect, &RequestTraits::ANYTHING) {
        return Ok((body, RestoredNames::default()));
    }
    let Written { edits, names } = write(dialect, &body)?;
    if edits.is_empty() {
        return Ok((body, names));
    }
    Ok((BodyEdit::of(edits).applied(&body).into_owned(), names))
}

fn collect(dialect: &Dialect, body: &[u8]) -> Result<Written, Refusal> {
    let mut written = Written::default();
    let mut scanner = Scanner::new(body)?;
    if scanner.kind()? != Kind::Object {
        return Ok(written);
    }
    let mut members = Members::of(body);
    let (mut messages_at, mut tools_at) = (None, None);
    each_member(&mut scanner, &mut |scanner, key| {
        if key.is("messages") {
            messages_at = Some(scanner.clone());
        } else if key.is("tools") {
            tools_at = Some(scanner.clone());
        }
        let value = scanner.value()?;
        members.push(key, value);
        Ok::<(), Refusal>(())
    })?;
    let mut tool_edits = Vec::new();
    if let Some(mut scanner) = tools_at {
        tools::edit(dialect, &mut scanner, &mut tool_edits, &mut written.names)?;
    }
    let words = options::edit(dialect, &mut members).map_err(Refusal::Request)?;
    tool_choice::edit(dialect, &mut members, &written.names);
    if members.is_kept("tools") {
        written.edits.extend(tool_edits);
    }
    if let Some(mut scanner) = messages_at {
        messages::edit(dialect, words, body, &mut scanner, &mut written)?;
    }
    written.edits.extend(members.into_edits());
    Ok(written)
}

/// The way in which the dialect tells a model how much to think is another than OpenAI's.
fn says_effort_otherwise(dialect: &Dialect) -> bool {
    dialect.reasoning_request != ReasoningRequest::ReasoningEffort
}

/// Reads an object. One copy of the reader serves all callers.
fn each_member<'a>(
    scanner: &mut Scanner<'a>,
    member: &mut dyn FnMut(&mut Scanner<'a>, Literal<'a>) -> Result<(), Refusal>,
) -> Result<Range<usize>, Refusal> {
    scanner.object(member)
}

/// Reads an array. One copy of the reader serves all callers.
fn each_element<'a>(
    scanner: &mut Scanner<'a>,
    element: &mut dyn FnMut(&mut Scanner<'a>, usize) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    scanner.array(element).map(|_| ())
}

#[cfg(test)]
mod tests;
