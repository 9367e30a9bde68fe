//! `toolConfig`: the tools that the model may call.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::formats::bedrock_converse::CachePoint;
use crate::json;
use crate::json::{Object, Text, Writer};

/// A tool of the client. Names come from [`crate::formats::bedrock_converse::ToolNames`].
#[derive(Debug, Clone)]
pub struct ToolSpec<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Tells the model when to call it; dropped if blank.
    pub description: Option<Text<'a>>,
    /// A JSON Schema object; absent for tools without parameters.
    pub schema: Option<&'a RawValue>,
    /// The input must follow the schema exactly.
    pub strict: bool,
    /// Ends a cacheable prefix of the tools.
    pub cache: Option<CachePoint>,
}

/// Which tools the model may call. Converse cannot forbid calls: omit the tools instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice<'a> {
    /// The model decides.
    #[default]
    Auto,
    /// At least one call.
    Any,
    /// A call of this tool.
    Tool(Cow<'a, str>),
}

/// Stands in for missing tools: Converse refuses tool calls and results in a request without any tool.
const PLACEHOLDER: &str = concat!(
    r#"{"toolSpec":{"name":"unavailable","#,
    r#""description":"Placeholder for tools that were called before and are gone. Never call it.","#,
    r#""inputSchema":{"json":{"type":"object"}}}}"#
);

/// Writes the field `toolConfig`.
pub(super) fn write(
    w: &mut Writer<'_>,
    tools: &[ToolSpec<'_>],
    choice: &ToolChoice<'_>,
    tools_in_conversation: bool,
) {
    if tools.is_empty() && !tools_in_conversation {
        return;
    }
    w.field("toolConfig").object(|w| {
        w.field("tools").array(|w| {
            if tools.is_empty() {
                w.verbatim(PLACEHOLDER);
            }
            for tool in tools {
                w.object(|w| w.field("toolSpec").object(|w| tool.write(w)));
                if let Some(point) = &tool.cache {
                    point.write(w);
                }
            }
        });
        match choice {
            ToolChoice::Auto => {}
            ToolChoice::Any => w
                .field("toolChoice")
                .object(|w| w.field("any").object(|_| {})),
            ToolChoice::Tool(name) => w.field("toolChoice").object(|w| {
                w.field("tool").object(|w| w.field("name").string(name));
            }),
        }
    });
}

impl ToolSpec<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        w.field("name").string(&self.name);
        if let Some(description) = self.description.filter(|text| !text.is_blank()) {
            w.field("description").text(description);
        }
        w.field("inputSchema")
            .object(|w| write_schema(w.field("json"), self.schema));
        if self.strict {
            w.field("strict").bool(true);
        }
    }
}

/// Writes the schema as received, adding `type: object` if it has no type, because models require one.
fn write_schema(w: &mut Writer<'_>, schema: Option<&RawValue>) {
    let fields = schema.and_then(|schema| json::parse_text::<Object<'_>>(schema.get()).ok());
    match (schema, fields) {
        (Some(schema), Some(fields)) if fields.get("type").is_some() => w.raw(schema),
        (_, fields) => w.object(|w| {
            w.field("type").string("object");
            for (name, value) in fields.iter().flat_map(Object::fields) {
                w.key(name).raw(value);
            }
        }),
    }
}
