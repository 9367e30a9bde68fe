//! Why an answer ended, in the closed list that Anthropic documents.

/// `stop_reason`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The model was done.
    EndTurn,
    /// `max_tokens` was reached.
    MaxTokens,
    /// One of the client's `stop_sequences` was met.
    StopSequence,
    /// The client is to run tools.
    ToolUse,
    /// A long turn of the provider's own tools paused.
    PauseTurn,
    /// The provider's filter stopped the answer.
    Refusal,
    /// The model's context window was full.
    ModelContextWindowExceeded,
}

impl StopReason {
    /// This word on the wire says why an answer has no content: a limit, or a filter. Any other empty answer is one that
    /// another target may do better.
    pub fn allows_empty_content(word: &str) -> bool {
        [
            Self::MaxTokens,
            Self::ModelContextWindowExceeded,
            Self::Refusal,
        ]
        .iter()
        .any(|reason| reason.as_str() == word)
    }

    /// The word on the wire.
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
