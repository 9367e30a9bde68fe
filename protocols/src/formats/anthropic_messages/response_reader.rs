//! A whole message as an upstream sends it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::formats::anthropic_messages::ReceivedUsage;
use crate::json::{Text, lenient};

/// A `message` object. Fields that nobody reads are skipped; a field of an unexpected type is as if it were absent.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ReceivedMessage<'a> {
    /// `message`, or `error` in an error body with a status of success.
    #[serde(rename = "type", default, deserialize_with = "Text::lenient")]
    pub kind: Option<Text<'a>>,
    /// The provider's id of the answer.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub id: Option<Text<'a>>,
    /// The model that answered.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub model: Option<Text<'a>>,
    /// Content blocks in order; empty in `message_start`.
    #[serde(default, deserialize_with = "lenient")]
    pub content: Option<Vec<ReceivedBlock<'a>>>,
    /// Why it ended. An open list.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub stop_reason: Option<Text<'a>>,
    /// Tokens so far.
    #[serde(default, deserialize_with = "lenient")]
    pub usage: Option<ReceivedUsage>,
}

/// A content block of any type; which fields are there depends on `kind`.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ReceivedBlock<'a> {
    /// `text`, `thinking`, `redacted_thinking`, `tool_use`, and more with every server tool.
    #[serde(rename = "type", default, deserialize_with = "Text::lenient")]
    pub kind: Option<Text<'a>>,
    /// Of `text`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub text: Option<Text<'a>>,
    /// Of `thinking`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub thinking: Option<Text<'a>>,
    /// Of `thinking`; what a later request needs to replay it.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub signature: Option<Text<'a>>,
    /// Of `redacted_thinking`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub data: Option<Text<'a>>,
    /// Of `tool_use`; ties the result to the call.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub id: Option<Text<'a>>,
    /// Of `tool_use`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub name: Option<Text<'a>>,
    /// Of `tool_use`; an object, empty at the start of a streamed block.
    #[serde(borrow, default)]
    pub input: Option<&'a RawValue>,
}
