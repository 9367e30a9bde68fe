//! Chat Completions answers and streams, written so that the rules clients rely on cannot be broken.

mod chat_answer;
mod chat_stream;
mod finish_reason;

pub use chat_answer::{ChatAnswer, ToolCall, write_usage};
pub use chat_stream::{ChatStreamWriter, ToolIndex};
pub use finish_reason::FinishReason;
