//! Why an answer ended, in the closed list that typed clients accept.

/// `choices[].finish_reason`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done, or met a stop sequence.
    Stop,
    /// The token limit or the context window was reached.
    Length,
    /// The client is to run tools.
    ToolCalls,
    /// The provider's filter or the model refused.
    ContentFilter,
}

impl FinishReason {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }
}
