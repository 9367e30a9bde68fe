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

pub use delta::{MessageDelta, ToolCallDelta};
pub use finish_reason::FinishReason;
pub use markdown_fence::MarkdownFence;
pub use message_writer::{OutgoingCall, OutgoingMessage, OutgoingPart};
pub use request_reader::ChatRequest;
pub use response_reader::ReceivedResponse;
pub use response_writer::{ChatResponse, ToolCall, write_usage};
pub use stream_reader::{ChatStreamReader, StreamEnd, StreamSink};
pub use stream_writer::{ChatStreamWriter, ToolIndex};
