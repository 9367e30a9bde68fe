//! Why a response ended: the closed list that Anthropic documents.

/// `stop_reason`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The model finished.
    EndTurn,
    /// `max_tokens` was reached.
    MaxTokens,
    /// One of the client's `stop_sequences` was matched.
    StopSequence,
    /// The client should run tools.
    ToolUse,
    /// A long turn of the provider's own tools paused.
    PauseTurn,
    /// The provider's filter stopped the response.
    Refusal,
    /// The context window is full.
    ModelContextWindowExceeded,
}

impl StopReason {
    /// This `stop_reason` explains an empty response: a limit or a filter. Any other empty response fails over.
    pub fn allows_empty_content(word: &str) -> bool {
        [
            Self::MaxTokens,
            Self::ModelContextWindowExceeded,
            Self::Refusal,
        ]
        .iter()
        .any(|reason| reason.as_str() == word)
    }

    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::StopSequence => "stop_sequence",
            Self::ToolUse => "tool_use",
            Self::PauseTurn => "pause_turn",
            Self::Refusal => "refusal",
            Self::ModelContextWindowExceeded => "model_context_window_exceeded",
        }
    }
}
