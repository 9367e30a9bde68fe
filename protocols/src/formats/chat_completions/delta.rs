//! Reads a `message` or `delta` of a Chat Completions response, in any dialect.
//!
//! | who | dialect |
//! |---|---|
//! | OpenAI, Azure | `content` and `refusal` are strings, reasoning is hidden |
//! | DeepSeek, vLLM, SGLang | `reasoning_content` |
//! | Ollama, OpenRouter, newer vLLM | `reasoning` |
//! | Mistral | `content` is an array of `text` and `thinking` parts |
//! | Databricks | `content` is an array of `text` and `reasoning` parts, these with a `summary` |
//! | other gateways | `reasoning_content` is an object, `reasoning_signature`, `thinking_blocks` |
//! | Gemini | tool calls without `index` |
//! | some | arguments as an object instead of text |

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::json::{Object, Text};

/// The pieces, in the order in which clients of other protocols expect them.
#[derive(Debug, Default)]
pub struct MessageDelta<'a> {
    /// Reasoning.
    pub reasoning: Vec<Text<'a>>,
    /// Required to replay the reasoning in a later request.
    pub signature: Option<Text<'a>>,
    /// Text.
    pub text: Vec<Text<'a>>,
    /// The text of a refusal.
    pub refusal: Vec<Text<'a>>,
    /// Tool calls or fragments of them.
    pub tool_calls: Vec<ToolCallDelta<'a>>,
}

/// A tool call, or a fragment of one.
#[derive(Debug, Clone, Copy)]
pub struct ToolCallDelta<'a> {
    /// Identifies the call that the fragment belongs to.
    pub index: Option<u64>,
    /// Never empty.
    pub id: Option<Text<'a>>,
    /// Never empty.
    pub name: Option<Text<'a>>,
    /// May be empty.
    pub arguments: Text<'a>,
    /// Gemini's `extra_content.google.thought_signature`, without which it does not take the call back. Never empty.
    pub thought_signature: Option<Text<'a>>,
}

/// `message` or `delta`
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireMessage<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_signature: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking_blocks: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
}

/// A part of a `content` array, or an object in place of a string.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WirePart<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireCall<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    function: Option<&'a RawValue>,
    #[serde(borrow)]
    extra_content: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireFunction<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl<'a> MessageDelta<'a> {
    /// Reads a `message` or `delta`. Ignores what it does not know; `None` if it is not an object.
    pub fn read(raw: &'a RawValue) -> Option<Self> {
        let wire: WireMessage<'_> = object(raw)?;
        let mut delta = Self::default();
        delta.read_reasoning(wire.reasoning_content);
        if delta.reasoning.is_empty() {
            delta.read_reasoning(wire.reasoning);
        }
        delta.signature = non_empty(wire.reasoning_signature).or(delta.signature);
        delta.read_thinking_blocks(wire.thinking_blocks);
        delta.read_content(wire.content);
        delta.refusal.extend(non_empty(wire.refusal));
        if let Some(raw) = wire.tool_calls {
            delta.tool_calls = objects(raw).iter().map(ToolCallDelta::read).collect();
        }
        if let Some(function) = wire.function_call {
            delta.tool_calls.push(ToolCallDelta::read(&WireCall {
                function: Some(function),
                ..WireCall::default()
            }));
        }
        Some(delta)
    }

    /// Reads a `content` by itself; `None` if it is a string or nothing, as OpenAI has it.
    pub fn of_content_parts(raw: &'a RawValue) -> Option<Self> {
        let mut delta = Self::default();
        if !raw.get().starts_with('[') {
            return None;
        }
        delta.read_content(Some(raw));
        Some(delta)
    }

    /// The text, if there is exactly one piece and nothing else.
    pub(super) fn sole_text(&self) -> Option<Text<'a>> {
        let Self {
            reasoning,
            signature: None,
            text,
            refusal,
            tool_calls,
        } = self
        else {
            return None;
        };
        let [text] = **text else { return None };
        let says_more = !(reasoning.is_empty() && refusal.is_empty() && tool_calls.is_empty());
        (!says_more).then_some(text)
    }

    fn read_reasoning(&mut self, raw: Option<&'a RawValue>) {
        let Some(raw) = raw else { return };
        if let Some(text) = Text::of(raw) {
            self.reasoning.extend(not_empty(text));
        } else if let Some(part) = object::<WirePart<'_>>(raw) {
            self.reasoning.extend(non_empty(part.text));
            self.signature = non_empty(part.signature).or(self.signature);
        }
    }

    /// The blocks repeat `reasoning_content`, but only they carry signatures.
    fn read_thinking_blocks(&mut self, raw: Option<&'a RawValue>) {
        let Some(raw) = raw else { return };
        let repeated = !self.reasoning.is_empty();
        for block in objects::<WirePart<'_>>(raw) {
            if !repeated {
                self.reasoning.extend(non_empty(block.thinking));
            }
            self.signature = self.signature.or(non_empty(block.signature));
        }
    }

    fn read_content(&mut self, raw: Option<&'a RawValue>) {
        let Some(raw) = raw else { return };
        if let Some(text) = Text::of(raw) {
            self.text.extend(not_empty(text));
            return;
        }
        for part in objects::<WirePart<'_>>(raw) {
            match part.kind.as_deref() {
                Some("thinking") => self.read_thinking(part.thinking),
                Some("reasoning") => self.read_thinking(part.summary),
                Some("refusal") => self.refusal.extend(non_empty(part.refusal)),
                // References, images and other parts have no equivalent in text.
                _ => self.text.extend(non_empty(part.text)),
            }
        }
    }

    /// A string, or an array of text parts.
    fn read_thinking(&mut self, raw: Option<&'a RawValue>) {
        let Some(raw) = raw else { return };
        if let Some(text) = Text::of(raw) {
            self.reasoning.extend(not_empty(text));
            return;
        }
        let parts = objects::<WirePart<'_>>(raw);
        self.reasoning
            .extend(parts.iter().filter_map(|part| non_empty(part.text)));
    }
}

impl<'a> ToolCallDelta<'a> {
    fn read(wire: &WireCall<'a>) -> Self {
        let function: WireFunction<'a> = wire.function.and_then(object).unwrap_or_default();
        let google = wire.extra_content.and_then(|extra| member(extra, "google"));
        Self {
            index: wire.index.and_then(|raw| raw.get().parse().ok()),
            id: non_empty(wire.id),
            name: non_empty(function.name),
            arguments: match function.arguments {
                None => Text::Plain(""),
                Some(raw) => Text::of(raw).unwrap_or(Text::Plain(raw.get())),
            },
            thought_signature: non_empty(
                google.and_then(|google| member(google, "thought_signature")),
            ),
        }
    }
}

/// Reads an object; derived deserializers alone would accept an array.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    let raw = Some(raw.get()).filter(|raw| raw.starts_with('{'))?;
    json::parse_text(raw).ok()
}

/// A member of an object.
fn member<'a>(raw: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let object: Object<'_> = json::parse_text(raw.get()).ok()?;
    object.get(name)
}

/// The objects of an array; other elements are ignored.
fn objects<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Vec<T> {
    let items: Vec<&RawValue> = json::parse_text(raw.get()).unwrap_or_default();
    items.into_iter().filter_map(object).collect()
}

/// A string that is present and not empty.
pub(super) fn non_empty(raw: Option<&RawValue>) -> Option<Text<'_>> {
    raw.and_then(Text::of).and_then(not_empty)
}

fn not_empty(text: Text<'_>) -> Option<Text<'_>> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
