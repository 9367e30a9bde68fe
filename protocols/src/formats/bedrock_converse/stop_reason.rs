//! Why a response ended.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::json::Text;

/// `stopReason`, an open list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The model finished.
    EndTurn,
    /// One of the request's stop sequences was matched.
    StopSequence,
    /// The token limit was reached.
    MaxTokens,
    /// The client should run tools.
    ToolUse,
    /// A guardrail stopped it.
    GuardrailIntervened,
    /// The provider's content filter stopped it.
    ContentFiltered,
    /// The model produced output that Bedrock cannot parse.
    MalformedModelOutput,
    /// The model made a tool call that Bedrock cannot parse.
    MalformedToolUse,
    /// The context window is full.
    ModelContextWindowExceeded,
    /// A newer reason, or none.
    Other,
}

/// The end of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The reason.
    pub reason: StopReason,
    /// The stop sequence that was matched, if the model reports it.
    pub sequence: Option<String>,
}

/// Vendor-specific response fields: Anthropic's models put `stop_sequence` there, in streams inside `delta`.
#[derive(Debug, Default, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct ModelFields<'a> {
    #[serde(default, deserialize_with = "Text::lenient")]
    stop_sequence: Option<Text<'a>>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
}

impl StopReason {
    /// Parses the value on the wire.
    pub fn read(word: Option<Text<'_>>) -> Self {
        match word.and_then(Text::decode).unwrap_or_default().as_ref() {
            "end_turn" => Self::EndTurn,
            "stop_sequence" => Self::StopSequence,
            "max_tokens" => Self::MaxTokens,
            "tool_use" => Self::ToolUse,
            "guardrail_intervened" => Self::GuardrailIntervened,
            "content_filtered" => Self::ContentFiltered,
            "malformed_model_output" => Self::MalformedModelOutput,
            "malformed_tool_use" => Self::MalformedToolUse,
            "model_context_window_exceeded" => Self::ModelContextWindowExceeded,
            _ => Self::Other,
        }
    }

    /// It explains why a response may have no content.
    pub fn allows_empty_content(self) -> bool {
        match self {
            Self::MaxTokens
            | Self::GuardrailIntervened
            | Self::ContentFiltered
            | Self::ModelContextWindowExceeded => true,
            Self::EndTurn
            | Self::StopSequence
            | Self::ToolUse
            | Self::MalformedModelOutput
            | Self::MalformedToolUse
            | Self::Other => false,
        }
    }
}

impl Stop {
    /// Reads `stopReason` and `additionalModelResponseFields`.
    pub fn read(reason: Option<Text<'_>>, fields: Option<&RawValue>) -> Self {
        let fields: Option<ModelFields<'_>> = fields.and_then(read);
        let sequence = fields.and_then(|fields| {
            fields
                .stop_sequence
                .or_else(|| read(fields.delta?)?.stop_sequence)
        });
        Self {
            reason: StopReason::read(reason),
            sequence: sequence.and_then(Text::decode).map(Cow::into_owned),
        }
    }
}

fn read(raw: &RawValue) -> Option<ModelFields<'_>> {
    json::parse_text(raw.get()).ok()
}

#[cfg(test)]
mod tests;
