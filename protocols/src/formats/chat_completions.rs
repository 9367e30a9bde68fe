//! Chat Completions: requests read for other protocols; answers and streams written so that the rules clients rely on
//! cannot be broken, and read in all dialects for clients of other protocols.

mod delta;
mod finish;
mod finish_reason;
mod markdown_fence;
mod message_writer;
pub mod request_reader;
mod response_reader;
mod response_writer;
mod stream_reader;
mod stream_writer;

pub use delta::{Said, SaidCall};
pub use finish_reason::FinishReason;
pub use markdown_fence::JsonFence;
pub use message_writer::{OutgoingCall, OutgoingMessage, OutgoingPart};
pub use request_reader::ChatRequest;
pub use response_reader::ReadAnswer;
pub use response_writer::{ChatAnswer, ToolCall, write_usage};
pub use stream_reader::{ChatStreamReader, StreamEnd, StreamSink};
pub use stream_writer::{ChatStreamWriter, ToolIndex};
