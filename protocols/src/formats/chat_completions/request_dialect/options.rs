//! The options of a request: everything below its top but messages and tools.

use catalog::{
    Dialect, Effort, JsonObjectSupport, JsonSchemaSupport, OutputLimit, ReasoningRequest, Sampling,
    SeedField, StreamUsage, UnknownFields, Word,
};
use serde_json::Value;

use super::says_effort_otherwise;
use crate::error::RequestError;
use crate::formats::chat_completions::members::{Fate, Members, string};
use crate::json;
use crate::schema_subset::{self, SchemaUse};

/// Without these there is no request.
const ESSENTIAL: &[&str] = &["model", "messages", "stream"];

const OLD_LIMIT: &str = "max_tokens";
const NEW_LIMIT: &str = "max_completion_tokens";

/// A field that no catalogue knows may be OpenAI's latest: who has OpenAI's own older fields is asked to judge it.
pub(super) fn refuses_unknown_fields(dialect: &Dialect) -> bool {
    dialect.unknown_fields == UnknownFields::Refused && !dialect.takes("functions")
}

/// Edits all options. Returns what the model has to be told in words.
///
/// # Errors
/// Without a field that the provider refuses the answer would be another than the client reads.
pub(super) fn edit(
    dialect: &Dialect,
    members: &mut Members<'_>,
) -> Result<Option<String>, RequestError> {
    sampling(dialect, members);
    stop(dialect, members);
    limit(dialect, members);
    seed(dialect, members);
    if dialect.stream_usage == StreamUsage::Unasked {
        members.set("stream_options", &Fate::Remove);
    }
    let words = response_format(dialect, members);
    effort(dialect, members);
    refused_fields(dialect, members)?;
    if !members.is_kept("tools") && members.has("tools") {
        members.set("tool_choice", &Fate::Remove);
        members.set("parallel_tool_calls", &Fate::Remove);
    }
    Ok(words)
}

/// The model will think, as far as the request says.
pub(super) fn thinks(dialect: &Dialect, members: &Members<'_>) -> bool {
    match members.value("reasoning_effort") {
        Some(effort) => effort != br#""none""#,
        None => !dialect.thinking_off,
    }
}

/// One name for the limit, the one that the provider takes. Of two limits the newer name's counts.
fn limit(dialect: &Dialect, members: &mut Members<'_>) {
    let old = members.value(OLD_LIMIT);
    let new = members.value(NEW_LIMIT);
    match dialect.output_limit {
        OutputLimit::Either => {}
        OutputLimit::MaxTokens => match (new, old) {
            (Some(new), Some(_)) => {
                members.set(OLD_LIMIT, &Fate::Replace(new.to_vec()));
                members.set(NEW_LIMIT, &Fate::Remove);
            }
            (Some(_), None) => {
                members.set(OLD_LIMIT, &Fate::Remove);
                members.set(NEW_LIMIT, &Fate::Rename(OLD_LIMIT));
            }
            (None, _) => members.set(NEW_LIMIT, &Fate::Remove),
        },
        OutputLimit::MaxCompletionTokens => match (old, new) {
            (Some(_), None) => {
                members.set(NEW_LIMIT, &Fate::Remove);
                members.set(OLD_LIMIT, &Fate::Rename(NEW_LIMIT));
            }
            _ => members.set(OLD_LIMIT, &Fate::Remove),
        },
    }
}

fn sampling(dialect: &Dialect, members: &mut Members<'_>) {
    let none = match dialect.sampling {
        Sampling::Both => false,
        Sampling::None => true,
        Sampling::NotThinking => thinks(dialect, members),
        Sampling::One => {
            if members.value("temperature").is_some() {
                members.set("top_p", &Fate::Remove);
            }
            false
        }
    };
    if none {
        members.set("temperature", &Fate::Remove);
        members.set("top_p", &Fate::Remove);
    } else if dialect.max_temperature_percent > 0 {
        let percent = dialect.max_temperature_percent;
        let given = members.value("temperature").unwrap_or_default();
        let given: Option<f64> = std::str::from_utf8(given)
            .ok()
            .and_then(|given| given.parse().ok());
        if given.is_some_and(|given| given > f64::from(percent) / 100.0) {
            let highest = format!("{}.{:02}", percent / 100, percent % 100);
            members.set("temperature", &Fate::Replace(highest.into_bytes()));
        }
    }
}

/// The first stop sequences, as many as are taken.
fn stop(dialect: &Dialect, members: &mut Members<'_>) {
    let most = usize::from(dialect.max_stop);
    if most == 0 {
        members.set("stop", &Fate::Remove);
        return;
    }
    let given = members
        .value("stop")
        .and_then(|given| json::parse(given).ok());
    let Some(Value::Array(mut stops)) = given else {
        return;
    };
    if stops.len() > most {
        stops.truncate(most);
        members.set("stop", &Fate::Replace(json::written(&Value::Array(stops))));
    }
}

fn seed(dialect: &Dialect, members: &mut Members<'_>) {
    match dialect.seed {
        SeedField::Seed => {}
        SeedField::RandomSeed if members.value("seed").is_some() && !members.has("random_seed") => {
            members.set("seed", &Fate::Rename("random_seed"));
        }
        SeedField::RandomSeed | SeedField::None => members.set("seed", &Fate::Remove),
    }
}

/// How much to think, as the model is told it.
fn effort(dialect: &Dialect, members: &mut Members<'_>) {
    let Some(wanted) = members.value("reasoning_effort") else {
        return;
    };
    let wanted: Option<String> = json::parse(wanted).ok();
    let Some(wanted) = wanted.as_deref().and_then(Effort::named) else {
        return;
    };
    let effort = dialect.effort(wanted);
    let is_on = wanted != Effort::None || !dialect.thinking_off;
    let own = |members: &mut Members<'_>, name: &str, json: String| {
        if !members.has(name) {
            members.add(name, json.as_bytes());
        }
    };
    match dialect.reasoning_request {
        ReasoningRequest::Thinking => {
            let kind = if is_on { "enabled" } else { "disabled" };
            own(members, "thinking", format!(r#"{{"type":"{kind}"}}"#));
        }
        ReasoningRequest::EnableThinking => own(members, "enable_thinking", is_on.to_string()),
        ReasoningRequest::ChatTemplate => own(
            members,
            "chat_template_kwargs",
            format!(r#"{{"enable_thinking":{is_on}}}"#),
        ),
        ReasoningRequest::Reasoning => {
            if let Some(effort) = effort {
                own(
                    members,
                    "reasoning",
                    format!(r#"{{"effort":"{}"}}"#, effort.name()),
                );
            }
        }
        ReasoningRequest::None
        | ReasoningRequest::ReasoningEffort
        | ReasoningRequest::AdaptiveThinking
        | ReasoningRequest::ThinkingBudget
        | ReasoningRequest::ReasoningConfig => {}
    }
    let is_said = matches!(
        dialect.reasoning_request,
        ReasoningRequest::None | ReasoningRequest::Reasoning
    ) || (says_effort_otherwise(dialect) && !is_on);
    let fate = match effort {
        _ if is_said => Fate::Remove,
        None => Fate::Remove,
        Some(effort) if effort == wanted => return,
        Some(effort) => Fate::Replace(string(effort.name())),
    };
    members.set("reasoning_effort", &fate);
}

/// Asks for JSON in the way that the provider has. Returns what has to be said in words.
fn response_format(dialect: &Dialect, members: &mut Members<'_>) -> Option<String> {
    let format: Value = json::parse(members.value("response_format")?).ok()?;
    let kind = format.get("type")?.as_str()?;
    if kind == "json_object" {
        return match dialect.json_object {
            JsonObjectSupport::Native => None,
            JsonObjectSupport::JsonSchema => {
                let schema = br#"{"type":"json_schema","json_schema":{"name":"object","schema":{"type":"object"}}}"#;
                members.set("response_format", &Fate::Replace(schema.to_vec()));
                None
            }
            JsonObjectSupport::Prompt => {
                members.set("response_format", &Fate::Remove);
                Some("Answer with one JSON object and nothing else.".to_owned())
            }
        };
    }
    if kind != "json_schema" {
        return None;
    }
    let has_tools = members.value("tools").is_some_and(|tools| tools != b"[]");
    let is_native = match dialect.json_schema {
        JsonSchemaSupport::Native => true,
        JsonSchemaSupport::WithoutTools => !has_tools,
        JsonSchemaSupport::JsonObject | JsonSchemaSupport::Tool | JsonSchemaSupport::Prompt => {
            false
        }
    };
    if is_native {
        let mut format = format;
        let schema = format.pointer_mut("/json_schema/schema")?;
        if schema_subset::fit(dialect.schema, SchemaUse::Strict, schema) {
            members.set("response_format", &Fate::Replace(json::written(&format)));
        }
        return None;
    }
    let takes_object = dialect.json_object == JsonObjectSupport::Native
        && dialect.json_schema == JsonSchemaSupport::JsonObject;
    let fate = if takes_object {
        Fate::Replace(br#"{"type":"json_object"}"#.to_vec())
    } else {
        Fate::Remove
    };
    members.set("response_format", &fate);
    let schema = format.pointer("/json_schema/schema")?;
    let schema = String::from_utf8(json::written(schema)).unwrap_or_default();
    Some(schema_subset::in_words(&schema))
}

/// Leaves out what the provider refuses.
fn refused_fields(dialect: &Dialect, members: &mut Members<'_>) -> Result<(), RequestError> {
    let strict = refuses_unknown_fields(dialect);
    let mut refused = Vec::new();
    for member in members.iter_mut() {
        let name = member.key.decode();
        let is_taken =
            ESSENTIAL.contains(&&*name) || dialect.fields.contains(&name).unwrap_or(!strict);
        if member.fate == Fate::Keep && !is_taken {
            member.fate = Fate::Remove;
            refused.push((name.into_owned(), member.value.clone()));
        }
    }
    for (name, value) in refused {
        let value: Value = json::parse(members.text(&value)).unwrap_or(Value::Null);
        if !value.is_null() && !changes_nothing(&name, &value) {
            let why = "the provider of this model does not take it";
            return Err(RequestError::unsupported(name, why));
        }
    }
    Ok(())
}

/// The answer has the form that the client reads without that field, too.
fn changes_nothing(name: &str, value: &Value) -> bool {
    match name {
        "n" => value == 1,
        "tools" | "functions" => value.as_array().is_some_and(Vec::is_empty),
        "modalities" => value
            .as_array()
            .is_some_and(|all| all.iter().all(|it| it == "text")),
        "response_format" => value.get("type").is_some_and(|kind| kind == "text"),
        "audio" => false,
        _ => true,
    }
}
