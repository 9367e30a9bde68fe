//! Messages as a provider takes them: roles, order, fields and ids of calls.

mod content;

use std::ops::Range;

use catalog::{
    DeveloperRole, Dialect, MessageName, ReasoningField, ReasoningHistory, SystemMessages,
    TextContent, ToolCallIds, UnknownFields,
};
use serde_json::{Value, json};

use super::ids::{RestoredNames, call_id};
use super::{Refusal, Written};
use crate::body_edit::Splice;
use crate::error::RequestError;
use crate::formats::chat_completions::members::{Fate, Members, string};
use crate::formats::chat_completions::request_dialect::{each_element, each_member};
use crate::formats::chat_completions::signed_reasoning::{LOST_REASONING, LOST_THOUGHT_SIGNATURE};
use crate::json;
use crate::passthrough::Elements;
use crate::scanner::{Kind, Scanner};

/// What every provider knows of a message; `name` has a rule of its own.
const KNOWN: &[&str] = &["role", "content", "name", "tool_calls", "tool_call_id"];

/// What those know who have all of OpenAI's fields.
const OF_OPENAI: &[&str] = &["refusal", "annotations", "audio", "function_call"];

/// Reasoning with its signature.
const SIGNED: &[&str] = &["reasoning_content", "reasoning_signature"];

/// What every provider knows of a call.
const KNOWN_OF_CALLS: &[&str] = &["id", "type", "function", "index"];

/// Stands between a tool's answer and a user's message where they may not follow each other.
const BETWEEN: &[u8] = br#"{"role":"assistant","content":"OK."},"#;

/// One message.
struct Message<'a> {
    span: Range<usize>,
    role: String,
    members: Members<'a>,
    /// Edits inside of its content.
    inside: Vec<Splice>,
    /// Its text, where it is nothing but text and somebody needs it.
    text: Option<String>,
}

/// Reads the messages and adds their edits. The model is told `words` as well.
pub(super) fn edit<'a>(
    dialect: &Dialect,
    words: Option<String>,
    body: &'a [u8],
    scanner: &mut Scanner<'a>,
    written: &mut Written,
) -> Result<(), Refusal> {
    if scanner.kind()? != Kind::Array {
        return Ok(());
    }
    let mut messages: Vec<Message<'_>> = Vec::new();
    each_element(scanner, &mut |scanner, index| {
        let message = Message::read(dialect, index, body, scanner, &mut written.names)?;
        messages.push(message);
        Ok::<(), Refusal>(())
    })?;
    check_ending(dialect, &messages)?;
    let edits = &mut written.edits;
    let done = system_messages(dialect, words, &messages, edits);
    if !dialect.user_after_tool {
        for (before, message) in messages.iter().zip(messages.iter().skip(1)) {
            if before.role == "tool" && message.role == "user" {
                let place = message.span.start;
                edits.push((place..place, BETWEEN.to_vec()));
            }
        }
    }
    for (index, message) in messages.into_iter().enumerate() {
        if !done.contains(&index) {
            edits.extend(message.inside);
            edits.extend(message.members.into_edits());
        }
    }
    Ok(())
}

/// # Errors
/// The conversation ends with the beginning of an answer, and the model continues none.
fn check_ending(dialect: &Dialect, messages: &[Message<'_>]) -> Result<(), Refusal> {
    let is_begun = messages.last().is_some_and(|last| last.role == "assistant");
    if is_begun && !dialect.prefill {
        return Err(Refusal::Request(RequestError::unsupported(
            "messages",
            "the model of this request cannot continue an answer that was begun: the last message has to be a user's",
        )));
    }
    Ok(())
}

impl<'a> Message<'a> {
    fn read(
        dialect: &Dialect,
        index: usize,
        body: &'a [u8],
        scanner: &mut Scanner<'a>,
        names: &mut RestoredNames,
    ) -> Result<Self, Refusal> {
        let mut message = Self {
            span: 0..0,
            role: String::new(),
            members: Members::of(body),
            inside: Vec::new(),
            text: None,
        };
        if scanner.kind()? != Kind::Object {
            message.span = scanner.value()?;
            return Ok(message);
        }
        let mut content = None;
        message.span = each_member(scanner, &mut |scanner, key| {
            if key.is("role") && scanner.kind()? == Kind::String {
                message.role = scanner.clone().string()?.decode().into_owned();
            } else if key.is("content") {
                content = Some(content::read(dialect, index, &mut scanner.clone(), body)?);
            }
            let value = scanner.value()?;
            message.members.push(key, value);
            Ok::<(), Refusal>(())
        })?;
        if let Some(content) = content {
            message.text = content.text;
            message.inside = content.edits;
            let is_list = content.is_list;
            if let Some(text) = &message.text
                && is_list
                && dialect.text_content == TextContent::String
            {
                message.members.set("content", &Fate::Replace(string(text)));
                message.inside = Vec::new();
            }
        }
        message.adapt(dialect);
        message.adapt_calls(dialect, names);
        Ok(message)
    }

    fn is_system(&self) -> bool {
        self.role == "system" || self.role == "developer"
    }

    /// Its members but the calls.
    fn adapt(&mut self, dialect: &Dialect) {
        let may_have_name = match dialect.message_name {
            MessageName::Anyone => true,
            MessageName::NotTools => self.role != "tool",
            MessageName::Users => self.role == "user",
            MessageName::Tools => self.role == "tool",
            MessageName::Nobody => false,
        };
        let own_reasoning = own_reasoning(dialect);
        let has_own = own_reasoning.is_some_and(|own| self.members.has(own));
        let is_strict = dialect.unknown_fields == UnknownFields::Refused;
        let is_signed = dialect.reasoning_field == ReasoningField::SignedBlocks;
        let is_openais = dialect.takes("functions");
        let role = self.role.as_str();
        for member in self.members.iter_mut() {
            let name = member.key.decode();
            let name = &*name;
            let fate = if name == "role" && role == "developer" {
                match dialect.developer_role {
                    DeveloperRole::Developer => Fate::Keep,
                    DeveloperRole::System => Fate::Replace(string("system")),
                }
            } else if name == "name" && !may_have_name {
                Fate::Remove
            } else if KNOWN.contains(&name) || own_reasoning == Some(name) {
                continue;
            } else if name.starts_with("reasoning") {
                match own_reasoning {
                    _ if is_signed && SIGNED.contains(&name) => Fate::Keep,
                    Some(own)
                        if !has_own && is_text_of_reasoning(name) && is_text_of_reasoning(own) =>
                    {
                        Fate::Rename(own)
                    }
                    _ if is_strict || dialect.reasoning_history == ReasoningHistory::Refused => {
                        Fate::Remove
                    }
                    _ => Fate::Keep,
                }
            } else if (name == "cache_control" && !dialect.cache_control)
                || (is_strict && !(is_openais && OF_OPENAI.contains(&name)))
            {
                Fate::Remove
            } else {
                Fate::Keep
            };
            member.fate = fate;
        }
    }

    /// The provider wants its reasoning back with every message that calls tools: adds the stand-in that it takes where the
    /// client has lost it. Returns whether `first`, the first of the calls, changed.
    fn replace_lost_reasoning(&mut self, dialect: &Dialect, first: &mut Value) -> bool {
        if dialect.reasoning_field == ReasoningField::ThoughtSignature {
            return sign(first);
        }
        let Some(own) = own_reasoning(dialect) else {
            return false;
        };
        let is_renamed = self
            .members
            .iter_mut()
            .any(|member| member.fate == Fate::Rename(own));
        let given = self.members.value(own);
        if is_renamed || given.is_some_and(|given| given != br#""""#) {
            return false;
        }
        let lost = if own == "reasoning_details" {
            json::written(&json!([{"type": "reasoning.text", "text": LOST_REASONING}]))
        } else {
            string(LOST_REASONING)
        };
        if self.members.has(own) {
            self.members.set(own, &Fate::Replace(lost));
        } else {
            self.members.add(own, &lost);
        }
        false
    }

    /// Its calls, and the call that it answers.
    fn adapt_calls(&mut self, dialect: &Dialect, names: &mut RestoredNames) {
        let parse = |value: Option<&[u8]>| -> Option<Value> { json::parse(value?).ok() };
        if dialect.tool_call_ids != ToolCallIds::Any
            && let Some(Value::String(id)) = parse(self.members.value("tool_call_id"))
        {
            let sent = call_id(dialect.tool_call_ids, &id);
            if sent != id {
                self.members
                    .set("tool_call_id", &Fate::Replace(string(&sent)));
            }
        }
        let Some(Value::Array(mut calls)) = parse(self.members.value("tool_calls")) else {
            return;
        };
        let mut changed = calls
            .iter_mut()
            .fold(false, |any, call| any | adapt_call(dialect, call, names));
        if dialect.reasoning_history == ReasoningHistory::Required
            && let Some(first) = calls.first_mut()
        {
            changed |= self.replace_lost_reasoning(dialect, first);
        }
        if calls.is_empty() {
            self.members.set("tool_calls", &Fate::Remove);
        } else if changed {
            let calls = json::written(&Value::Array(calls));
            self.members.set("tool_calls", &Fate::Replace(calls));
        }
    }
}

/// Gives the call what stands for a thought signature that the client has lost. Returns whether it had none.
fn sign(call: &mut Value) -> bool {
    const PATH: &str = "/extra_content/google/thought_signature";
    let is_signed = call
        .pointer(PATH)
        .and_then(Value::as_str)
        .is_some_and(|signature| !signature.is_empty());
    if is_signed {
        return false;
    }
    let Value::Object(call) = call else {
        return false;
    };
    let lost = json!({"google": {"thought_signature": LOST_THOUGHT_SIGNATURE}});
    call.insert("extra_content".to_owned(), lost);
    true
}

/// The field in which the provider reads the text of reasoning again.
fn own_reasoning(dialect: &Dialect) -> Option<&'static str> {
    if dialect.reasoning_history == ReasoningHistory::Refused {
        return None;
    }
    match dialect.reasoning_field {
        ReasoningField::ReasoningContent => Some("reasoning_content"),
        ReasoningField::Reasoning => Some("reasoning"),
        ReasoningField::ReasoningDetails => Some("reasoning_details"),
        ReasoningField::None
        | ReasoningField::ThinkingParts
        | ReasoningField::ThoughtSignature
        | ReasoningField::SignedBlocks => None,
    }
}

fn is_text_of_reasoning(name: &str) -> bool {
    matches!(name, "reasoning_content" | "reasoning")
}

/// Returns whether the call changed.
fn adapt_call(dialect: &Dialect, call: &mut Value, names: &mut RestoredNames) -> bool {
    let Value::Object(call) = call else {
        return false;
    };
    let mut changed = false;
    if let Some(Value::String(id)) = call.get_mut("id") {
        let sent = call_id(dialect.tool_call_ids, id).into_owned();
        changed |= sent != *id;
        *id = sent;
    }
    if let Some(Value::String(name)) = call.get_mut("function").and_then(|it| it.get_mut("name")) {
        let sent = names.sent(dialect, name).into_owned();
        changed |= sent != *name;
        *name = sent;
    }
    let signs = dialect.reasoning_field == ReasoningField::ThoughtSignature;
    if dialect.unknown_fields == UnknownFields::Refused && !signs {
        let before = call.len();
        call.retain(|name, _| KNOWN_OF_CALLS.contains(&name.as_str()));
        changed |= call.len() != before;
    }
    changed
}

/// Makes one system message of several, in front, where the provider wants that, and adds `words` to it. Returns the
/// indexes of messages whose edits are done. Where some system message is more than text, all stay where they are.
fn system_messages(
    dialect: &Dialect,
    words: Option<String>,
    messages: &[Message<'_>],
    edits: &mut Vec<Splice>,
) -> Vec<usize> {
    let moves = dialect.system_messages == SystemMessages::First;
    let mut found: Vec<usize> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if message.is_system() && (moves || index == 0) {
            found.push(index);
        }
    }
    if words.is_none() && found.iter().all(|index| *index == 0) {
        return Vec::new();
    }
    let texts: Option<Vec<&str>> = found
        .iter()
        .map(|index| messages.get(*index)?.text.as_deref())
        .collect();
    let (mut texts, found) = match texts {
        Some(texts) => (texts, found),
        None if words.is_none() => return Vec::new(),
        None => (Vec::new(), Vec::new()),
    };
    texts.extend(words.as_deref());
    let mut merged = b"{\"role\":\"system\",\"content\":".to_vec();
    merged.extend(string(&texts.join("\n\n")));
    merged.push(b'}');
    let is_first = found.first() == Some(&0);
    let elements = messages.iter().enumerate().map(|(index, message)| {
        let is_merged = found.contains(&index) && !(is_first && index == 0);
        (message.span.clone(), is_merged)
    });
    edits.extend(Elements::of(elements.collect()).removals());
    if let Some(first) = messages.first() {
        if is_first {
            edits.push((first.span.clone(), merged));
        } else {
            merged.push(b',');
            edits.push((first.span.start..first.span.start, merged));
        }
    }
    found
}
