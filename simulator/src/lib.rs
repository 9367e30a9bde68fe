//! Simulated language model providers: real sockets that answer, stream, stall, break and remember what they received.
//!
//! `kt gateway run --simulate` serves from them when no API key is at hand, and the integration tests fail them on
//! purpose. Every answer says that it is simulated.
#![forbid(unsafe_code)]

mod anthropic;
mod bedrock;
mod behaviour;
mod openai;
mod openai_responses;
mod port;
mod provider;
mod record;

pub use behaviour::{Behaviour, Dialect, Step};
pub use port::ReservedPort;
pub use provider::Provider;
pub use record::Received;
