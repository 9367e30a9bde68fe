//! Reads an event of an upstream's message stream.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::formats::anthropic_messages::ReceivedUsage;
use crate::json::{Text, lenient};

/// The data of an event. Its members depend on `kind` and are parsed only for known types, so that new types cannot
/// break a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ReceivedEvent<'a> {
    /// `message_start`, `content_block_delta`, `ping` …
    #[serde(rename = "type", default, deserialize_with = "Text::lenient")]
    pub kind: Option<Text<'a>>,
    /// The content block, in `content_block_*`.
    #[serde(default, deserialize_with = "lenient")]
    pub index: Option<u64>,
    /// [`crate::formats::anthropic_messages::ReceivedMessage`] of `message_start`.
    #[serde(borrow, default)]
    pub message: Option<&'a RawValue>,
    /// [`crate::formats::anthropic_messages::ReceivedBlock`] of `content_block_start`.
    #[serde(borrow, default)]
    pub content_block: Option<&'a RawValue>,
    /// [`ReceivedDelta`] of `content_block_delta` and `message_delta`.
    #[serde(borrow, default)]
    pub delta: Option<&'a RawValue>,
    /// Of `message_delta`. Cumulative since the start of the message.
    #[serde(default, deserialize_with = "lenient")]
    pub usage: Option<ReceivedUsage>,
}

/// A change of a block or of the message.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct ReceivedDelta<'a> {
    /// `text_delta`, `thinking_delta`, `signature_delta`, `input_json_delta`, `citations_delta`; absent in
    /// `message_delta`.
    #[serde(rename = "type", default, deserialize_with = "Text::lenient")]
    pub kind: Option<Text<'a>>,
    /// Of `text_delta`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub text: Option<Text<'a>>,
    /// Of `thinking_delta`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub thinking: Option<Text<'a>>,
    /// Of `signature_delta`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub signature: Option<Text<'a>>,
    /// Of `input_json_delta`: a fragment of the arguments.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub partial_json: Option<Text<'a>>,
    /// Of `message_delta`.
    #[serde(default, deserialize_with = "Text::lenient")]
    pub stop_reason: Option<Text<'a>>,
}
