//! Request fields that a response echoes.

use serde_json::value::RawValue;

use crate::json::Writer;

/// Fields that responses echo, and their defaults.
const REPEATED: &[(&str, &str)] = &[
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_p", "null"),
    ("truncation", "\"disabled\""),
    ("user", "null"),
];

/// The echoed fields of one request, as JSON.
#[derive(Debug, Clone, Default)]
pub struct EchoedFields(Vec<(&'static str, String)>);

impl EchoedFields {
    /// Keeps a request field if responses echo it.
    pub(crate) fn keep(&mut self, name: &str, value: &RawValue) {
        self.keep_json(name, value.get());
    }

    /// Keeps a field with a value that differs from the request's.
    pub(crate) fn keep_json(&mut self, name: &str, value: &str) {
        if let Some((name, _)) = REPEATED.iter().find(|(known, _)| *known == name) {
            self.0.retain(|(known, _)| known != name);
            self.0.push((name, on_one_line(value)));
        }
    }

    /// Writes the fields.
    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        for (name, default) in REPEATED {
            let given = self.0.iter().find(|(known, _)| known == name);
            w.field(name)
                .verbatim(given.map_or(default, |(_, value)| value));
        }
    }
}

/// Removes white space between tokens: events are single lines, but clients may send JSON on several.
fn on_one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            in_string = character == '"';
        }
        line.push(character);
    }
    line
}

#[cfg(test)]
mod tests;
