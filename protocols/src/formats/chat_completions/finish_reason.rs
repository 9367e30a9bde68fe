//! Why a response ended: the closed list that typed clients accept.

/// `choices[].finish_reason`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model finished, or a stop sequence was matched.
    Stop,
    /// The token limit or the context window was reached.
    Length,
    /// The client should run tools.
    ToolCalls,
    /// The provider's filter or the model refused.
    ContentFilter,
}

impl FinishReason {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }
}
