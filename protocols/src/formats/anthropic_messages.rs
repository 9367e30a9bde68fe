//! Anthropic Messages: reads clients' requests and upstreams' responses and streams, tolerating unknown content; writes
//! responses and streams that keep every rule that clients rely on.

pub mod request_reader;
mod response_reader;
mod response_writer;
mod stop_reason;
mod stream_event;
mod stream_writer;
mod thinking_budget;
mod usage;

pub use request_reader::MessagesRequest;
pub use response_reader::{ReceivedBlock, ReceivedMessage};
pub use response_writer::{MessageBlock, MessageResponse, write_usage};
pub use stop_reason::StopReason;
pub use stream_event::{ReceivedDelta, ReceivedEvent};
pub use stream_writer::{BufferLimitExceeded, MAX_WAITING_BYTES, MessageStreamWriter, ToolBlock};
pub use thinking_budget::{MIN_THINKING_BUDGET, thinking_budget};
pub use usage::{OutputTokensDetails, ReceivedUsage};
