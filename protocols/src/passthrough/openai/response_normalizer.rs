//! Normalizes responses with extras to what OpenAI's clients accept.
//!
//! | extras | deviation | becomes |
//! |---|---|---|
//! | content filter | stream chunk without choices and usage (`prompt_filter_results`) | dropped |
//! | content filter | choice without `delta` (asynchronous content filter) | dropped |
//! | content filter | `content_filter_results`, `content_filter_offsets`, `prompt_filter_results` in stream chunks | removed |
//! | content filter | `obfuscation`, which padded the chunk including what is removed | removed |
//! | reasoning | `reasoning` in messages and deltas | `reasoning_content` |
//! | content parts | `content` as a list of parts | `content`, and `reasoning_content` where parts are reasoning |
//! | reasoning | `role` in every delta, which clients join to `assistantassistant` | once per choice |

use catalog::ResponseExtras;

use crate::format::ClientFormat;
use crate::formats::chat_completions::MessageDelta;
use crate::json;
use crate::json::{Object, Writer};
use serde_json::value::RawValue;

/// A normalized chunk or response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Normalized {
    Unchanged,
    /// Not for the client.
    Dropped,
    Rewritten(Vec<u8>),
}

/// Removes what does not belong to OpenAI's protocol. What cannot be parsed stays unchanged.
#[derive(Debug)]
pub(super) struct ResponseNormalizer {
    extras: ResponseExtras,
    /// Indexes, as JSON, of the choices whose role was sent.
    roles_sent: Vec<String>,
}

impl ResponseNormalizer {
    pub(super) fn new(extras: ResponseExtras, client: ClientFormat) -> Self {
        Self {
            extras: if client == ClientFormat::ChatCompletions {
                extras
            } else {
                ResponseExtras::None
            },
            roles_sent: Vec::new(),
        }
    }

    /// JSON responses may change.
    pub(super) fn changes_responses(&self) -> bool {
        match self.extras {
            ResponseExtras::None | ResponseExtras::ContentFilter => false,
            ResponseExtras::Reasoning | ResponseExtras::ContentParts => true,
        }
    }

    /// The result for an event does not depend on earlier events.
    pub(super) fn is_stateless(&self) -> bool {
        self.extras != ResponseExtras::Reasoning
    }

    /// Padding is removed together with what it padded.
    pub(super) fn drops_padding(&self) -> bool {
        self.extras == ResponseExtras::ContentFilter
    }

    /// Normalizes the data of a stream event.
    pub(super) fn chunk(&mut self, data: &[u8]) -> Normalized {
        match self.extras {
            ResponseExtras::None => None,
            ResponseExtras::ContentFilter => without_content_filter(data),
            ResponseExtras::Reasoning => {
                let roles_sent = &mut self.roles_sent;
                with_messages(data, |choice, w| write_choice(choice, roles_sent, w))
            }
            ResponseExtras::ContentParts => with_messages(data, write_choice_of_parts),
        }
        .unwrap_or(Normalized::Unchanged)
    }

    /// Normalizes a complete JSON response.
    pub(super) fn response(&self, data: &[u8]) -> Normalized {
        match self.extras {
            ResponseExtras::None | ResponseExtras::ContentFilter => None,
            ResponseExtras::Reasoning => {
                with_messages(data, |choice, w| write_choice(choice, &mut Vec::new(), w))
            }
            ResponseExtras::ContentParts => with_messages(data, write_choice_of_parts),
        }
        .unwrap_or(Normalized::Unchanged)
    }
}

fn without_content_filter(data: &[u8]) -> Option<Normalized> {
    let chunk: Object<'_> = json::parse(data).ok()?;
    let all_choices = objects(chunk.get("choices"))?;
    let choices: Vec<&Object<'_>> = all_choices
        .iter()
        .filter(|choice| choice.get("delta").is_some())
        .collect();
    if choices.is_empty() && chunk.get("usage").is_none() {
        return Some(Normalized::Dropped);
    }
    let in_chunk = |name: &str| matches!(name, "prompt_filter_results" | "obfuscation");
    let in_choice =
        |name: &str| matches!(name, "content_filter_results" | "content_filter_offsets");
    let has = |object: &Object<'_>, unwanted: fn(&str) -> bool| {
        object.0.iter().any(|(name, _)| unwanted(name))
    };
    let changed = choices.len() < all_choices.len()
        || has(&chunk, in_chunk)
        || choices.iter().any(|choice| has(choice, in_choice));
    if !changed {
        return Some(Normalized::Unchanged);
    }
    let mut out = Vec::with_capacity(data.len());
    Writer::new(&mut out).object(|w| {
        for (name, value) in chunk.0.iter().filter(|(name, _)| !in_chunk(name)) {
            if name != "choices" {
                w.key(name).raw(value);
                continue;
            }
            w.key(name).array(|w| {
                for choice in &choices {
                    w.object(|w| {
                        for (name, value) in choice.0.iter().filter(|(name, _)| !in_choice(name)) {
                            w.key(name).raw(value);
                        }
                    });
                }
            });
        }
    });
    Some(Normalized::Rewritten(out))
}

/// The response or chunk with its choices as `write` writes them, which says whether it changed something.
fn with_messages(
    data: &[u8],
    mut write: impl FnMut(&Object<'_>, &mut Writer<'_>) -> bool,
) -> Option<Normalized> {
    let chunk: Object<'_> = json::parse(data).ok()?;
    let choices = objects(chunk.get("choices"))?;
    let mut changed = false;
    let mut out = Vec::with_capacity(data.len().saturating_add(16));
    Writer::new(&mut out).object(|w| {
        for (name, value) in &chunk.0 {
            if name != "choices" {
                w.key(name).raw(value);
                continue;
            }
            w.key(name).array(|w| {
                for choice in &choices {
                    w.object(|w| changed |= write(choice, w));
                }
            });
        }
    });
    Some(if changed {
        Normalized::Rewritten(out)
    } else {
        Normalized::Unchanged
    })
}

/// Writes the members of a choice. Returns `true` if something changed.
fn write_choice(choice: &Object<'_>, roles_sent: &mut Vec<String>, w: &mut Writer<'_>) -> bool {
    let index = choice.get("index").map_or("0", RawValue::get);
    let mut changed = false;
    for (name, value) in &choice.0 {
        match json::parse_text::<Object<'_>>(value.get()) {
            Ok(message) if name == "delta" || name == "message" => {
                let repeats_role = name == "delta" && roles_sent.iter().any(|known| known == index);
                if message.get("role").is_some() && !repeats_role {
                    roles_sent.push(index.to_owned());
                }
                w.key(name)
                    .object(|w| changed |= write_message(&message, repeats_role, w));
            }
            _ => w.key(name).raw(value),
        }
    }
    changed
}

/// Writes the members of a message or delta. Returns `true` if something changed.
fn write_message(message: &Object<'_>, repeats_role: bool, w: &mut Writer<'_>) -> bool {
    let renames = message.get("reasoning").is_some() && message.get("reasoning_content").is_none();
    let mut changed = false;
    for (name, value) in &message.0 {
        match &**name {
            "role" if repeats_role => changed = true,
            "reasoning" if renames => {
                w.key("reasoning_content").raw(value);
                changed = true;
            }
            name => w.key(name).raw(value),
        }
    }
    changed
}

/// Writes the members of a choice whose content may be a list of parts. Returns `true` if something changed.
fn write_choice_of_parts(choice: &Object<'_>, w: &mut Writer<'_>) -> bool {
    let mut changed = false;
    for (name, value) in &choice.0 {
        match json::parse_text::<Object<'_>>(value.get()) {
            Ok(message) if name == "delta" || name == "message" => {
                w.key(name)
                    .object(|w| changed |= write_message_of_parts(&message, w));
            }
            _ => w.key(name).raw(value),
        }
    }
    changed
}

fn write_message_of_parts(message: &Object<'_>, w: &mut Writer<'_>) -> bool {
    let mut changed = false;
    for (name, value) in &message.0 {
        let parts = (name == "content")
            .then(|| MessageDelta::of_content_parts(value))
            .flatten();
        let Some(parts) = parts else {
            w.key(name).raw(value);
            continue;
        };
        changed = true;
        if parts.text.is_empty() {
            w.key("content").null();
        } else {
            w.key("content").joined(parts.text.iter().copied());
        }
        if !parts.reasoning.is_empty() {
            w.key("reasoning_content")
                .joined(parts.reasoning.iter().copied());
        }
    }
    changed
}

/// The elements of an array of objects; none if it is absent.
fn objects(list: Option<&RawValue>) -> Option<Vec<Object<'_>>> {
    list.map_or_else(
        || Some(Vec::new()),
        |list| json::parse_text(list.get()).ok(),
    )
}
