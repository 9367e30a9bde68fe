//! Chat Completions: requests read for other protocols; answers and streams written so that the rules clients rely on
//! cannot be broken, and read in all dialects for clients of other protocols.

mod chat_answer;
pub mod chat_request;
mod chat_stream;
pub mod embeddings_call;
mod finish;
mod finish_reason;
pub mod ignored_field;
mod json_fence;
mod outgoing_message;
mod read_answer;
mod read_stream;
mod said;

pub use chat_answer::{ChatAnswer, ToolCall, write_usage};
pub use chat_request::ChatRequest;
pub use chat_stream::{ChatStreamWriter, ToolIndex};
pub use finish_reason::FinishReason;
pub use ignored_field::IgnoredField;
pub use json_fence::JsonFence;
pub use outgoing_message::{OutgoingCall, OutgoingMessage, OutgoingPart};
pub use read_answer::ReadAnswer;
pub use read_stream::{ChatStreamReader, StreamEnd, StreamSink};
pub use said::{Said, SaidCall};
