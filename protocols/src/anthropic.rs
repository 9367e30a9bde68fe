//! Anthropic Messages: requests read for other protocols; answers and streams of upstreams read without being surprised
//! by what is new in them; answers and streams for clients written so that the rules clients rely on cannot be broken.

mod claude;
mod message_answer;
mod message_stream;
pub mod messages_request;
mod received_event;
mod received_message;
mod received_usage;
mod stop_reason;

pub use claude::{Claude, Effort, Sampling, Thinking};
pub use message_answer::{MessageAnswer, MessageBlock, write_usage};
pub use message_stream::{MAX_WAITING_BYTES, MessageStreamWriter, TooMuchBuffered, ToolBlock};
pub use messages_request::MessagesRequest;
pub use received_event::{ReceivedDelta, ReceivedEvent};
pub use received_message::{ReceivedBlock, ReceivedMessage};
pub use received_usage::{OutputTokensDetails, ReceivedUsage};
pub use stop_reason::StopReason;
