//! Writes a Messages request as the version of Claude behind a name takes it: a client chooses fields by the name that
//! it sees, which may be that of a group.
//!
//! | the model | the request |
//! |---|---|
//! | thinks by budget | adaptive thinking becomes a budget; in a tool loop without signed thinking, none |
//! | knows only adaptive thinking | a budget becomes adaptive thinking |
//! | has no such effort | the nearest one, or none |
//! | refuses sampling | without `temperature`, `top_p`, `top_k` |
//! | has no system messages in the conversation | their texts follow the system prompt |

use catalog::{Dialect, Effort, ReasoningRequest, Sampling, SystemMessages, Word};
use memchr::memmem;
use serde_json::{Value, json};

use crate::body_edit::Splice;
use crate::formats::anthropic_messages::{MIN_THINKING_BUDGET, thinking_budget};
use crate::formats::chat_completions::members::{Fate, Members};
use crate::json;
use crate::passthrough::Elements;
use crate::scanner::{JsonError, Kind, Scanner};

/// The edits for a model of this dialect. Where thinking that was not signed is removed from messages, system messages
/// stay among them.
///
/// # Errors
/// The body is not JSON.
pub(super) fn edits(
    dialect: &Dialect,
    body: &[u8],
    is_unsigned: bool,
) -> Result<Vec<Splice>, JsonError> {
    if !may_differ(dialect, body) {
        return Ok(Vec::new());
    }
    let mut scanner = Scanner::new(body)?;
    if scanner.kind()? != Kind::Object {
        return Ok(Vec::new());
    }
    let mut members = Members::of(body);
    let mut messages_at = None;
    scanner.object(|scanner, key| {
        if key.is("messages") {
            messages_at = Some(scanner.clone());
        }
        let value = scanner.value()?;
        members.push(key, value);
        Ok::<(), JsonError>(())
    })?;
    let mut conversation = Conversation::default();
    if let Some(mut scanner) = messages_at {
        conversation.read(&mut scanner)?;
    }
    let is_unsigned_tool_loop =
        conversation.calls_tools && (is_unsigned || !conversation.is_signed);
    thinking(dialect, &mut members, is_unsigned_tool_loop);
    sampling(dialect, &mut members);
    let mut edits = Vec::new();
    let moves_system = dialect.system_messages == SystemMessages::TopLevel && !is_unsigned;
    if moves_system && !conversation.system.is_empty() {
        edits.extend(conversation.messages.removals());
        let system = system(members.value("system"), conversation.system);
        if members.has("system") {
            members.set("system", &Fate::Replace(system));
        } else {
            members.add("system", &system);
        }
    }
    edits.extend(members.into_edits());
    Ok(edits)
}

/// A cheap look: most requests need no more.
fn may_differ(dialect: &Dialect, body: &[u8]) -> bool {
    let has = |text: &str| memmem::find(body, text.as_bytes()).is_some();
    has("\"thinking\"")
        || has("\"output_config\"")
        || (dialect.sampling != Sampling::Both && (has("\"temperature\"") || has("\"top_")))
        || (dialect.system_messages == SystemMessages::TopLevel && has_system_role(body))
}

/// `"system"` stands somewhere as a value.
fn has_system_role(body: &[u8]) -> bool {
    memmem::find_iter(body, b"\"system\"").any(|at| {
        let before = body.get(..at).unwrap_or_default();
        before.trim_ascii_end().ends_with(b":")
    })
}

fn thinking(dialect: &Dialect, members: &mut Members<'_>, is_unsigned_tool_loop: bool) {
    let parsed = |value: Option<&[u8]>| -> Option<Value> { json::parse(value?).ok() };
    let mut config = parsed(members.value("output_config"));
    let wanted = config
        .as_ref()
        .and_then(|config| Effort::named(config.get("effort")?.as_str()?));
    if let Some(wanted) = wanted
        && let Some(Value::Object(config)) = &mut config
    {
        let effort = dialect.efforts.nearest(wanted);
        if effort != Some(wanted) {
            match effort {
                Some(effort) => config.insert("effort".to_owned(), Value::from(effort.as_str())),
                None => config.shift_remove("effort"),
            };
            let fate = if config.is_empty() {
                Fate::Remove
            } else {
                Fate::Replace(serde_json::to_vec(config).unwrap_or_default())
            };
            members.set("output_config", &fate);
        }
    }
    let given = parsed(members.value("thinking"));
    let kind = given.as_ref().and_then(|given| given.get("type")?.as_str());
    let fate = match (dialect.reasoning_request, kind) {
        (ReasoningRequest::None, Some(_)) => Fate::Remove,
        (ReasoningRequest::ThinkingBudget, Some("adaptive")) => {
            let limit: Option<u64> = members
                .value("max_tokens")
                .and_then(|limit| json::parse(limit).ok());
            let most = limit.map_or(u64::MAX, |limit| limit / 2);
            let budget = thinking_budget(wanted.unwrap_or(Effort::High)).min(most);
            if budget < MIN_THINKING_BUDGET || is_unsigned_tool_loop {
                Fate::Remove
            } else {
                let thinking = json!({"type": "enabled", "budget_tokens": budget});
                Fate::Replace(json::written(&thinking))
            }
        }
        // Those that take no sampling parameters have no budgets any more.
        (ReasoningRequest::AdaptiveThinking, Some("enabled"))
            if dialect.sampling == Sampling::None =>
        {
            Fate::Replace(br#"{"type":"adaptive"}"#.to_vec())
        }
        _ => return,
    };
    members.set("thinking", &fate);
}

fn sampling(dialect: &Dialect, members: &mut Members<'_>) {
    match dialect.sampling {
        Sampling::None => {
            for name in ["temperature", "top_p", "top_k"] {
                members.set(name, &Fate::Remove);
            }
        }
        Sampling::One if members.value("temperature").is_some() => {
            members.set("top_p", &Fate::Remove);
        }
        Sampling::One | Sampling::Both | Sampling::NotThinking => {}
    }
}

/// The system prompt with `added` blocks behind it.
fn system(given: Option<&[u8]>, added: Vec<Value>) -> Vec<u8> {
    let given: Option<Value> = given.and_then(|given| json::parse(given).ok());
    let mut blocks = blocks(given.unwrap_or_default());
    blocks.extend(added);
    json::written(&Value::Array(blocks))
}

/// Content as a list of blocks.
fn blocks(content: Value) -> Vec<Value> {
    match content {
        Value::Array(blocks) => blocks,
        Value::String(text) if !text.is_empty() => vec![json!({"type": "text", "text": text})],
        _ => Vec::new(),
    }
}

/// What matters of the messages.
#[derive(Default)]
struct Conversation {
    messages: Elements,
    /// Blocks of system messages.
    system: Vec<Value>,
    /// The last answer calls tools.
    calls_tools: bool,
    /// The last answer has thinking with a signature.
    is_signed: bool,
}

impl Conversation {
    fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        let Self {
            system,
            calls_tools,
            is_signed,
            ..
        } = self;
        let messages = Elements::read(scanner, |scanner| {
            let (mut is_system, mut is_answer, mut content) = (false, false, 0..0);
            if scanner.kind()? != Kind::Object {
                return Ok((scanner.value()?, false));
            }
            let span = scanner.object(|scanner, key| {
                if key.is("role") && scanner.kind()? == Kind::String {
                    let role = scanner.string()?;
                    is_system = role.is("system");
                    is_answer = role.is("assistant");
                    return Ok(());
                }
                let value = scanner.value()?;
                if key.is("content") {
                    content = value;
                }
                Ok::<(), JsonError>(())
            })?;
            let content = scanner.text(content);
            if is_system {
                system.extend(blocks(json::parse_text(content).unwrap_or_default()));
            } else if is_answer {
                let has = |text: &str| memmem::find(content.as_bytes(), text.as_bytes()).is_some();
                *calls_tools = has("\"tool_use\"");
                *is_signed = has("\"signature\"") || has("\"redacted_thinking\"");
            }
            Ok((span, is_system))
        })?;
        self.messages = messages;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
