//! Anthropic Messages answers and streams, written so that the rules clients rely on cannot be broken.

mod message_answer;
mod message_stream;
mod stop_reason;

pub use message_answer::{MessageAnswer, MessageBlock, write_usage};
pub use message_stream::{MAX_WAITING_BYTES, MessageStreamWriter, TooMuchBuffered, ToolBlock};
pub use stop_reason::StopReason;
