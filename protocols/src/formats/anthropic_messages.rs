//! Anthropic Messages: requests read for other protocols; answers and streams of upstreams read without being surprised
//! by what is new in them; answers and streams for clients written so that the rules clients rely on cannot be broken.

mod claude;
pub mod request_reader;
mod response_reader;
mod response_writer;
mod stop_reason;
mod stream_event;
mod stream_writer;
mod usage;

pub use claude::{Claude, Effort, Sampling, Thinking};
pub use request_reader::MessagesRequest;
pub use response_reader::{ReceivedBlock, ReceivedMessage};
pub use response_writer::{MessageBlock, MessageResponse, write_usage};
pub use stop_reason::StopReason;
pub use stream_event::{ReceivedDelta, ReceivedEvent};
pub use stream_writer::{BufferLimitExceeded, MAX_WAITING_BYTES, MessageStreamWriter, ToolBlock};
pub use usage::{OutputTokensDetails, ReceivedUsage};
