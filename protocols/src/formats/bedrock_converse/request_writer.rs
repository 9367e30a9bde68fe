//! Writes a Converse request.

mod conversation;
mod tool_config;

use std::borrow::Cow;

pub use conversation::{Block, CachePoint, Conversation, DocumentSource, Role, ToolResult};
pub use tool_config::{ToolChoice, ToolSpec};

use crate::json::{Text, Writer};

/// A request. Empty fields and `None` are omitted, because Converse refuses `null`.
#[derive(Debug, Default)]
pub struct ConverseRequest<'a> {
    /// System prompt and turns.
    pub conversation: Conversation<'a>,
    /// Limits and sampling.
    pub inference: Inference<'a>,
    /// The tools that the model may call.
    pub tools: Vec<ToolSpec<'a>>,
    /// Which tools it may call.
    pub tool_choice: ToolChoice<'a>,
    /// The schema of the output.
    pub output: Option<JsonSchema<'a>>,
    /// Vendor-specific fields.
    pub additional: Vec<AdditionalField<'a>>,
}

/// Limits and sampling.
#[derive(Debug, Clone, Default)]
pub struct Inference<'a> {
    /// At least 1. Without it the model's own limit applies.
    pub max_tokens: Option<u64>,
    /// A JSON number from 0 to 1.
    pub temperature: Option<&'a str>,
    /// A JSON number from 0 to 1.
    pub top_p: Option<&'a str>,
    /// Stop sequences. Blank ones are dropped because models refuse them.
    pub stop: Vec<Text<'a>>,
}

/// A schema for the output.
#[derive(Debug, Clone)]
pub struct JsonSchema<'a> {
    /// The schema's name.
    pub name: Option<Text<'a>>,
    /// What the output is for.
    pub description: Option<Text<'a>>,
    /// A JSON Schema object, which Converse takes as a string.
    pub schema: Cow<'a, str>,
}

/// One field of `additionalModelRequestFields`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalField<'a> {
    /// The vendor's name for it.
    pub name: &'static str,
    /// Its value as JSON.
    pub json: Cow<'a, str>,
}

impl<'a> AdditionalField<'a> {
    /// A field with a JSON value.
    pub fn new(name: &'static str, json: impl Into<Cow<'a, str>>) -> Self {
        Self {
            name,
            json: json.into(),
        }
    }
}

impl ConverseRequest<'_> {
    /// Removes all cache points. Models without a cache refuse them, and the response is the same without.
    pub fn remove_cache_points(&mut self) {
        self.conversation.remove_cache_points();
        for tool in &mut self.tools {
            tool.cache = None;
        }
    }

    /// Appends the request's body to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        Writer::new(out).object(|w| {
            self.conversation.write(w);
            self.inference.write(w);
            tool_config::write(
                w,
                &self.tools,
                &self.tool_choice,
                self.conversation.has_tool_blocks(),
            );
            if let Some(schema) = &self.output {
                schema.write(w.field("outputConfig"));
            }
            if !self.additional.is_empty() {
                w.field("additionalModelRequestFields").object(|w| {
                    for field in &self.additional {
                        w.field(field.name).verbatim(&field.json);
                    }
                });
            }
        });
    }
}

impl Inference<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        let stop = || self.stop.iter().filter(|stop| !stop.is_blank());
        let has_stop = stop().next().is_some();
        let has_sampling = self.temperature.is_some() || self.top_p.is_some();
        if self.max_tokens.is_none() && !has_sampling && !has_stop {
            return;
        }
        w.field("inferenceConfig").object(|w| {
            if let Some(limit) = self.max_tokens {
                w.field("maxTokens").number(limit);
            }
            if let Some(temperature) = self.temperature {
                w.field("temperature").verbatim(temperature);
            }
            if let Some(top_p) = self.top_p {
                w.field("topP").verbatim(top_p);
            }
            if has_stop {
                w.field("stopSequences")
                    .array(|w| stop().for_each(|stop| w.text(*stop)));
            }
        });
    }
}

impl JsonSchema<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| {
            w.field("textFormat").object(|w| {
                w.field("type").string("json_schema");
                w.field("structure").object(|w| {
                    w.field("jsonSchema").object(|w| {
                        w.field("schema").string(&compact(&self.schema));
                        if let Some(name) = self.name {
                            w.field("name").text(name);
                        }
                        if let Some(description) = self.description {
                            w.field("description").text(description);
                        }
                    });
                });
            });
        });
    }
}

/// `json`, which is valid, without white space between its tokens.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string || !c.is_ascii_whitespace() {
            out.push(c);
        }
        match c {
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests;
