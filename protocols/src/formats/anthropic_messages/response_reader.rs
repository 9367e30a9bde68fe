//! Reads a complete message from an upstream.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::formats::anthropic_messages::ReceivedUsage;
use crate::json::{Text, lenient};

/// A `message` object. Unused fields are skipped; a field of an unexpected type counts as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ReceivedMessage<'a> {
    /// `message`, or `error` for an error body with a success status.
    #[serde(rename = "type", default, deserialize_with = "Text::lenient")]
    pub kind: Option<Text<'a>>,
    /// The provider's id of the response.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub id: Option<Text<'a>>,
    /// The model that responded.
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

/// A content block of any type; `kind` determines which fields are set.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ReceivedBlock<'a> {
    /// `text`, `thinking`, `redacted_thinking`, `tool_use`, and a new one with each server tool.
    #[serde(rename = "type", default, deserialize_with = "Text::lenient")]
    pub kind: Option<Text<'a>>,
    /// Of `text`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub text: Option<Text<'a>>,
    /// Of `thinking`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub thinking: Option<Text<'a>>,
    /// Of `thinking`; required to replay it.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub signature: Option<Text<'a>>,
    /// Of `redacted_thinking`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub data: Option<Text<'a>>,
    /// Of `tool_use`; its result refers to it.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub id: Option<Text<'a>>,
    /// Of `tool_use`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub name: Option<Text<'a>>,
    /// Of `tool_use`: an object, empty at the start of a streamed block.
    #[serde(borrow, default)]
    pub input: Option<&'a RawValue>,
}
