//! Chat Completions: reads clients' requests and upstreams' responses and streams, in all dialects; writes responses
//! and streams that keep every rule that clients rely on.

mod delta;
mod finish;
mod finish_reason;
mod markdown_fence;
pub(crate) mod members;
mod message_writer;
pub(crate) mod request_dialect;
pub mod request_reader;
mod response_reader;
mod response_writer;
pub mod signed_reasoning;
mod stream_reader;
mod stream_writer;

pub use delta::{MessageDelta, ToolCallDelta};
pub use finish_reason::FinishReason;
pub use markdown_fence::MarkdownFence;
pub use message_writer::{OutgoingCall, OutgoingMessage, OutgoingPart, OutgoingReasoning};
pub use request_reader::ChatRequest;
pub use response_reader::ReceivedResponse;
pub use response_writer::{ChatResponse, ToolCall, write_usage};
pub use stream_reader::{ChatStreamReader, StreamEnd, StreamSink};
pub use stream_writer::{ChatStreamWriter, ToolIndex};
